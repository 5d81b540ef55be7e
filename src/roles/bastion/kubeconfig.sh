# kubectl's way to the API for the one who logs in here: what kubectl looks for belongs to that user, and a seed's files
# belong to root.

entry=$(getent passwd "$LOGIN")
folder=${BPC_ROOT:-}$(printf '%s\n' "$entry" | cut -d : -f 6)/.kube
umask 077
mkdir -p "$folder"
rm -f "$folder/config.bpc-new"
cp "${BPC_ROOT:-}/etc/bpc/kubernetes/admin.conf" "$folder/config.bpc-new"
chown -h "$LOGIN:$(id -g "$LOGIN")" "$folder" "$folder/config.bpc-new"
mv -f "$folder/config.bpc-new" "$folder/config"
