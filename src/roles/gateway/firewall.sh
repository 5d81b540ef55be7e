# The firewall first, forwarding after it: no packet passes unfiltered.

nft -c -f /etc/nftables.conf
enable_service nftables restart
install -m 0644 /etc/bpc/forwarding.conf /etc/sysctl.d/90-bpc-forwarding.conf
sysctl -q -p /etc/sysctl.d/90-bpc-forwarding.conf
