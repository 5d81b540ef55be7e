# Snapshots of etcd, from now on and at every boot.

systemctl daemon-reload
systemctl enable bpc-etcd-snapshot.timer
systemctl restart bpc-etcd-snapshot.timer
