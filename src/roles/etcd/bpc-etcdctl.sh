# etcdctl for all members of the cluster, with the certificate that asks them how they are. For others than all:
# ETCDCTL_ENDPOINTS=https://127.0.0.1:2379 bpc-etcdctl endpoint status

export ETCDCTL_ENDPOINTS="${ETCDCTL_ENDPOINTS:-$ENDPOINTS}"
exec etcdctl --cacert "$PKI/ca.crt" --cert "$PKI/healthcheck-client.crt" --key "$PKI/healthcheck-client.key" "$@"
