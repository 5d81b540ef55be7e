# shellcheck shell=sh disable=SC2034  # wrong
# Stands above what a machine runs that looks at its file systems.
wrong=0

complain() {
  echo "WRONG: $*"
  wrong=1
}

# size DEVICE: in MiB.
size() {
  blockdev --getsize64 "$1" | awk '{ print int($1 / 1048576) }'
}

# mounted MOUNT MIB TYPE OPTIONS: complains unless it is, on something of that size.
mounted() {
  found=$(size "$(findmnt --noheadings --output SOURCE --mountpoint "$1")")
  [ "$found" = "$2" ] || complain "$1 has $found MiB, not $2"
  found=$(findmnt --noheadings --output FSTYPE --mountpoint "$1")
  [ "$found" = "$3" ] || complain "$1 is $found, not $3"
  # A file system has nearly all of what it is on.
  found=$(stat -f -c '%b %S' "$1" | awk '{ print int($1 * $2 / 1048576) }')
  [ "$found" -ge "$(($2 * 85 / 100))" ] || complain "the file system of $1 has $found of $2 MiB"
  found=$(findmnt --noheadings --output OPTIONS --mountpoint "$1")
  for option in $(echo "$4" | tr , ' '); do
    case ,$found, in
      *,"$option",*) ;;
      *) complain "$1 is mounted with $found, not $option" ;;
    esac
  done
}
