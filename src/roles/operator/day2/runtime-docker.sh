runtime() {
  unpack "$DOCKER_URL" "$DOCKER_SHA256" /usr/local/bin
  unpack "$CRI_DOCKERD_URL" "$CRI_DOCKERD_SHA256" /usr/local/bin cri-dockerd/cri-dockerd
  unpack "$CRICTL_URL" "$CRICTL_SHA256" /usr/local/bin
}

restart_runtime() {
  systemctl restart docker cri-docker
}
