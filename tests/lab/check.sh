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
# sshd shows the certificate of its host key, which all names of the machine stand for: who asks has no key and is
# turned away, but not by a question about the host.
ssh=0
if [ -e /etc/ssh/sshd_config.d/00-bpc.conf ]; then
  sshd -T | grep -E '^(hostkey|hostcertificate|trustedusercakeys) '
  sshd -T | grep -q '^hostcertificate /etc/ssh/bpc_host_ed25519_key-cert.pub$' || ssh=1
  for name in "$(hostname)" "$(hostname --fqdn)" "$(awk -v name="$(hostname)" '$3 == name { print $1 }' /etc/hosts)"; do
    said=$(ssh -o BatchMode=yes -o StrictHostKeyChecking=yes -o UserKnownHostsFile=none "$name" true 2>&1)
    echo "ssh $name: $said"
    case $said in
      *'Permission denied'*) ;;
      *) ssh=1 ;;
    esac
  done
fi
failed=$(systemctl --failed --plain --no-legend)
[ -z "$failed" ] || echo "failed units: $failed"
[ "$cloud" = 0 ] && [ -z "$failed" ] && [ "$ssh" = 0 ]
