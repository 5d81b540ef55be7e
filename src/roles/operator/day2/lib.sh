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
  (cd "$TREE" && exec ssh -F ssh/config "$@" -o ConnectTimeout=20 -o ServerAliveInterval=15 "$host" "$line") ||
    status=$?
  if [ "$status" -eq 255 ]; then
    printf '%s: no connection to %s, or it broke: look whether the machine is up\n' "$ME" "$host" >&2
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
