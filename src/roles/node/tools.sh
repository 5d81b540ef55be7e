# What is read or called anew whenever it is needed: nothing is restarted for it.

unpack "$CNI_URL" "$CNI_SHA256" "$CNI_PLUGINS"
unpack "$CRICTL_URL" "$CRICTL_SHA256" /usr/local/bin
