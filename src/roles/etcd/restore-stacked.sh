# etcd is a static pod of the kubelet here: it runs as long as its manifest is there, and so does the API beside it.

OWNER=root:root
MANIFESTS=/etc/kubernetes/manifests
ASIDE=/etc/kubernetes/bpc-etcd-restore

stop_etcd() {
  mkdir -p "$ASIDE"
  for name in kube-apiserver etcd; do
    if [ -e "$MANIFESTS/$name.yaml" ]; then
      mv -f "$MANIFESTS/$name.yaml" "$ASIDE/$name.yaml"
    fi
  done
  tries=1
  # A list that cannot be had is not an empty one.
  until running=$(crictl --runtime-endpoint unix:///run/containerd/containerd.sock ps --quiet --name '^etcd$') &&
    [ -z "$running" ]; do
    if [ "$tries" -eq 60 ]; then
      echo "bpc-etcd-restore: etcd still runs two minutes after its manifest went to $ASIDE" >&2
      return 1
    fi
    tries=$((tries + 1))
    sleep 2
  done
}

start_etcd() {
  for name in etcd kube-apiserver; do
    if [ -e "$ASIDE/$name.yaml" ]; then
      mv -f "$ASIDE/$name.yaml" "$MANIFESTS/$name.yaml"
    fi
  done
}
