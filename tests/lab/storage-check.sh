# shellcheck shell=sh disable=SC2154  # PHASE, and PLAN: MOUNT GROUP DISK MIB TYPE OPTIONS IN-IMAGE; wrong
# What storage.sh runs on the machine, below mounted.sh.
stage=/usr/local/lib/bpc/stages/08-storage
# LVM complains of files that it is not to have.
exec 3>&-

# The volume group of the image on /dev/vdb, smaller than its disk: its volumes have half of what is planned, and two files.
image() {
  sfdisk --quiet /dev/vdb <<'TABLE'
label: dos
size=64MiB
size=4GiB, type=8e
TABLE
  udevadm settle
  pvcreate --quiet --yes /dev/vdb2
  printf '%s\n' "$PLAN" | while read -r mount group _ mib type _ in_image; do
    [ "$in_image" = True ] || continue
    vgs "$group" >/dev/null 2>&1 || vgcreate "$group" /dev/vdb2
    [ "$mib" -lt 2000 ] || mib=2000
    lvcreate --quiet --yes --name "${mount##*/}" --size "$((mib / 2))M" "$group"
    "mkfs.$type" -q "/dev/$group/${mount##*/}"
    mkdir -p "$mount"
    echo "/dev/$group/${mount##*/} $mount $type defaults 0 0" >>/etc/fstab
    systemctl daemon-reload
    mount "$mount"
    seq 100000 >"$mount/numbers"
  done
}

# state: all that the stage could change.
state() {
  lvs --noheadings --units b -o vg_name,lv_name,lv_size,lv_uuid
  pvs --noheadings --units b -o pv_name,vg_name,pv_size,pv_uuid
  findmnt --noheadings --output TARGET,SOURCE,FSTYPE,OPTIONS,UUID --real | sort
  cat /etc/fstab
  printf '%s\n' "$PLAN" | while read -r mount _; do stat -f -c '%n %b %S' "$mount"; done
}

# planned MORE: complains of what is not as planned; disks have so many MiB more.
planned() {
  state
  # shellcheck disable=SC2034  # disk
  while read -r mount group disk mib type options in_image; do
    [ "$group" != - ] || mib=$((mib + $1))
    mounted "$mount" "$mib" "$type" "$options"
    if [ "$in_image" = True ]; then
      [ "$(wc -l <"$mount/numbers")" = 100000 ] || complain "$mount has lost its file"
    else
      # A file system check after a power cut makes it again.
      [ "$PHASE" = grow ] || [ ! -e "$mount/lost+found" ] || complain "$mount is not empty"
      grep -q "^UUID=[^ ]* $mount $type " /etc/fstab || complain "/etc/fstab has no $mount by its identity"
    fi
  done <<PLAN
$PLAN
PLAN
}

# run [SCRIPT]: the stage, or a stage that sed has made of it; prints how long it took.
run() {
  sed "${1:-}" "$stage" >/run/stage
  begin=$(cut -d ' ' -f 1 /proc/uptime)
  code=0
  BPC_STAGE=storage sh /run/stage >/run/said 2>&1 || code=$?
  echo "-- the stage exits $code after $(awk -v begin="$begin" '{ printf "%.1f", $1 - begin }' /proc/uptime) s"
  cat /run/said
}

# refused SCRIPT TEXT: complains unless the stage that sed makes says this, and changes nothing.
refused() {
  state >/run/before
  run "$1"
  [ "$code" != 0 ] || complain "it is not refused: $1"
  grep -q "$2" /run/said || complain "it does not say: $2"
  state | diff /run/before - || complain "something has changed"
}

case $PHASE in
  make)
    image
    until [ -e /var/lib/bpc/stamps/08-storage ]; do sleep 1; done
    planned 0
    state >/run/before
    run
    [ "$code" = 0 ] || complain "the second run fails"
    state | diff /run/before - || complain "the second run changes something"
    for mount in $(printf '%s\n' "$PLAN" | awk '$7 == "False" { print $1 }'); do seq 100000 >"$mount/kept"; done
    refused 's/^\(grow_volume [^ ]* [^ ]*\) .*/\1 1099511627776/' 'MiB more, and .* are left in the volume group'
    spare=$(readlink -f /dev/disk/by-path/*-scsi-0:0:2:0)
    mke2fs -q -t ext4 -L theirs "$spare"
    id=$(blkid -o value -s UUID "$spare")
    refused "\$a use_disk /srv/spare spare 2 1 ext4 00000000-0000-4000-8000-000000000000 defaults" "holds ext4 $id, and nothing is made over it"
    refused "\$a physical_volume spare 2 1 data" "holds ext4 $id, so it does not become"
    refused "\$a use_disk /srv/spare spare 2 99999999999 ext4 $id defaults" "is to have"
    mkdir -p /srv/full && : >/srv/full/it
    refused "\$a use_disk /srv/full spare 2 1 ext4 $id defaults" "/srv/full is not empty"
    ;;
  grow)
    # The disks are larger, and what is on them not yet.
    printf '%s\n' "$PLAN" | awk '$7 == "False" { print $1 }' >/run/made
    while read -r mount; do
      [ "$(wc -l <"$mount/kept")" = 100000 ] || complain "$mount was not mounted, or has lost its file"
    done </run/made
    run 's/^\(grow_volume [^ ]* [^ ]*\) .*/\1 GROWN/; s/^\(make_volume [^ ]* [^ ]* [^ ]*\) [0-9]*/\1 GROWN/; /^[gm]/ s/GROWN/2684354560/'
    [ "$code" = 0 ] || complain "growing fails"
    grep -q "/home: 1024 MiB become 2560 MiB" /run/said || complain "it does not say by how much /home grows"
    PLAN=$(printf '%s\n' "$PLAN" | awk '$2 != "-" && $4 < 2560 { $4 = 2560 } { print }')
    planned 1024
    ;;
esac
# The lab's own root file system has no journal: it is to be whole when the power goes.
sync
echo u >/proc/sysrq-trigger
exit "$wrong"
