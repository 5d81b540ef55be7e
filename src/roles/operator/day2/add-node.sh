
usage() {
  cat <<END
usage: add-node.sh [--dry-run] [--timeout=SECONDS] NAME

Lets a machine join $NAME that the blueprint has got since, or that was made anew, and waits until it is ready. Before:
  1. write it into the blueprint and run 'bpc build'; this folder is then another one, so call its add-node.sh
  2. make the machine and start it: virtualbox/up.sh NAME
A control plane or worker that was there before is taken out by remove-node.sh first.

  --timeout  how long to wait (default: 1800 seconds)
  --dry-run  prints the commands in place of running them

example: add-node.sh ${NODES##* }
exit status: 0 it is ready, 1 failed, 2 wrong arguments
END
}

arguments "--timeout" "$@"
node=$OPERAND
[ -n "$node" ] || wrong "say which machine"
among "$node" "$NODES" || fail "'$node' is no node of the blueprint that this folder was built from: $NODES.
Write it into the blueprint, run 'bpc build', make the machine and start it; then call this again."

find_kubectl "$node"
if [ -n "$DRY_RUN" ] || ! is_ready "$node"; then
  sh "$HERE/renew-token.sh" ${DRY_RUN:+"$DRY_RUN"} || fail "$node cannot join without a token: call this again."
  say "waiting until $node is ready"
  await "${TIMEOUT:-1800}" is_ready "$node" ||
    fail "$node is not ready yet. It tries on, for a day: see how far it is with
  cd $TREE && ssh -F ssh/config $node bpc-status
and call this again."
fi
kube get node "$node" --output wide
