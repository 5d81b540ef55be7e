# kubectl, where there is a cluster: what was applied is kept by the name of its file.
cluster=$lasting/cluster
last=''
for file; do
  case $last in
    --filename) break ;;
  esac
  last=$file
done
case "$*" in
  kustomize\ *)
    # kustomize quotes no quantities.
    cat "$2"/*.yaml | sed 's/"\([0-9]*[KMGT]i\)"$/\1/'
    exit
    ;;
esac
case "$*" in
  '--kubeconfig /etc/bpc/kubeadm/discovery.conf --request-timeout 10s get node '*' --ignore-not-found --output jsonpath='*)
    [ -s "$cluster/uid" ] || exit 1
    [ ! -e "$cluster/node" ] || printf True
    exit
    ;;
esac
[ -s "$cluster/uid" ] && [ -s "$KUBECONFIG" ] || exit 1
case "$*" in
  'get namespace kube-system --output jsonpath={.metadata.uid}') cat "$cluster/uid" ;;
  'apply --server-side '*' --filename '*)
    change
    mkdir -p "$cluster/objects"
    echo some >"$cluster/objects/${file##*/}"
    half
    sha256sum <"$file" >"$cluster/objects/${file##*/}"
    ;;
  'get pods --all-namespaces '*) ;;
  'rollout status '*' --timeout '* | 'wait '*' --for '*' --timeout '*) [ -e "$cluster/objects" ] || exit 1 ;;
  *) unknown ;;
esac
