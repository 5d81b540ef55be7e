
usage() {
  cat <<END
usage: doctor.sh [--disk=FILE] [MACHINE...]

Looks at all that up.sh needs for machines of $NAME, all if none is named: VirtualBox, the host's memory, processors,
disk and ports, the built files, the system disk. It changes nothing.

  --disk  the system disk, where the blueprint does not say

example: doctor.sh
exit status: 0 up.sh can go on, 1 it cannot, 2 wrong arguments
END
}

MANY=yes
arguments "--disk" "$@"
begin
chosen_machines
SHOW_GOOD=yes
# shellcheck disable=SC2086  # names of machines
preflight $MACHINES_CHOSEN
[ "$PROBLEMS" -eq 0 ] || fail "up.sh would stop before it changes anything"
