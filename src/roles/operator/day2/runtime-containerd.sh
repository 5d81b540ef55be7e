runtime() {
  unpack "$CONTAINERD_URL" "$CONTAINERD_SHA256" /usr/local/bin
  fetch "$RUNC_URL" "$RUNC_SHA256" /usr/local/sbin/runc 0755
  unpack "$CRICTL_URL" "$CRICTL_SHA256" /usr/local/bin
}

restart_runtime() {
  systemctl restart containerd
}
