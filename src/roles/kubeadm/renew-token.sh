# bpc-renew-token [HOURS]: lets machines join with the token of the blueprint for so many hours from now on (24 if
# nothing is said), whether or not it was good before.
hours=${1:-24}
case $hours in
  *[!0-9]* | 0* | ?????*)
    echo "usage: bpc-renew-token [HOURS]" >&2
    exit 2
    ;;
esac
umask 077
token=$(sed -n 's/^ *token: "\{0,1\}\([a-z0-9]\{6\}\.[a-z0-9]\{16\}\)"\{0,1\}$/\1/p' "${BPC_ROOT:-}/etc/bpc/kubeadm/discovery.conf")
test -n "$token"
end=$(date --utc --date "+$hours hours" +%Y-%m-%dT%H:%M:%SZ)
# The token goes through a pipe: it is in no argument, and in no other file.
kubectl --kubeconfig "${BPC_ROOT:-}/etc/kubernetes/admin.conf" apply --server-side --force-conflicts --filename - \
  >/dev/null <<END
apiVersion: v1
kind: Secret
metadata:
  name: bootstrap-token-${token%.*}
  namespace: kube-system
type: bootstrap.kubernetes.io/token
stringData:
  auth-extra-groups: system:bootstrappers:kubeadm:default-node-token
  description: machines join with it
  expiration: "$end"
  token-id: "${token%.*}"
  token-secret: "${token#*.}"
  usage-bootstrap-authentication: "true"
  usage-bootstrap-signing: "true"
END
echo "machines may join until $end"
