
usage() {
  cat <<END
usage: doctor.sh [--disk=FILE] [MACHINE...]

Looks at all that up.sh needs for machines of $NAME, all if none is named: VirtualBox, the host's memory, processors,
disk, ports and networks, the built files and their certificates, the system disk. It changes nothing, and looks at
everything even if something is missing.

  --disk  the system disk, where the blueprint does not say

example: doctor.sh
exit status: 0 up.sh can go on, 1 it cannot, 2 wrong arguments
END
}

MANY=yes
arguments "--disk" "$@"
LOOK_ON=yes
SHOW_GOOD=yes
begin
chosen_machines
# shellcheck disable=SC2086  # names of machines
preflight $MACHINES_CHOSEN
[ "$PROBLEMS" -eq 0 ] || fail "up.sh would stop before it changes anything"
