#!/bin/sh
# Names and addresses for all networks.
set -eu
. /usr/local/lib/bpc/lib.sh

dnsmasq --test -C /etc/dnsmasq.d/bpc.conf
enable_service dnsmasq restart
