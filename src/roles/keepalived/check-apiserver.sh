# Asked by keepalived whether this machine may hold the floating address: its API server must be ready, and where the
# address is here already, ready for those who come by it.

# An API server that tells strangers nothing (401) is there, and more cannot be known.
ready() {
  code=$(curl --silent --output /dev/null --write-out '%{http_code}' --noproxy '*' --max-time 2 \
    --cacert /etc/kubernetes/pki/ca.crt "https://$1:$PORT/readyz") || return 1
  [ "$code" = 200 ] || [ "$code" = 401 ]
}

ready "$OWN"
if [ -n "$(ip -oneline address show to "$FLOATING/32")" ]; then
  ready "$FLOATING"
fi
