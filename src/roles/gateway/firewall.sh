# The firewall first, forwarding after it: no packet passes unfiltered. A reload replaces our table in one step; a
# restart would flush all tables before.

nft -c -f /etc/nftables.conf
enable_service nftables reload-or-restart
install -m 0644 /etc/bpc/forwarding.conf /etc/sysctl.d/zz-bpc-forwarding.conf
rm -f /etc/sysctl.d/90-bpc-forwarding.conf # as it was called once
systemctl restart systemd-sysctl
