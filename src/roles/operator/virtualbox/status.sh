
usage() {
  cat <<END
usage: status.sh [MACHINE...]

Shows machines of $NAME, all if none is named: what VirtualBox says of each, how far its bootstrap is, and whether it is
what the blueprint says now; and which certificates are not good, or not for long. If none is named, it shows what base-image.sh has made, too. It changes nothing.

example: status.sh ${MACHINES##* }
exit status: 0 all are there, run and are ready, and all certificates are good, 1 not all, or failed, 2 wrong arguments
END
}

MANY=yes
arguments "" "$@"
begin
chosen_machines
code=0
check_certificates
[ "$PROBLEMS" -eq 0 ] || code=1
printf '%-20s %-12s %-12s %s\n' MACHINE STATE BLUEPRINT BOOTSTRAP
for machine in $MACHINES_CHOSEN; do
  look "$machine"
  blueprint="-"
  if [ "$STATE" != absent ] && [ "$STATE" != inaccessible ]; then
    blueprint=current
    is_current || blueprint=changed
  fi
  far="-"
  if is_running; then
    marker "$machine"
    far=${VALUE:-starting}
  fi
  [ "$STATE $far" = "running ready" ] || code=1
  printf '%-20s %-12s %-12s %s\n' "$machine" "$STATE" "$blueprint" "$far"
done
if [ -z "$OPERAND" ]; then
  look_at_installer
  locked disk
  if [ "$STATE" != absent ]; then
    printf '%-20s %-12s %-12s %s\n' "(base image)" "$STATE" "-" "an installer makes it: base-image.sh"
  elif [ -n "$ANSWERS" ] && [ -z "$DISK_FILE" ] && [ -n "$VALUE" ]; then
    blueprint=current
    ! is_stale || blueprint=changed
    printf '%-20s %-12s %-12s %s\n' "(base image)" "made" "$blueprint" "-"
  fi
  strangers
  for stranger in $STRANGERS; do
    printf '%-20s %-12s %-12s %s\n' "${stranger#*=}" "-" "removed" "'destroy.sh ${stranger#*=}' deletes it"
  done
fi
[ "$code" -eq 0 ]
