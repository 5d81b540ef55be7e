# cri-dockerd, by which the kubelet uses Docker.

unpack "$CRI_DOCKERD_URL" "$CRI_DOCKERD_SHA256" /usr/local/bin cri-dockerd/cri-dockerd
# Not restarted: that is refused while cri-dockerd has it.
enable_service cri-docker.socket
enable_service cri-docker restart
