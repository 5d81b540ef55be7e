# Called by keepalived (INSTANCE NAME STATE PRIORITY) with the state that it has come to: a line for the journal and
# for the serial console.
case ${3-} in
  MASTER) state=here ;;
  FAULT) state=fault ;;
  *) state=gone ;;
esac
line="bpc: $MACHINE floating address $FLOATING $state"
timeout -k 1 2 logger --tag bpc -- "$line" </dev/null >/dev/null 2>&1 || :
find_console
announce "$line" >/dev/null
