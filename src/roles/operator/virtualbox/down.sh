
usage() {
  cat <<END
usage: down.sh [--dry-run] [--timeout=SECONDS] [MACHINE...]

Shuts machines of $NAME down, all if none is named: the gateway last. One that has not shut down in time is switched off.
What is on their disks stays; up.sh starts them again.

  --timeout  how long they may take (default: 120 seconds)
  --dry-run  prints the commands in place of running them

example: down.sh ${MACHINES##* }
exit status: 0 they are off, 1 failed, 2 wrong arguments
END
}

MANY=yes
arguments "--timeout" "$@"
begin
chosen_machines
lock
LAST_ONES=
OTHERS=
for machine in $MACHINES_CHOSEN; do
  if among "$machine" "$GATEWAYS"; then
    LAST_ONES="$LAST_ONES $machine"
  else
    OTHERS="$OTHERS $machine"
  fi
done
# shellcheck disable=SC2086  # names of machines
{
  stop $OTHERS
  stop $LAST_ONES
}
