# etcd's programs.

eval "set -- $PROGRAMS"
unpack "$URL" "$SHA256" /usr/local/bin "$@"
