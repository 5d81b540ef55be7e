
usage() {
  cat <<END
usage: snapshot.sh [--dry-run] take|restore|delete SNAPSHOT
       snapshot.sh list

Takes a snapshot of every machine of $NAME, or goes back to it, or deletes it. Machines are to be off for that, all at
the same time: what they keep together, such as the state of the cluster, is then of one moment. Where a machine has that
snapshot already, or does not have it any more, nothing is done, so it may be called again after a failure.

  --dry-run  prints the commands in place of running them

example: down.sh && snapshot.sh take before-upgrade && up.sh
exit status: 0 done, 1 failed or refused, 2 wrong arguments
END
}

# has SNAPSHOT: whether the machine that was looked at has it.
has() {
  printf '%s\n' "$INFO" | sed -n 's/^SnapshotName[-0-9]*="\(.*\)"$/\1/p' | grep -q -x -F "$1"
}

MANY=yes
arguments "" "$@"
begin
# shellcheck disable=SC2086  # words without blanks
set -- $OPERAND
case $#:${1-} in
  1:list)
    for machine in $MACHINES; do
      look "$machine"
      printf '%s\n' "$INFO" | sed -n "s/^SnapshotName[-0-9]*=\"\(.*\)\"\$/$machine \1/p"
    done
    exit
    ;;
  2:take | 2:restore | 2:delete) ;;
  *) wrong "say what to do and a name: snapshot.sh take before-upgrade" ;;
esac
case $2 in
  *[!a-zA-Z0-9._-]*) wrong "'$2': a snapshot's name has letters, digits, '.', '_' and '-'" ;;
esac
lock
on=
missing=
for machine in $MACHINES; do
  look "$machine"
  if is_running; then
    on="$on $machine"
  elif [ "$STATE" = absent ] || { [ "$1" = restore ] && ! has "$2"; }; then
    missing="$missing $machine"
  fi
done
MACHINE=
[ -z "$on" ] || fail "these run:$on; shut them down first: down.sh"
if [ "$1" != delete ] && [ -n "$missing" ]; then
  [ "$1" = restore ] && fail "these have no snapshot '$2':$missing; snapshot.sh list shows what there is"
  fail "these are not there:$missing; make them first: up.sh --no-start"
fi
for machine in $MACHINES; do
  look "$machine"
  case $1 in
    take)
      if ! has "$2"; then
        say "$MACHINE: $1 $2"
        change "take a snapshot" snapshot "$UUID" take "$2"
      fi
      ;;
    restore)
      say "$MACHINE: $1 $2"
      # The next up.sh looks at what it has then; notes do not go back.
      note "forget its hardware" hardware
      note "forget its seed" seed
      change "go back to the snapshot" snapshot "$UUID" restore "$2"
      ;;
    delete)
      if has "$2"; then
        say "$MACHINE: $1 $2"
        change "delete the snapshot" snapshot "$UUID" delete "$2"
      fi
      ;;
  esac
done
