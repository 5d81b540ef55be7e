
usage() {
  cat <<END
usage: console.sh [--follow] [--previous] MACHINE

Prints what a machine of $NAME wrote to its serial console since it was started. Lines that start with 'bpc:' are from
its bootstrap.

  --follow    goes on as the machine writes, until Ctrl-C
  --previous  prints the console of the time before

example: console.sh --follow ${MACHINES##* }
exit status: 0 printed, 1 there is none, 2 wrong arguments
END
}

arguments "--follow --previous" "$@"
[ -n "$OPERAND" ] || wrong "say which machine: $MACHINES"
begin
chosen_machines
look "$OPERAND"
if chosen --previous; then
  CONSOLE=$VM_FOLDER/console.previous.log
fi
[ -e "$CONSOLE" ] || fail "$MACHINE has no console yet: was it started by up.sh?"
if chosen --follow; then
  rm -rf "$WORK"
  exec tail -n +1 -f "$CONSOLE"
fi
cat "$CONSOLE"
