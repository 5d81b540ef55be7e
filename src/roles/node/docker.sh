# Docker with all that it brings, cri-dockerd, and crictl, which looks at containers.

unpack "$DOCKER_URL" "$DOCKER_SHA256" /usr/local/bin
unpack "$CRI_DOCKERD_URL" "$CRI_DOCKERD_SHA256" /usr/local/bin cri-dockerd/cri-dockerd
unpack "$CRICTL_URL" "$CRICTL_SHA256" /usr/local/bin

enable_service docker restart
# Not restarted: that is refused while cri-dockerd has it.
enable_service cri-docker.socket
enable_service cri-docker restart
