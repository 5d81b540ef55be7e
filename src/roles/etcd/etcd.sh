# etcd as a service.

root=${BPC_ROOT:-}
systemd-sysusers "$root/etc/sysusers.d/bpc-etcd.conf"

# A member that runs with what is here now goes on: no other one has to wait for it. The certificates stand for their
# keys.
files="$root/etc/etcd/etcd.yaml $root/etc/systemd/system/etcd.service $root/usr/local/bin/etcd"
# shellcheck disable=SC2086  # three paths
digest=$(cat $files "$root/etc/etcd/pki/"*.crt | sha256sum | cut -d ' ' -f 1)
[ -n "$digest" ]
record=$root/var/lib/bpc/etcd.sha256
action=restart
if [ -f "$record" ] && [ "$(cat "$record")" = "$digest" ]; then
  action=start
fi
systemctl daemon-reload
systemctl enable etcd
# A start ends when most members are there.
systemctl --no-block "$action" etcd
mkdir -p "$root/var/lib/bpc"
printf '%s\n' "$digest" >"$record.new"
mv -f "$record.new" "$record"

tries=1
until said=$(ETCDCTL_ENDPOINTS=$ENDPOINT bpc-etcdctl endpoint health 2>&1); do
  if [ "$tries" -eq 15 ]; then
    printf '%s\n' "$said"
    log "no answer yet: more than half of all members have to run"
    exit 1
  fi
  tries=$((tries + 1))
  sleep 2
done
