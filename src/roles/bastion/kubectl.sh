# kubectl of the cluster's version.

fetch "$URL" "$SHA256" /usr/local/bin/kubectl 0755
