
usage() {
  cat <<END
usage: remove-node.sh [--dry-run] [--force] [--timeout=SECONDS] NAME

Takes a node out of $NAME: moves its pods to others, takes its member out of etcd if it has one, stops its kubelet if it
can, and has the cluster forget it. Wanted before a machine is made anew from nothing, or goes for good. It refuses to
take the last control plane, and a member without which etcd would stop.

  --force    also deletes pods that nothing starts elsewhere
  --timeout  how long pods may take to leave, 600 seconds if nothing is said
  --dry-run  prints the commands in place of running them

example: remove-node.sh ${NODES##* }
exit status: 0 it is out, 1 failed or refused, 2 wrong arguments
END
}

# member_address NODE: its address, if the blueprint has it among the members of etcd.
member_address() {
  for entry in $MEMBERS; do
    if [ "${entry%%=*}" = "$1" ]; then
      printf '%s\n' "${entry#*=}"
    fi
  done
}

# Takes the node's member out of etcd, asked on another member.
leave_etcd() {
  others=
  for entry in $MEMBERS; do
    [ "${entry%%=*}" = "$node" ] || others="$others ${entry%%=*}"
  done
  # shellcheck disable=SC2086  # names of machines
  first_of $others || fail "no other member of etcd answers by ssh:$others: see to it that one is up"
  # The member beside it alone is asked: of a list, etcdctl may choose the one that goes.
  etcdctl="sudo env ETCDCTL_ENDPOINTS=https://127.0.0.1:2379 bpc-etcdctl"
  # ID, status, name (none of one that has not started yet), peer URLs, client URLs, learner
  members=$(on "$FOUND" "$etcdctl member list") || fail "etcd does not answer on $FOUND: nothing was taken out of it"
  address=$(member_address "$node")
  id=
  count=0
  while IFS=, read -r one _ name peers clients _; do
    [ -n "$one" ] || continue
    count=$((count + 1))
    if [ "$name" = " $node" ] || [ "$name$peers" = "  https://$address:2380" ]; then
      id=$one client=${clients# }
    fi
  done <<END
$members
END
  if [ -n "$DRY_RUN" ]; then
    id=ID
  elif [ -z "$id" ]; then
    return
  else
    keeps_quorum
  fi
  on "$FOUND" "$etcdctl member remove $id" || fail "$node is still a member of etcd: call this again."
}

# Whether the members that stay are enough, and well.
keeps_quorum() {
  # One that is ill makes the exit status that of a failure.
  health=$(on "$FOUND" "$etcdctl endpoint health --cluster 2>&1 || :")
  healthy=$(printf '%s\n' "$health" | grep ' is healthy' | grep -c -v -F "${client:-none} ") || :
  if [ "$count" -le 1 ] || [ "$healthy" -lt $(((count - 1) / 2 + 1)) ]; then
    fail "without $node etcd would have $healthy of $((count - 1)) members, too few to go on.
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

if [ -n "$known" ]; then
  # A machine that is down ends no pods: those that were told to go for a minute are not waited for.
  set -- --ignore-daemonsets --delete-emptydir-data "--timeout=${TIMEOUT:-600}s"
  is_ready "$node" || set -- "$@" --skip-wait-for-delete-timeout=60
  ! among --force "$CHOSEN" || set -- "$@" --force
  kube drain "$node" "$@" ||
    fail "not all pods could leave $node, which takes no new ones now. When they can, call this again; or let it stay:
  $HERE/kubectl.sh uncordon $node"
fi
if [ "$has_member" = yes ]; then
  leave_etcd
fi
if [ -n "$known" ]; then
  # A kubelet that starts once more would make the node again.
  if among "$node" "$NODES"; then
    on "$node" "sudo systemctl disable --now kubelet" || say "$node could not be told to stop: see to it that it is off"
  fi
  kube delete node "$node" --ignore-not-found || fail "$node is still a node: call this again."
fi
say "$node is out: switch its machine off now, for good or to make it anew"
