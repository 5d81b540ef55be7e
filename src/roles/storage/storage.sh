# What disks are made into, on a machine that runs. All of it may be called again: what is there stays, or grows. Nothing is
# made smaller, and nothing is made where something else is.

# A file system that is being made has a file here until it is mounted.
making=/var/lib/bpc/making

refuse() {
  log "$@"
  exit 1
}

# quietly COMMAND...: what it says is of interest only if it fails.
quietly() {
  said=$("$@" 2>&1) || {
    code=$?
    printf '%s\n' "$said"
    return "$code"
  }
}

# find_disk NAME PORT BYTES: a data disk by the port that it is attached to, in DEVICE. udev counts SATA's ports from 1.
find_disk() {
  DEVICE=
  for link in /dev/disk/by-path/*pci-*-ata-$(($2 + 1)) /dev/disk/by-path/*pci-*-scsi-0:0:"$2":0; do
    [ ! -e "$link" ] || DEVICE=$(readlink -f "$link")
  done
  [ -n "$DEVICE" ] || refuse "there is no disk $1: nothing is attached to port $2"
  ANSWER=$(blockdev --getsize64 "$DEVICE")
  [ "$ANSWER" -ge "$3" ] ||
    refuse "disk $1 ($DEVICE) has $((ANSWER / 1048576)) MiB, and is to have $(($3 / 1048576)) MiB: 'up.sh' makes it larger"
}

# holds DEVICE: what is on it, in TYPE and ID, both empty if it is nothing.
holds() {
  ANSWER=$(wipefs --noheadings --output TYPE,UUID "$1")
  # shellcheck disable=SC2086  # two words
  set -- $ANSWER
  TYPE=${1:-} ID=${2:-}
}

# ask COMMAND...: what one of pvs, vgs and lvs says of one thing, in ANSWER; sizes are in bytes.
ask() {
  ANSWER=$("$@" --noheadings --nosuffix --units b)
  ANSWER=${ANSWER##* }
}

# image_group GROUP: ends here unless the system disk brings it, before another disk would make one of that name.
image_group() {
  vgs "$1" >/dev/null || refuse "there is no volume group $1: the disk that this machine started from is not as image.lvm says"
}

# physical_volume DISK PORT BYTES GROUP: has a disk belong to a volume group.
physical_volume() {
  find_disk "$1" "$2" "$3"
  holds "$DEVICE"
  case $TYPE in
    '') pvcreate --yes "$DEVICE" ;;
    LVM2_member) ;;
    *) refuse "disk $1 ($DEVICE) holds $TYPE $ID, so it does not become a part of the volume group $4: if nobody needs that, 'wipefs --all $DEVICE'" ;;
  esac
  ask pvs --options vg_name "$DEVICE"
  case $ANSWER in
    "$4") ;;
    '')
      if vgs "$4" >/dev/null 2>&1; then
        vgextend "$4" "$DEVICE"
      else
        vgcreate "$4" "$DEVICE"
      fi
      ;;
    *) refuse "disk $1 ($DEVICE) belongs to the volume group $ANSWER, not to $4" ;;
  esac
}

# volume_group GROUP: gives it all of its disks, also what they have grown by.
volume_group() {
  PARTS=$(pvs --noheadings --options pv_name --select "vg_name=$1")
  for part in $PARTS; do
    disk=$(lsblk --noheadings --nodeps --output PKNAME "$part")
    if [ -n "$disk" ]; then
      number=$(blkid --probe --match-tag PART_ENTRY_NUMBER --output value "$part")
      code=0
      quietly growpart "/dev/$disk" "$number" || code=$?
      # 1: it has all there is.
      [ "$code" -le 1 ] || return 1
    fi
    quietly pvresize "$part"
  done
}

# mounted MOUNT: what is mounted there, in SOURCE, TYPE and ID, all empty if it is nothing.
mounted() {
  ANSWER=$(findmnt --noheadings --output SOURCE,FSTYPE,UUID --mountpoint "$1") || ANSWER=
  # shellcheck disable=SC2086  # three words
  set -- $ANSWER
  SOURCE=${1:-} TYPE=${2:-} ID=${3:-}
}

# room GROUP BYTES MOUNT: ends here if the group has less left.
room() {
  ask vgs --options vg_free "$1"
  [ "$ANSWER" -ge "$2" ] ||
    refuse "$3 needs $(($2 / 1048576)) MiB more, and $((ANSWER / 1048576)) MiB are left in the volume group $1: give it another disk, or a larger one"
}

# grow_volume MOUNT GROUP BYTES: has the volume that is mounted there be so large, and its file system as large as it is.
grow_volume() {
  mounted "$1"
  [ -n "$SOURCE" ] ||
    refuse "nothing is mounted on $1: the disk that this machine started from is not as image.lvm says"
  ask lvs --options vg_name "$SOURCE" || ANSWER=
  [ "$ANSWER" = "$2" ] || refuse "$1 is on $SOURCE, which is no volume of the group $2"
  ask lvs --options lv_size "$SOURCE"
  size=$ANSWER
  if [ "$size" -lt "$3" ]; then
    room "$2" $(($3 - size)) "$1"
    log "$1: $((size / 1048576)) MiB become $(($3 / 1048576)) MiB"
    lvextend --size "${3}b" "$SOURCE"
  fi
  grow_file_system "$1"
}

# grow_file_system MOUNT: has it be as large as what it is on.
grow_file_system() {
  mounted "$1"
  case $TYPE in
    ext[234]) quietly resize2fs "$SOURCE" ;;
    xfs) quietly xfs_growfs "$1" ;;
    *) refuse "$1 is $TYPE, which is never made larger here" ;;
  esac
}

# make_volume MOUNT GROUP NAME BYTES TYPE UUID OPTIONS: the same for one that the image does not have.
make_volume() {
  mounted "$1"
  if [ -z "$SOURCE" ]; then
    if ! lvs "$2/$3" >/dev/null 2>&1; then
      room "$2" "$4" "$1"
      lvcreate --yes --wipesignatures y --name "$3" --size "${4}b" "$2"
    fi
  fi
  make_file_system "$1" "/dev/$2/$3" "$5" "$6" "$7"
  grow_volume "$1" "$2" "$4"
}

# use_disk MOUNT DISK PORT BYTES TYPE UUID OPTIONS: has a disk be one file system.
use_disk() {
  find_disk "$2" "$3" "$4"
  mounted "$1"
  [ "${SOURCE:-$DEVICE}" = "$DEVICE" ] || refuse "$1 is on $SOURCE, not on the disk $2 ($DEVICE)"
  make_file_system "$1" "$DEVICE" "$5" "$6" "$7"
  grow_file_system "$1"
}

# make_file_system MOUNT DEVICE TYPE UUID OPTIONS: makes it and mounts it, unless something is mounted there.
make_file_system() {
  mounted "$1"
  if [ -n "$SOURCE" ]; then
    # Another one is the image's, and what is said of it as well.
    [ "$ID" = "$4" ] || return 0
    list "$1" "$3" "$4" "$5"
  else
    make "$@"
    list "$1" "$3" "$4" "$5"
    systemctl daemon-reload
    mount "$1"
  fi
  if [ -e "$making/$4" ]; then
    # kubeadm is one of the programs that want an empty folder. File system checks make it again.
    [ ! -d "$1/lost+found" ] || rmdir "$1/lost+found"
    rm -f "$making/$4"
  fi
}

# make MOUNT DEVICE TYPE UUID OPTIONS: makes the file system on a device that holds nothing else.
make() {
  mkdir -p "$1"
  [ -z "$(ls -A "$1")" ] ||
    refuse "$1 is not empty, and what is there would be hidden: move it away, or make this machine anew ('up.sh --recreate')"
  if ! [ -e "$making/$4" ]; then
    holds "$2"
    case $TYPE/$ID in
      "$3/$4") return 0 ;;
      /) ;;
      *) refuse "$2, which is to be mounted on $1, holds $TYPE $ID, and nothing is made over it: if nobody needs that, 'wipefs --all $2'" ;;
    esac
    mkdir -p "$making"
    : >"$making/$4"
    sync "$making/$4"
  fi
  log "$1: making $3 on $2"
  case $3 in
    xfs) mkfs.xfs -q -f -m "uuid=$4" "$2" ;;
    *) mke2fs -q -F -t "$3" -U "$4" "$2" ;;
  esac
}

# list MOUNT TYPE UUID OPTIONS: has /etc/fstab say how it is mounted, from now on.
list() {
  check=2
  [ "$2" != xfs ] || check=0
  entry="UUID=$3 $1 $2 $4 0 $check"
  if grep -q -x -F -e "$entry" /etc/fstab; then
    return 0
  fi
  other=$(awk -v mount="$1" -v id="UUID=$3" '$1 !~ /^#/ && $2 == mount && $1 != id' /etc/fstab)
  [ -z "$other" ] || refuse "/etc/fstab has something else for $1: $other"
  awk -v id="UUID=$3" '$1 != id' /etc/fstab >/etc/fstab.bpc-new
  echo "$entry" >>/etc/fstab.bpc-new
  chmod 644 /etc/fstab.bpc-new
  sync /etc/fstab.bpc-new
  mv -f /etc/fstab.bpc-new /etc/fstab
  if [ -n "$SOURCE" ]; then
    log "$1: its new mount options are in force after the next start"
  fi
}
