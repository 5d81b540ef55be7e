# bpc-etcd-snapshot [FILE]: keeps the state of the cluster, as this machine's member of etcd has it, and prints where.
#
# Without FILE, in /var/lib/etcd-snapshots under the time (UTC), and the oldest ones there go. A snapshot holds all
# secrets of the cluster: it is for root alone.

FOLDER=/var/lib/etcd-snapshots

umask 077
case ${1-} in
  -*)
    echo "usage: bpc-etcd-snapshot [FILE]" >&2
    exit 2
    ;;
esac
if [ $# -gt 1 ]; then
  echo "bpc-etcd-snapshot: one file, not $#" >&2
  exit 2
fi
if [ $# -eq 0 ]; then
  mkdir -p "$FOLDER"
  chmod 0700 "$FOLDER"
  # One after the other; what an earlier one left unfinished is nobody's.
  exec 9>"$FOLDER/.lock"
  flock 9
  rm -f "$FOLDER"/*.part*
  file=$FOLDER/$(date -u +%Y%m%dT%H%M%SZ).db
else
  file=$1
fi

part=$file.$$.part
trap 'rm -f "$part" "$part.part"' EXIT
trap 'exit 1' HUP INT TERM
# What these say is for a failure only. The member is asked itself, not the cluster: its neighbours keep their own.
export ETCDCTL_ENDPOINTS="$ENDPOINT"
# A snapshot of a member that is down would be waited for.
if ! said=$(bpc-etcdctl endpoint status 2>&1 && bpc-etcdctl --command-timeout=10m snapshot save "$part" 2>&1 &&
  etcdutl snapshot status "$part" 2>&1); then
  printf '%s\n' "$said" >&2
  echo "bpc-etcd-snapshot: no snapshot was taken" >&2
  exit 1
fi
chmod 0600 "$part"
sync "$part"
mv -f "$part" "$file"

if [ $# -eq 0 ]; then
  # Names sort by time.
  set -- "$FOLDER"/[0-9]*T[0-9]*Z.db
  while [ $# -gt "$KEPT" ]; do
    rm -f "$1"
    shift
  done
fi
printf '%s\n' "$file"
