# kubeadm, kubectl and the kubelet.

root=${BPC_ROOT:-}

mkdir -p "$root/etc/kubernetes/manifests"

# A node that has joined keeps its version, so that its kubelet is never newer than the API. kubelet.conf alone says
# nothing: where no machine signs certificates, a seed brings it.
installed=''
if [ -e "$root/etc/kubernetes/kubelet.conf" ] && [ -e "$root/var/lib/kubelet/config.yaml" ] &&
  [ -e "$root/usr/local/bin/kubelet" ]; then
  installed=$(kubelet --version)
fi
case $installed in
  '' | "Kubernetes v$VERSION")
    fetch "$KUBEADM_URL" "$KUBEADM_SHA256" /usr/local/bin/kubeadm 0755
    fetch "$KUBELET_URL" "$KUBELET_SHA256" /usr/local/bin/kubelet 0755
    fetch "$KUBECTL_URL" "$KUBECTL_SHA256" /usr/local/bin/kubectl 0755
    ;;
  *) log "this node has $installed and keeps it: day-2/upgrade.sh brings v$VERSION" ;;
esac

enable_service kubelet restart
