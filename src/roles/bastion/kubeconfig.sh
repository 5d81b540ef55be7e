# kubectl's way to the API, for the one who logs in here: the file that kubectl looks for belongs to that user. The
# kubeconfig says who holds it by the certificate with the SHA-256 $FINGERPRINT.

source=${BPC_ROOT:-}/etc/bpc/kubernetes/admin.conf
home=${BPC_ROOT:-}$(getent passwd "$LOGIN" | cut -d : -f 6)
group=$(id -g "$LOGIN")
log "the certificate of kubectl is $FINGERPRINT"
install -d -m 0700 -o "$LOGIN" -g "$group" "$home/.kube"
install -m 0600 -o "$LOGIN" -g "$group" "$source" "$home/.kube/config.bpc-new"
mv -f "$home/.kube/config.bpc-new" "$home/.kube/config"
