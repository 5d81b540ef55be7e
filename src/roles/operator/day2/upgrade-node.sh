
# What upgrade.sh has a machine do, which reads this from stdin as root: `kubeadm first`, `kubeadm control-plane` or
# `kubeadm worker`, then, without pods, `kubelet`. Each does nothing that is done, so it can be repeated.

# Certificates are bpc's, whose reports name them: kubeadm makes no new ones, which without the authorities' keys it
# could not do either.
kubeadm_part() {
  note=${BPC_ROOT:-}/var/lib/bpc/kubeadm/upgraded
  patches=${BPC_ROOT:-}/etc/bpc/kubeadm/patches
  if [ -e "$note" ] && [ "$(cat "$note")" = "$VERSION" ]; then
    log "kubeadm has upgraded this machine to $VERSION before"
    return
  fi
  fetch "$KUBEADM_URL" "$KUBEADM_SHA256" /usr/local/bin/kubeadm 0755
  set -- "$1" --certificate-renewal=false
  if [ -d "$patches" ]; then
    set -- "$@" "--patches=$patches"
  fi
  if [ "$1" = first ]; then
    shift
    kubeadm upgrade plan "v$VERSION"
    kubeadm upgrade apply "v$VERSION" --yes "$@"
  else
    shift
    kubeadm upgrade node "$@"
  fi
  mkdir -p "${note%/*}"
  echo "$VERSION" >"$note.new"
  mv -f "$note.new" "$note"
}

kubelet_part() {
  runtime
  unpack "$CNI_PLUGINS_URL" "$CNI_PLUGINS_SHA256" /opt/cni/bin
  fetch "$KUBECTL_URL" "$KUBECTL_SHA256" /usr/local/bin/kubectl 0755
  fetch "$KUBELET_URL" "$KUBELET_SHA256" /usr/local/bin/kubelet 0755
  systemctl daemon-reload
  # Containers go on meanwhile.
  restart_runtime
  systemctl restart kubelet
}

main() {
  # shellcheck source=/dev/null
  . "${BPC_LIB:-/usr/local/lib/bpc}/lib.sh"
  # An earlier call whose connection broke may still be at it.
  exec 9>"${BPC_ROOT:-}/run/bpc-upgrade.lock"
  flock 9
  case $1 in
    kubeadm) kubeadm_part "$2" ;;
    kubelet) kubelet_part ;;
  esac
}
