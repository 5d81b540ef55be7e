# Snapshots of etcd, from now on and at every boot.

enable_service bpc-etcd-snapshot.timer restart
