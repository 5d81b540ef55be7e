
usage() {
  cat <<END
usage: etcd-snapshot.sh [--dry-run] [FILE]

Takes a snapshot of the whole state of $NAME, on the first member of etcd that is well, and brings it here: to FILE,
or to one in the current folder that is named after the time (UTC). It replaces no file. A snapshot holds all secrets of
the cluster: only you can read the file, and a copy should lie where nobody else can read it either.

  --dry-run  prints the commands in place of running them

example: etcd-snapshot.sh /media/backup/$NAME.db
exit status: 0 done, 1 failed, 2 wrong arguments
END
}

arguments "" "$@"
file=$OPERAND
while [ -z "$file" ]; do
  file=$NAME-$(date -u +%Y%m%dT%H%M%SZ).db
  if [ -e "$file" ]; then
    # Another one was taken in this second.
    file=
    sleep 1
  fi
done
if [ -e "$file" ]; then
  fail "$file is there already: name another one"
fi

# from MEMBER: takes the snapshot there, which leaves it among the others that the member keeps, and copies it.
from() {
  kept=$(on "$1" "sudo bpc-etcd-snapshot") || return 1
  quote "${kept:-SNAPSHOT}"
  there=$QUOTED
  on "$1" "sudo cat $there" >"$part" || return 1
  sum=$(on "$1" "sudo cksum $there") || return 1
  [ -z "$DRY_RUN" ] || return 0
  # The sum, the size, and the name.
  if ! [ -s "$part" ] || [ "$sum" != "$(cksum <"$part") $kept" ]; then
    echo "$ME: what came from $1 is not what is there" >&2
    return 1
  fi
}

umask 077
part=$file.part
if [ -n "$DRY_RUN" ]; then
  part=/dev/null
else
  : >"$part" || fail "cannot write to $part: name a file in a folder of yours"
  trap 'rm -f "$part" "$SSH_LOG"' EXIT
fi
for member in $MEMBERS; do
  if from "$member"; then
    if [ -z "$DRY_RUN" ]; then
      mv "$part" "$file"
      say "$file"
    fi
    exit
  fi
  say "no snapshot from $member" >&2
done
fail "no member could take one: look at them with 'sudo bpc-etcdctl endpoint health' on one of $MEMBERS"
