# Asked by keepalived whether this machine may hold the floating address: HAProxy itself must answer.
exec curl --silent --fail --output /dev/null --noproxy '*' --max-time 1 "$URL"
