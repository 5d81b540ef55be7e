# The time servers are in timesyncd.conf.d/zz-bpc.conf.

enable_service systemd-timesyncd restart
