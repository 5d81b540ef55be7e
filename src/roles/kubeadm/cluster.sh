# The cluster: the first control plane starts it, every other machine joins it, in any order.
#
# It can be run again at any time. What kubeadm has begun it goes on with: nothing is ever taken back, because others may
# have joined a cluster that was only just started, and etcd may count on a member that was only just added. kubeadm's
# phases find what they made before, with three exceptions:
#
# * The checks that come first refuse a machine that kubeadm has been on. From the second attempt on those are ignored,
#   by name, that a first attempt explains; all others count.
# * `kubeadm join` refuses to start the kubelet of a node that is ready. Once the kubelet has its certificate nothing is
#   left to do in that phase, and it is skipped.
# * Up to the fix of kubernetes/kubernetes#138390, `kubeadm join` asks etcd to promote its member once more when that votes
#   already, and fails ("can only promote a learner member"). Once etcd counts on the member that runs here, nothing is
#   left to do in that phase either.
#
# Of several control planes that join at once, etcd lets one in after the other ("too many learner members"): kubeadm
# waits two minutes for its turn, then fails, and the next attempt waits again.

configuration=${BPC_ROOT:-}/etc/bpc/kubeadm
kubernetes=${BPC_ROOT:-}/etc/kubernetes
kubelet=${BPC_ROOT:-}/var/lib/kubelet
# In it: `attempt`, what kubeadm was started for (init or join) and has not ended with; `joined`, once it has.
state=${BPC_ROOT:-}/var/lib/bpc/kubeadm
# What `kubeadm init` reads.
whole=${BPC_ROOT:-}/run/bpc/kubeadm.yaml

# Whether the kubelet has been started with its configuration and knows who it is. It writes kubelet.conf before it has
# the certificate that stands in it; with authorities in the vault the seed brings both.
is_node() {
  [ -s "$kubernetes/kubelet.conf" ] && [ -s "$kubelet/kubeadm-flags.env" ] || return 1
  [ "$AUTHORITY_KEYS" = vault ] || [ -s "$kubelet/pki/kubelet-client-current.pem" ]
}

# note NAME TEXT: keeps it in the state, on the disk.
note() {
  mkdir -p "$state"
  echo "$2" >"$state/$1.new"
  mv -f "$state/$1.new" "$state/$1"
  sync
}

# The end. kubeadm removes the token from where the kubelet looked for it, if it is not killed before.
joined() {
  [ -e "$state/joined" ] || note joined yes
  rm -f "$state/attempt" "$kubernetes/bootstrap-kubelet.conf" "$whole"
}

# answers ADDRESS: whether an API server of this cluster is there, whatever it says.
answers() {
  curl --silent --output /dev/null --noproxy '*' --connect-timeout 3 --max-time 5 \
    --cacert "$configuration/ca.crt" "https://$1:$PORT/readyz"
}

# Whether the cluster is there: at its endpoint, or, before a balancer has noticed, on another control plane.
exists() {
  for address in $ENDPOINT $OTHERS; do
    if answers "$address"; then
      return
    fi
  done
  return 1
}

await_api() {
  left=60
  until answers "$ENDPOINT"; do
    left=$((left - 1))
    if [ "$left" -eq 0 ]; then
      log "nothing answers at https://$ENDPOINT:$PORT yet"
      return 1
    fi
    sleep 5
  done
}

# Certificates are good from and until a time, and a clock that is within it is good enough. Another may be set by a time
# server; where none can be reached, that is no reason to have no cluster, and no reason to wait more than once a boot.
await_clock() {
  awaited=${BPC_ROOT:-}/run/bpc/clock-awaited
  left=24
  while ! is_good "$(date +%s)" && [ ! -e "$awaited" ] &&
    [ "$(timedatectl show --property NTPSynchronized --value)" != yes ]; do
    if [ "$left" -eq 24 ]; then
      log "the clock says $(date); certificates are not good then: waiting for a time server"
    fi
    left=$((left - 1))
    if [ "$left" -eq 0 ]; then
      log "no time server sets the clock, which says $(date)"
      mkdir -p "${awaited%/*}"
      echo yes >"$awaited"
    else
      sleep 5
    fi
  done
}

# is_good SECONDS: whether certificates are good at this time.
is_good() {
  [ "$1" -ge "$GOOD_FROM" ] && [ "$1" -le "$GOOD_UNTIL" ]
}

# ask_etcd ADDRESS CALL JSON: etcd's API by HTTP.
ask_etcd() {
  curl --silent --show-error --fail --noproxy '*' --connect-timeout 3 --max-time 30 \
    --cacert "$kubernetes/pki/etcd/ca.crt" --cert "$kubernetes/pki/apiserver-etcd-client.crt" \
    --key "$kubernetes/pki/apiserver-etcd-client.key" --data "$3" "https://$1:2379/v3/cluster/$2"
}

# own_member MEMBERS: what etcd says of the member at this machine's address, if there is one.
own_member() {
  printf '%s\n' "$1" | tr '{' '\n' | grep -F "\"peerURLs\":[\"https://$OWN:2380\"" || :
}

# A machine that was made anew is still a member of etcd, but one that has lost what it knew: the others would count on
# what it has once confirmed, and it would stop ("tocommit is out of range"). So its former self leaves.
forget_former_member() {
  for address in $OTHERS; do
    members=$(ask_etcd "$address" member/list '{}') || continue
    former=$(own_member "$members" | sed -n 's|.*"ID":"\([0-9]*\)".*|\1|p')
    if [ -n "$former" ]; then
      log "etcd forgets the member that this machine was before it was made anew"
      ask_etcd "$address" member/remove "{\"ID\": \"$former\"}" >/dev/null
    fi
    return
  done
  log "no member of etcd answers"
  return 1
}

# Whether etcd counts on the member that runs here: it has started, for one that has not is without a name, and it votes.
is_member() {
  [ -n "$DATA_DIR" ] && [ -e "${BPC_ROOT:-}$DATA_DIR/member" ] && [ -s "$kubernetes/manifests/etcd.yaml" ] || return 1
  for address in $OTHERS; do
    members=$(ask_etcd "$address" member/list '{}') || continue
    case $(own_member "$members") in
      *'"isLearner":true'*) return 1 ;;
      *'"name":"'[!\"]*) return ;;
      *) return 1 ;;
    esac
  done
  return 1
}

# Whether the cluster has a ready node of this name. Everybody with the token may ask about a node.
is_ready() {
  [ "$(kubectl --kubeconfig "$configuration/discovery.conf" --request-timeout 10s get node "$NODE" --ignore-not-found \
    --output 'jsonpath={.status.conditions[?(@.type=="Ready")].status}')" = True ]
}

# `kubeadm join` refuses a name under which a node is ready, and the former self of a machine that was made anew counts as
# ready until the cluster has missed it for a while, as long as `node-monitor-grace-period` says: 40 or 50 seconds.
await_former_node() {
  left=36
  while ! is_node && is_ready; do
    if [ "$left" -eq 36 ]; then
      log "a node $NODE is ready; waiting until the cluster has noticed that this machine was made anew"
    fi
    left=$((left - 1))
    if [ "$left" -eq 0 ]; then
      log "the node $NODE is still ready: is there another machine of that name?"
      return 1
    fi
    sleep 5
  done
}

init() {
  set -- "--skip-phases=$INIT_SKIPS"
  if [ "$attempt" = init ]; then
    log "going on with a start of the cluster that did not end"
    set -- "$@" "--ignore-preflight-errors=$EXPLAINED"
  fi
  note attempt init
  mkdir -p "${whole%/*}"
  (
    umask 077 # the token is in it
    {
      cat "$configuration/cluster.yaml"
      echo ---
      cat "$configuration/init.yaml"
    } >"$whole"
  )
  kubeadm init --config "$whole" --skip-token-print "$@"
}

# skip PHASE: leaves one out of what kubeadm does.
skip() {
  skipped=${skipped:+$skipped,}$1
}

join() {
  skipped=$JOIN_SKIPS
  ignored=
  # What the kubelet would ask an authority for is there; it then asks for nothing.
  if [ "$AUTHORITY_KEYS" = vault ]; then
    ignored=FileAvailable--etc-kubernetes-kubelet.conf
  fi
  if [ "$attempt" = join ]; then
    log "going on with a join that did not end"
    ignored=$EXPLAINED
  elif [ -n "$DATA_DIR" ] && [ ! -e "${BPC_ROOT:-}$DATA_DIR/member" ]; then
    forget_former_member
  fi
  await_former_node
  if is_node; then
    skip kubelet-start
    systemctl start kubelet
  fi
  if [ "$attempt" = join ] && is_member; then
    skip etcd-join
  fi
  note attempt join
  kubeadm join --config "$configuration/join.yaml" ${skipped:+"--skip-phases=$skipped"} \
    ${ignored:+"--ignore-preflight-errors=$ignored"}
}

if [ -e "$state/joined" ] && [ -s "$kubernetes/kubelet.conf" ]; then
  log "this machine is a node of the cluster"
  joined
  exit
fi
attempt=$(cat "$state/attempt" 2>/dev/null) || attempt=
if [ -z "$attempt" ] && is_node; then
  log "kubeadm made this machine a node before"
  joined
  exit
fi
await_clock
# A first control plane that finds the cluster there was made anew: the others have gone on without it.
if [ "$FIRST" = yes ] && [ "$attempt" != join ] && { [ "$attempt" = init ] || ! exists; }; then
  init
else
  await_api
  join
fi
joined
