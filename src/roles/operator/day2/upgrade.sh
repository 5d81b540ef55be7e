
usage() {
  cat <<END
usage: upgrade.sh [--dry-run] [--timeout=SECONDS]

Takes $NAME to Kubernetes $VERSION, the version of the blueprint that this folder was built from: by one minor at
most, and never back. First a snapshot of etcd comes to the current folder, as etcd-snapshot.sh takes it. Then one
machine after the other is upgraded, the control planes before the workers: kubeadm does its part, the pods leave
(PodDisruptionBudgets hold), the container runtime and the kubelet come, and once the node is ready pods may return.

It can be called again at any time: it goes on where it stopped, and does nothing once all is done. Machines need no new
seed for it; a seed of this build changes nothing about the version of a node that has joined.

  --timeout  how long pods may take to leave a node, and a node to be ready (default: 900 seconds)
  --dry-run  prints the commands in place of running them, as for a cluster of an older version

example: upgrade.sh --timeout=1800
exit status: 0 done, 1 failed or refused, 2 wrong arguments
END
}

# On nodes that this closes to new pods: those that somebody else has closed stay closed.
MARK=bpc-upgrade

# Reads all nodes: name, version, whether it is closed, whether by this, and whether it is ready.
look() {
  STATE=$(kube get nodes --output "jsonpath={range .items[*]}{.metadata.name}|{.status.nodeInfo.kubeletVersion}|\
{.spec.unschedulable}|{.metadata.annotations.$MARK}|{.status.conditions[?(@.type==\"Ready\")].status}{\"\\n\"}{end}") ||
    return 1
  if [ -n "$DRY_RUN" ]; then
    STATE=
    for name in $CONTROL_PLANES $WORKERS; do
      STATE="$STATE$name|older|||True
"
    done
  fi
}

# state_of NODE: what was read of it, in RUNS, CLOSED, MARKED and READY; 1 if it is no node.
state_of() {
  while IFS='|' read -r name RUNS CLOSED MARKED READY; do
    if [ "$name" = "$1" ]; then
      return
    fi
  done <<END
$STATE
END
  return 1
}

# check WHAT VERSION: refuses what is newer, or older by more than a minor.
check() {
  IFS=. read -r major minor patch <<END
${2#v}
END
  patch=${patch%%[!0-9]*}
  for part in "$major" "$minor" "$patch"; do
    case $part in
      '' | *[!0-9]*) fail "cannot tell the version of $1 from '$2'" ;;
    esac
  done
  if [ "$major" -ne "$MAJOR" ] || [ "$minor" -gt "$MINOR" ] ||
    { [ "$minor" -eq "$MINOR" ] && [ "$patch" -gt "$PATCH" ]; }; then
    fail "$1 is at $2, and this is $VERSION: there is no way back. Write the newer one into the blueprint, and build."
  fi
  if [ "$minor" -lt $((MINOR - 1)) ]; then
    fail "$1 is at $2, more than one minor before $VERSION. Write $MAJOR.$((minor + 1)) into the blueprint, build, and
upgrade to that first."
  fi
}

check_all() {
  api=$(kube get --raw /version) || fail "the API does not answer: see to it that the cluster is well first."
  [ -z "$DRY_RUN" ] || return 0
  api=$(printf '%s\n' "$api" | tr -d ' "' | tr ',' '\n' | sed -n 's/^gitVersion://p')
  check "the API server" "$api"
  while IFS='|' read -r name runs _; do
    [ -n "$name" ] || continue
    check "$name" "$runs"
    among "$name" "$CONTROL_PLANES $WORKERS" || [ "$runs" = "v$VERSION" ] ||
      say "$name is not in this blueprint, so nothing is done to it" >&2
  done <<END
$STATE
END
}

# Whether the node is there with the right version.
is_upgraded() {
  look && state_of "$1" && { [ -n "$DRY_RUN" ] || [ "$RUNS|$READY" = "v$VERSION|True" ]; }
}

# others_are_ready NODE: no second control plane is taken out while one is missing.
others_are_ready() {
  for other in $CONTROL_PLANES; do
    if [ "$other" != "$1" ] && state_of "$other" && [ "$READY" != True ]; then
      fail "$other is not ready, and $1 is not taken out as well: bring $other back, then call this again."
    fi
  done
}

# step NODE ARGUMENT...: runs what is done on the machine itself.
step() {
  put "$1" "sudo sh -s -- $2${3+ $3}" <"$HERE/upgrade-node.sh"
}

# reopen NODE: pods may come to it again, if it was this that closed it.
reopen() {
  kube uncordon "$1" && kube annotate node "$1" "$MARK-"
}

again() {
  fail "$1
Call this again: it goes on from here."
}

# upgrade NODE HOW: from whatever an earlier call has left, where HOW is what kubeadm is to do.
upgrade() {
  node=$1 how=$2
  look || again "the API does not answer."
  if ! state_of "$node"; then
    say "$node is no node of the cluster: it is left out"
    return
  fi
  if [ "$RUNS" = "v$VERSION" ] && [ -z "$MARKED" ]; then
    return
  fi
  if [ "$RUNS" != "v$VERSION" ]; then
    closed=$CLOSED marked=$MARKED
    if [ "$how" != worker ]; then
      others_are_ready "$node"
    fi
    say "$node: kubeadm"
    step "$node" kubeadm "$how" || again "kubeadm did not upgrade $node."
    await 300 api_is_ready || again "the API does not answer since kubeadm has upgraded $node."
    if [ "$closed" != true ] && [ -z "$marked" ]; then
      kube annotate node "$node" "$MARK=closed" --overwrite || again "$node could not be marked."
    fi
    say "$node: its pods leave"
    kube drain "$node" --ignore-daemonsets --delete-emptydir-data "--timeout=${TIMEOUT}s" ||
      again "not all pods could leave $node, which takes no new ones now: see above which, and why.
To give it up: $HERE/kubectl.sh uncordon $node"
    say "$node: the kubelet"
    step "$node" kubelet || again "$node did not get its new kubelet."
  fi
  await "$TIMEOUT" is_upgraded "$node" || again "$node is not ready with $VERSION yet."
  if [ -n "$MARKED" ] || [ -n "$DRY_RUN" ]; then
    reopen "$node" || again "$node still takes no pods."
  fi
}

arguments "--timeout" "$@"
[ -z "$OPERAND" ] || wrong "the version is that of the blueprint: $VERSION. Write another one there, and build."
TIMEOUT=${TIMEOUT:-900}
MAJOR=${VERSION%%.*} PATCH=${VERSION##*.}
MINOR=${VERSION#*.} MINOR=${MINOR%.*}

find_kubectl
look || fail "the API does not answer: see to it that the cluster is well first."
check_all
# The first control plane that is a node takes the cluster to the new version, the others follow.
first=
for machine in $CONTROL_PLANES; do
  if state_of "$machine"; then
    first=$machine
    break
  fi
done
[ -n "$first" ] || fail "no control plane of this blueprint is a node of the cluster: $CONTROL_PLANES"
if [ "$RUNS" != "v$VERSION" ]; then
  sh "$HERE/etcd-snapshot.sh" ${DRY_RUN:+"$DRY_RUN"} ||
    fail "nothing is upgraded without a snapshot: see to etcd, and call this again."
fi
for machine in $CONTROL_PLANES; do
  if [ "$machine" = "$first" ]; then
    upgrade "$machine" first
  else
    upgrade "$machine" control-plane
  fi
done
for machine in $WORKERS; do
  upgrade "$machine" worker
done
say "$NAME is at $VERSION:"
kube get nodes
