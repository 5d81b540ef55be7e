# What ssh itself says, apart from what the command there says.
SSH_LOG=$(mktemp) || fail "cannot make a temporary file"
trap 'rm -f "$SSH_LOG"' EXIT
trap 'exit 130' INT
trap 'exit 143' HUP TERM

# jump MACHINE: the machine by way of which it is reached, in JUMP; empty if it is reached directly.
jump() {
  JUMP=$(awk -v machine="$1" '
    $1 == "Host" { here = $2 == machine }
    here && $1 == "ProxyJump" { print $2; exit }' "$TREE/ssh/config") || JUMP=
}

# no_connection MACHINE: says so. Of what is reached through another one, ssh knows neither the address nor the port.
no_connection() {
  jump "$1"
  if [ -n "$JUMP" ]; then
    printf '%s: no connection to %s by way of %s, or it broke: look whether both are up\n' "$ME" "$1" "$JUMP" >&2
  else
    printf '%s: no connection to %s, or it broke: look whether it is up\n' "$ME" "$1" >&2
  fi
  sed "s/UNKNOWN port 65535/$1/; s/^/  /" "$SSH_LOG" >&2
}

# ssh_to MACHINE COMMAND [OPTION...]: runs a command of the shell there, which reads what this one reads.
ssh_to() {
  host=$1 line=$2
  shift 2
  if [ -n "$DRY_RUN" ]; then
    printf 'ssh %s: %s\n' "$host" "$line" >&3
    return
  fi
  status=0
  # The paths in the configuration are relative to its folder.
  : >"$SSH_LOG"
  (cd "$TREE" && exec ssh -F ssh/config -E "$SSH_LOG" "$@" -o ServerAliveInterval=15 "$host" "$line") || status=$?
  if [ "$status" -eq 255 ]; then
    no_connection "$host"
  else
    cat "$SSH_LOG" >&2
  fi
  return "$status"
}

# on MACHINE COMMAND: the same, with nothing to read.
on() {
  ssh_to "$1" "$2" -o BatchMode=yes </dev/null
}

# put MACHINE COMMAND: the same, and it reads what this one reads.
put() {
  ssh_to "$1" "$2" -o BatchMode=yes
}

# first_of MACHINE...: the first one that answers, in FOUND.
first_of() {
  FOUND=$1
  # One alone is tried when it is needed.
  [ $# -gt 1 ] || return 0
  for FOUND; do
    if on "$FOUND" true 2>/dev/null; then
      return
    fi
  done
  return 1
}

# find_kubectl [MACHINE]: chooses the machine that kubectl runs on, any but this one.
find_kubectl() {
  machines=
  for machine in $KUBECTL_MACHINES; do
    [ "$machine" = "${1-}" ] || machines="$machines $machine"
  done
  [ -n "$machines" ] || fail "no other machine has kubectl and the right to use it"
  # shellcheck disable=SC2086  # names of machines
  first_of $machines || fail "none of these answers by ssh:$machines: see to it that one is up"
  KUBECTL_MACHINE=$FOUND
}

# kubectl_command ARGUMENT...: the command that has kubectl get exactly these, in COMMAND.
kubectl_command() {
  COMMAND=$KUBECTL
  for argument; do
    quote "$argument"
    COMMAND="$COMMAND $QUOTED"
  done
}

# kube ARGUMENT...: kubectl, with nothing to read.
kube() {
  kubectl_command "$@"
  on "$KUBECTL_MACHINE" "$COMMAND"
}

# await SECONDS COMMAND...: tries the command every five seconds, for so long.
await() {
  left=$(($1 / 5))
  shift
  until "$@"; do
    left=$((left - 1))
    [ "$left" -gt 0 ] || return 1
    sleep 5
  done
}

# Whether the API serves.
api_is_ready() {
  kube get --raw /readyz >/dev/null 2>&1
}

# is_ready NODE: whether it is a node, and ready.
is_ready() {
  # shellcheck disable=SC2016  # a path of kubectl's
  found=$(kube get node "$1" --ignore-not-found --output 'jsonpath={.status.conditions[?(@.type=="Ready")].status}') ||
    return 1
  [ -n "$DRY_RUN" ] || [ "$found" = True ]
}
