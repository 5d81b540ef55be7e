DATA=/var/lib/etcd
# Where it is a volume of its own, what is beside it has to be inside: a file system is no place to rename to another.
BESIDE=$DATA.
if mountpoint -q "$DATA"; then
  BESIDE=$DATA/
fi
RESTORING=/var/lib/etcd-restoring

usage() {
  cat <<'END'
usage: bpc-etcd-restore --stop
       bpc-etcd-restore [--yes] SNAPSHOT

Puts the state of the cluster back to what it was when SNAPSHOT was taken (bpc-etcd-snapshot). All that was written
since then is lost.

Every member has to restore the same snapshot: first --stop on every one, then SNAPSHOT on every one. Members that
restored different ones do not know each other. The first answers come when more than half of the members are back.

The data that was there stays beside the new one until you remove it. Asks before it does so, unless --yes is given.
If it was interrupted, call it again; until then the member does not start.
END
}

agreed=no action=restore
while [ $# -gt 0 ]; do
  case $1 in
    --help)
      usage
      exit
      ;;
    --yes) agreed=yes ;;
    --stop) action=stop ;;
    -*)
      usage >&2
      exit 2
      ;;
    *) break ;;
  esac
  shift
done
if [ "$action" = stop ] && [ $# -eq 0 ]; then
  stop_etcd
  exit
fi
if [ "$action" = stop ] || [ $# -ne 1 ]; then
  usage >&2
  exit 2
fi
snapshot=$1

umask 077
if ! said=$(etcdutl snapshot status "$snapshot" 2>&1); then
  printf '%s\n' "$said" >&2
  echo "bpc-etcd-restore: $snapshot is not a snapshot that can be restored" >&2
  exit 1
fi
if [ "$agreed" = no ]; then
  if ! [ -t 0 ]; then
    echo "bpc-etcd-restore: this replaces the state of the cluster: add --yes" >&2
    exit 1
  fi
  printf 'Replace the state of the cluster on %s by that of %s? [y/N] ' "$NAME" "$snapshot"
  read -r answer
  case $answer in
    y | Y | yes) ;;
    *)
      echo "bpc-etcd-restore: nothing was done" >&2
      exit 1
      ;;
  esac
fi

rm -rf "${BESIDE}new"
# Members that restored one snapshot, and they alone, agree on who they are: one that still runs the old state has another
# token, and is not listened to. Watches of the API server find that their revisions are gone, and start over.
token=$TOKEN-$(sha256sum "$snapshot" | cut -c 1-16)
if ! said=$(etcdutl snapshot restore "$snapshot" --data-dir "${BESIDE}new" --name "$NAME" \
  --initial-cluster "$CLUSTER" --initial-cluster-token "$token" --initial-advertise-peer-urls "$PEER" \
  --bump-revision 1000000000 --mark-compacted 2>&1); then
  printf '%s\n' "$said" >&2
  echo "bpc-etcd-restore: nothing was replaced" >&2
  exit 1
fi
chown -R "$OWNER" "${BESIDE}new"

: >"$RESTORING"
stop_etcd
mkdir -p "$DATA"
chown "$OWNER" "$DATA"
chmod 0700 "$DATA"
if [ -e "$DATA/member" ]; then
  before=${BESIDE}before-$(date -u +%Y%m%dT%H%M%SZ)
  mkdir -p "$before"
  mv "$DATA/member" "$before/member"
  echo "what was there is in $before"
fi
mv "${BESIDE}new/member" "$DATA/member"
rm -rf "${BESIDE}new"
sync
rm -f "$RESTORING"
start_etcd
echo "$NAME has the state of $snapshot: bpc-etcdctl endpoint health says when most members have"
