# What an earlier seed has put here and this one does not: its units end, its files go, and what it did besides is undone.
# Data stays, and so do packages, and files that somebody has changed here.
#
# What is there is known by three lists on the machine: the files of the last seed with their digests, the units that
# stages have enabled (`enable_service` notes them), and the scripts of the stages themselves.

log "this is the seed $SEED"
root=${BPC_ROOT:-}
lib=$root/usr/local/lib/bpc
state=$root/var/lib/bpc

# is_stage NAME: whether this seed has that stage, at whatever place in the order.
is_stage() {
  case " $STAGES " in
    *" $1 "* | *"-${1#*-} "*) ;;
    *) return 1 ;;
  esac
}

# What runs pods, or keeps the state of a cluster, cannot be taken away below those.
units=
for note in "$state"/units/*; do
  if [ -s "$note" ] && ! is_stage "$(cat "$note")"; then
    unit=${note##*/}
    case $unit in
      containerd | docker | cri-docker* | kubelet | etcd)
        log "$unit runs here, and this seed has none of it: make this machine anew (up.sh --recreate), or go back"
        exit 1
        ;;
    esac
    units="$units $unit"
  fi
done
if [ -n "$units" ]; then
  log "stopping what this machine does not do any more:$units"
  # shellcheck disable=SC2086  # names of units
  systemctl disable --now $units
fi

# kubeadm and what it started go on working with what they have below /etc/kubernetes; and what was applied to a cluster is
# taken out of it by the same files.
if [ -s "$state/files" ]; then
  while read -r digest path; do
    case " $FILES " in
      *" $path "*) continue ;;
    esac
    case $path in
      /etc/kubernetes/* | /etc/bpc/addons/* | /etc/bpc/manifests/*) continue ;;
    esac
    if [ "$(_sha256 "$root$path")" = "$digest" ]; then
      log "removing $path"
      rm -f "$root$path"
    elif [ -e "$root$path" ]; then
      log "$path stays although this seed does not have it: it was changed here"
    fi
  done <"$state/files"
fi
[ -z "$units" ] || systemctl daemon-reload

for file in "$lib"/stages/*; do
  stage=${file##*/}
  if ! is_stage "$stage"; then
    if [ -e "$lib/undo/$stage" ]; then
      log "undoing $stage"
      sh "$lib/undo/$stage"
    fi
    # If it comes back, it has all of its work to do.
    rm -f "$state/stamps/$stage" "$root/run/bpc/applied/$stage".*
    rm -f "$lib/undo/$stage" "$file"
  fi
done
for unit in $units; do
  rm -f "$state/units/$unit"
done

umask 077
mkdir -p "$state"
for path in $FILES; do
  printf '%s  %s\n' "$(_sha256 "$root$path")" "$path"
done >"$state/files.new"
mv -f "$state/files.new" "$state/files"
