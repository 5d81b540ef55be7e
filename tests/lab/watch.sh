# shellcheck shell=sh
# What failover.sh runs on each machine, below FLOATING: says what is so, and again whenever it changes, until the
# machine ends.
#
#   address here             or gone
#   haproxy active           or what else systemd says of it
#   online: hapx-node01 ...  the members that Pacemaker sees, if it runs
#   serving: hapx-node01 ... those on which it runs HAProxy
address='' haproxy='' online='' serving='' round=0
while :; do
  now=gone
  [ -z "$(ip -oneline address show to "$FLOATING")" ] || now=here
  [ "$now" = "$address" ] || echo "address $now"
  address=$now
  if [ $((round % 20)) = 0 ]; then
    now=$(systemctl is-active haproxy)
    [ "$now" = "$haproxy" ] || echo "haproxy $now"
    haproxy=$now
    now=$(crm_mon --one-shot --output-as=xml 2>/dev/null |
      sed -n 's/.*<node name="\([^"]*\)".* online="true".* pending="false".*/\1/p' | xargs)
    [ "$now" = "$online" ] || echo "online: $now"
    online=$now
    now=$(crm_resource --resource haproxy-clone --locate 2>/dev/null | sed -n 's/.* running on: //p' | sort | xargs)
    [ "$now" = "$serving" ] || echo "serving: $now"
    serving=$now
  fi
  round=$((round + 1))
  sleep 0.2
done
