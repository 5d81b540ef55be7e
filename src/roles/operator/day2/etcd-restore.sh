
usage() {
  cat <<END
usage: etcd-restore.sh [--dry-run] [--yes] [--timeout=SECONDS] FILE

Puts the state of $NAME back to that of a snapshot (etcd-snapshot.sh), on every member of etcd. All that was written
since then is lost, and the API does not answer meanwhile. Nothing is stopped before every member has all of the
snapshot. If it was interrupted, call it again with the same file.

  --yes      does not ask
  --timeout  how long to wait until the cluster is well again (default: 600 seconds)
  --dry-run  prints the commands in place of running them

example: etcd-restore.sh /media/backup/$NAME.db
exit status: 0 done, 1 failed, 2 wrong arguments
END
}

# The snapshot on every member, for root alone.
COPY=/var/lib/bpc/restore.db

# copy_to MEMBER
copy_to() {
  put "$1" "sudo sh -c 'umask 077; rm -f $COPY; cat >$COPY'" <"$file" || return 1
  sum=$(on "$1" "sudo cksum $COPY") || return 1
  [ -n "$DRY_RUN" ] || [ "$sum" = "$(cksum <"$file") $COPY" ] || return 1
  on "$1" "sudo etcdutl snapshot status $COPY"
}

etcd_is_healthy() {
  on "${MEMBERS%% *}" "sudo bpc-etcdctl endpoint health" >/dev/null 2>&1
}

arguments "--yes --timeout" "$@"
file=$OPERAND
[ -n "$file" ] || wrong "say which snapshot"
if ! [ -f "$file" ] || ! [ -s "$file" ]; then
  fail "$file is no snapshot: there is nothing in it"
fi
if ! among --yes "$CHOSEN" && [ -z "$DRY_RUN" ]; then
  [ -t 0 ] || fail "this replaces the state of $NAME: add --yes"
  printf 'Replace the state of %s by that of %s? [y/N] ' "$NAME" "$file"
  read -r answer || answer=
  case $answer in
    y | Y | yes) ;;
    *) fail "nothing was done" ;;
  esac
fi

for member in $MEMBERS; do
  copy_to "$member" ||
    fail "$member did not get the snapshot, which all members need; none was stopped. See to it, and call this again."
done
for member in $MEMBERS; do
  on "$member" "sudo bpc-etcd-restore --stop" ||
    fail "etcd could not be stopped on $member. It may be stopped on others: call this again."
done
for member in $MEMBERS; do
  say "$member:"
  on "$member" "sudo bpc-etcd-restore --yes $COPY" || fail "$member was not restored: call this again."
done
say "waiting until etcd is well"
await "${TIMEOUT:-600}" etcd_is_healthy ||
  fail "etcd is not well yet: look with 'sudo bpc-etcdctl endpoint health' on ${MEMBERS%% *}, or call this again."
if [ -n "$KUBECTL_MACHINES" ]; then
  find_kubectl
  say "waiting until the API is well"
  await "${TIMEOUT:-600}" api_is_ready || fail "the API is not well yet: look at 'sudo crictl ps' on control planes."
fi
for member in $MEMBERS; do
  on "$member" "sudo rm -f $COPY" || say "a copy of the snapshot is left: $COPY on $member"
done
say "$NAME has the state of $file. What was there before is where each member says above: remove it once all is well."
