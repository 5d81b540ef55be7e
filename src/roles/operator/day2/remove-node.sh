
usage() {
  cat <<END
usage: remove-node.sh [--dry-run] [--force] [--timeout=SECONDS] NAME

Takes a node out of $NAME: moves its pods to others, takes its member out of etcd if it has one, stops its kubelet if it
can, and has the cluster forget it. Wanted before a machine is made anew from nothing, or goes for good. It refuses to
take the last control plane, and a member without which etcd would stop.

  --force    also deletes pods that nothing starts elsewhere
  --timeout  how long pods may take to leave (default: 600 seconds)
  --dry-run  prints the commands in place of running them

example: remove-node.sh ${NODES##* }
exit status: 0 it is out, 1 failed or refused, 2 wrong arguments
END
}

# etcdctl that asks the member beside it alone: of a list, it may choose the one that goes.
ETCDCTL="sudo env ETCDCTL_ENDPOINTS=https://127.0.0.1:2379 bpc-etcdctl"

# member_address NODE: its address, if the blueprint has it among the members of etcd.
member_address() {
  for entry in $MEMBERS; do
    if [ "${entry%%=*}" = "$1" ]; then
      printf '%s\n' "${entry#*=}"
    fi
  done
}

# Finds the node's member of etcd, in MEMBER, asked on another one: FOUND.
find_member() {
  others=
  for entry in $MEMBERS; do
    [ "${entry%%=*}" = "$node" ] || others="$others ${entry%%=*}"
  done
  # shellcheck disable=SC2086  # names of machines
  first_of $others || fail "no other member of etcd answers by ssh:$others: see to it that one is up"
  # ID, status, name (none of one that has not started yet), peer URLs, client URLs, learner
  members=$(on "$FOUND" "$ETCDCTL member list") || fail "etcd does not answer on $FOUND: see to it first."
  address=$(member_address "$node")
  MEMBER=
  count=0
  while IFS=, read -r id _ name peers clients _; do
    [ -n "$id" ] || continue
    count=$((count + 1))
    if [ "$name" = " $node" ] || [ "$name$peers" = "  https://$address:2380" ]; then
      MEMBER=$id client=${clients# }
    fi
  done <<END
$members
END
  if [ -n "$DRY_RUN" ]; then
    MEMBER=ID
  elif [ -n "$MEMBER" ]; then
    keeps_quorum
  fi
}

# Refuses a member without which the others are too few, now that they are asked or later.
keeps_quorum() {
  # One that is ill makes the exit status that of a failure.
  health=$(on "$FOUND" "$ETCDCTL endpoint health --cluster 2>&1 || :")
  healthy=$(printf '%s\n' "$health" | grep ' is healthy') || :
  now=$(printf '%s\n' "$healthy" | grep -c .) || :
  later=$(printf '%s\n' "$healthy" | grep . | grep -c -v -F "${client:-none} ") || :
  if [ "$now" -le $((count / 2)) ] || [ "$later" -le $(((count - 1) / 2)) ]; then
    fail "$now of $count members of etcd are well, and without $node it would be $later of $((count - 1)): too few.
Bring the others back first: $health"
  fi
}

arguments "--force --timeout" "$@"
node=$OPERAND
case $node in
  '') wrong "say which node" ;;
  *[!a-z0-9.-]*) wrong "'$node' is no name of a node" ;;
esac

find_kubectl "$node"
control_planes=$(kube get nodes --selector node-role.kubernetes.io/control-plane \
  --output 'jsonpath={range .items[*]}{.metadata.name}={.status.conditions[?(@.type=="Ready")].status} {end}') ||
  fail "the API does not answer: see to it that the cluster is well first."
known=$(kube get node "$node" --ignore-not-found --output name) || fail "the API does not answer: call this again."
if [ -n "$DRY_RUN" ]; then
  known=node/$node
fi

has_member=no
if [ -n "$(member_address "$node")" ] || among "$node=True" "$control_planes" ||
  among "$node=False" "$control_planes" || among "$node=Unknown" "$control_planes"; then
  # Where etcd has machines of its own, there are no members among the nodes.
  if [ -n "$MEMBERS" ]; then
    has_member=yes
  fi
  stays=no
  for entry in $control_planes; do
    case $entry in
      "$node="*) ;;
      *=True) stays=yes ;;
    esac
  done
  [ "$stays" = yes ] || [ -n "$DRY_RUN" ] ||
    fail "no control plane but $node is ready, so the cluster would end with it: it stays"
fi

if [ "$has_member" = yes ]; then
  find_member
fi
if [ -n "$known" ]; then
  # A machine that is down ends no pods: those that were told to go for a minute are not waited for.
  set -- --ignore-daemonsets --delete-emptydir-data "--timeout=${TIMEOUT:-600}s"
  is_ready "$node" || set -- "$@" --skip-wait-for-delete-timeout=60
  ! among --force "$CHOSEN" || set -- "$@" --force
  kube drain "$node" "$@" ||
    fail "not all pods could leave $node, which takes no new ones now. When they can, call this again; or let it stay:
  $HERE/kubectl.sh uncordon $node"
fi
if [ "$has_member" = yes ] && [ -n "$MEMBER" ]; then
  on "$FOUND" "$ETCDCTL member remove $MEMBER" || fail "$node is still a member of etcd: call this again."
fi
if [ -n "$known" ]; then
  # A kubelet that starts once more would make the node again.
  if among "$node" "$NODES"; then
    on "$node" "sudo systemctl disable --now kubelet" || say "$node could not be told to stop: see to it that it is off"
  fi
  kube delete node "$node" --ignore-not-found || fail "$node is still a node: call this again."
fi
say "$node is out: switch its machine off now, for good or to make it anew"
