# etcd as a service.

systemd-sysusers "${BPC_ROOT:-}/etc/sysusers.d/bpc-etcd.conf"
log "etcd $RELEASE"
# A start ends when most members are there. A member that runs with what is here now goes on: no other one has to wait
# for it.
enable_service etcd restart --no-block

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
