# etcd is a service of systemd here.

OWNER=etcd:etcd

stop_etcd() {
  systemctl stop etcd
}

start_etcd() {
  # A start ends when most members are there.
  systemctl --no-block start etcd
}
