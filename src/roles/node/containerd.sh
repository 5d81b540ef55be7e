# containerd, which runs the containers of this node.

unpack "$CONTAINERD_URL" "$CONTAINERD_SHA256" /usr/local/bin
enable_service containerd restart
