# What the scripts of this folder share: each of them reads it, and nobody runs it.

TREE=$(CDPATH='' cd -- "$HERE/.." && pwd)
ME=${0##*/}
# Empty, or --dry-run.
DRY_RUN=
CHOSEN=
TIMEOUT=
OPERAND=
# What a dry run prints goes here, whatever reads stdout.
exec 3>&1

# say TEXT...: how far it is; a dry run prints commands only.
say() {
  [ -n "$DRY_RUN" ] || printf '%s\n' "$*"
}

# fail TEXT...: ends here.
fail() {
  printf '%s: %s\n' "$ME" "$*" >&2
  exit 1
}

# wrong TEXT...: ends here, for it was called wrongly.
wrong() {
  printf '%s: %s\nTry: %s --help\n' "$ME" "$*" "$0" >&2
  exit 2
}

# arguments OPTIONS WORD...: takes the words of the command line: the options that all scripts have and those of this
# one into DRY_RUN, TIMEOUT and CHOSEN, one more word into OPERAND.
arguments() {
  options=" --help --dry-run $1 "
  shift
  for word; do
    case $word in
      -*)
        case $options in
          *" ${word%%=*} "*) ;;
          *) wrong "there is no option $word" ;;
        esac
        ;;
    esac
    case $word in
      --help)
        usage
        exit
        ;;
      --dry-run) DRY_RUN=$word ;;
      --yes | --force) CHOSEN="$CHOSEN $word" ;;
      --timeout=*)
        TIMEOUT=${word#*=}
        number "$TIMEOUT" || wrong "--timeout wants seconds: --timeout=900"
        ;;
      -*) wrong "$word needs or takes no value" ;;
      *)
        [ -z "$OPERAND" ] || wrong "'$word' is too much: one is enough"
        OPERAND=$word
        ;;
    esac
  done
}

# number TEXT: whether it is one, above zero and not absurd.
number() {
  case $1 in
    '' | 0* | *[!0-9]* | ???????*) return 1 ;;
  esac
}

# among WORD LIST: whether the list has the word.
among() {
  case " $2 " in
    *" $1 "*) ;;
    *) return 1 ;;
  esac
}

# quote TEXT: as one word of a shell, in QUOTED.
quote() {
  case $1 in
    '' | *[!a-zA-Z0-9_./:=@%+,-]*) ;;
    *)
      QUOTED=$1
      return
      ;;
  esac
  rest=$1
  QUOTED=
  while :; do
    case $rest in
      *\'*) ;;
      *) break ;;
    esac
    QUOTED="$QUOTED${rest%%\'*}'\\''"
    rest=${rest#*\'}
  done
  QUOTED="'$QUOTED$rest'"
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
