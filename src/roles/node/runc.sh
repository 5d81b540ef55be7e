fetch "$RUNC_URL" "$RUNC_SHA256" /usr/local/sbin/runc 0755
