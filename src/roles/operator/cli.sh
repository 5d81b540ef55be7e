# What the scripts of this folder share: each of them reads it, and nobody runs it.

TREE=$(CDPATH='' cd -- "$HERE/.." && pwd)
ME=${0##*/}
# Empty, or --dry-run.
DRY_RUN=
CHOSEN=
TIMEOUT=
DISK=
SHA256=
ACCEPTED=
# The word that is no option; or, where MANY is set, all of them.
OPERAND=
MANY=
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
# one into DRY_RUN, TIMEOUT, DISK, SHA256 and CHOSEN, and the operand, or the operands.
arguments() {
  options=" --help -h --dry-run $1 "
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
      --help | -h)
        usage
        exit
        ;;
      --dry-run) DRY_RUN=$word ;;
      --timeout=*)
        TIMEOUT=${word#*=}
        number "$TIMEOUT" || wrong "--timeout wants seconds: --timeout=900"
        ;;
      --disk=?*)
        # shellcheck disable=SC2034  # not every folder has scripts that read it
        DISK=${word#*=}
        ;;
      --sha256=?*)
        # shellcheck disable=SC2034  # not every folder has scripts that read it
        SHA256=${word#*=}
        ;;
      --accept=?*)
        # shellcheck disable=SC2034  # not every folder has scripts that read it
        ACCEPTED="$ACCEPTED ${word#*=}"
        ;;
      --timeout | --disk* | --sha256* | --accept*) wrong "$word needs a value: $word=..." ;;
      -*=*) wrong "${word%%=*} takes no value" ;;
      -*) CHOSEN="$CHOSEN $word" ;;
      *)
        [ -z "$OPERAND" ] || [ -n "$MANY" ] || wrong "'$word' is too much: one is enough"
        OPERAND=${OPERAND:+$OPERAND }$word
        ;;
    esac
  done
}

# chosen OPTION: whether the command line has it.
chosen() {
  among "$1" "$CHOSEN"
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

