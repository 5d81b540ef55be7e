# Names and addresses for all networks.

dnsmasq --test -C /etc/dnsmasq.d/bpc.conf
enable_service dnsmasq restart
