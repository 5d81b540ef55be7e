# Before HAProxy is installed, which starts it: its ports are on an address that another machine may hold.

systemctl restart systemd-sysctl
