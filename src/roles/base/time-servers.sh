# The time servers are in timesyncd.conf.d/bpc.conf.

enable_service systemd-timesyncd restart
