# shellcheck shell=sh
# What boot.sh runs on each machine: prints what a person wants to see, and fails if something is wrong.
cloud-init status --wait --long
cloud=$?
echo "-- $(hostname --fqdn 2>/dev/null || hostname)"
ip -brief addr
ip route
resolvectl --no-pager dns
if [ -e /etc/systemd/system/bpc-bootstrap.service ]; then
  journalctl --no-pager --quiet --output=cat --unit=bpc-bootstrap
fi
if systemctl --quiet is-active dnsmasq; then
  journalctl --no-pager --quiet --output=cat --unit=dnsmasq | tail -n 20
fi
nft list ruleset
grep -E ' - (WARNING|ERROR|CRITICAL)|\[(WARNING|ERROR)\]' /var/log/cloud-init.log
failed=$(systemctl --failed --plain --no-legend)
[ -z "$failed" ] || echo "failed units: $failed"
[ "$cloud" = 0 ] && [ -z "$failed" ]
