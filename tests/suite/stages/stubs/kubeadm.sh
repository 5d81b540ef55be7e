# kubeadm, and the kubelet that it starts. The power can go after each phase. What was made before stays as it is, and the
# checks that come first refuse it unless they are told not to.
kubernetes=/etc/kubernetes
kubelet=/var/lib/kubelet
cluster=$lasting/cluster
settings=/etc/bpc/kubeadm
verb=$1 last='' config='' skipped='' ignored=''
for word; do
  case $word in
    --skip-phases=*) skipped=${word#*=} ;;
    --ignore-preflight-errors=*) ignored=${word#*=} ;;
  esac
  [ "$last" != --config ] || config=$word
  last=$word
done
control_plane='' data=''
if [ "$verb" = init ] || grep -q '^controlPlane:' "$config"; then
  control_plane=yes
  if ! grep -q '^ *external:' "$settings/cluster.yaml"; then
    data=$(sed -n 's/^ *dataDir: //p' "$settings/cluster.yaml" | tr -d '"')
    data=${data:-/var/lib/etcd}
  fi
fi
rotation=yes
! grep -qs 'rotateCertificates: false' "$settings"/patches/* || rotation=''

# refuse CHECK: unless it is ignored.
refuse() {
  case ,$ignored, in
    *",$1,"*) ;;
    *)
      echo "[ERROR $1]" >&2
      exit 1
      ;;
  esac
}

# available CHECK FILE
available() {
  [ ! -s "$2" ] || refuse "$1"
}

# put FILE: unless it is there.
put() {
  mkdir -p "${1%/*}"
  [ -s "$1" ] || echo "by kubeadm" >"$1"
}

check() {
  [ ! -s "$kubelet/config.yaml" ] || [ ! -e "$passing/active/kubelet" ] || refuse Port-10250
  if [ -n "$control_plane" ]; then
    for component in 6443:kube-apiserver 10257:kube-controller-manager 10259:kube-scheduler; do
      manifest=$kubernetes/manifests/${component#*:}.yaml
      available "FileAvailable--etc-kubernetes-manifests-${component#*:}.yaml" "$manifest"
      available "Port-${component%:*}" "$manifest"
    done
  else
    available FileAvailable--etc-kubernetes-pki-ca.crt "$kubernetes/pki/ca.crt"
  fi
  if [ -n "$data" ]; then
    available FileAvailable--etc-kubernetes-manifests-etcd.yaml "$kubernetes/manifests/etcd.yaml"
    [ ! -e "$data/member" ] || refuse "DirAvailable-$(echo "$data" | tr / -)"
  fi
  if [ "$verb" = join ]; then
    for file in bootstrap-kubelet.conf kubelet.conf; do
      available "FileAvailable--etc-kubernetes-$file" "$kubernetes/$file"
    done
  fi
}

start_kubelet() {
  put "$kubelet/config.yaml"
  put "$kubelet/kubeadm-flags.env"
  half
  start kubelet
  [ "$verb" = init ] || put "$kubernetes/kubelet.conf"
  half
  [ -z "$rotation" ] || put "$kubelet/pki/kubelet-client-current.pem"
  half
}

# As before the fix of kubernetes/kubernetes#138390, which also has etcd do what is done.
join_etcd() {
  case ,$skipped, in
    *,etcd-join,*)
      [ -e "$cluster/votes" ] && [ -s "$kubernetes/manifests/etcd.yaml" ] || exit 1
      return
      ;;
  esac
  if [ -e "$cluster/votes" ]; then
    echo "etcdserver: can only promote a learner member" >&2
    exit 1
  fi
  put "$cluster/learns"
  half
  put "$data/member/snap/db"
  put "$kubernetes/manifests/etcd.yaml"
  half
  put "$cluster/votes"
  half
}

start_control_plane() {
  for name in admin controller-manager scheduler; do
    put "$kubernetes/$name.conf"
  done
  if [ -n "$data" ] && [ "$verb" = join ]; then
    join_etcd
  elif [ -n "$data" ]; then
    put "$data/member/snap/db"
    put "$kubernetes/manifests/etcd.yaml"
    half
  fi
  for name in kube-apiserver kube-controller-manager kube-scheduler; do
    put "$kubernetes/manifests/$name.yaml"
    half
  done
}

case $verb in
  init)
    # Another cluster of the same name, beside that which is there, would be the end of both.
    [ ! -e "$cluster/elsewhere" ] || unknown
    check
    change
    put "$kubernetes/kubelet.conf"
    start_kubelet
    put "$kubernetes/super-admin.conf"
    start_control_plane
    put "$cluster/uid"
    ;;
  join)
    if ! [ -e "$cluster/uid" ] || { [ -n "$data" ] && [ -s "$cluster/former" ]; }; then
      unknown
    fi
    check
    change
    case ,$skipped, in
      *,kubelet-start,*) [ -e "$passing/active/kubelet" ] || exit 1 ;;
      *)
        [ ! -e "$cluster/node" ] || exit 1
        [ ! -s "$kubernetes/kubelet.conf" ] || [ -z "$rotation" ] || rm "$kubernetes/kubelet.conf"
        put "$kubernetes/bootstrap-kubelet.conf"
        start_kubelet
        put "$cluster/node"
        rm -f "$kubernetes/bootstrap-kubelet.conf"
        half
        ;;
    esac
    put "$cluster/node"
    put "$kubernetes/pki/ca.crt"
    [ -z "$control_plane" ] || start_control_plane
    ;;
  *) unknown ;;
esac
half
