# Disks and what is on them: below $facts, a folder a kind of fact, with a file for each device, its slashes being commas.
#
#   size     its bytes            content  TYPE UUID of what is on it       filled   how much of it that takes
#   broken   what is half made    group    that of a physical volume        fresh    a file system that nobody has mounted yet
#   lv       a logical volume
facts=$lasting/disks
mounts=$passing/mounts

of() { printf '%s\n' "$facts/$1/$(printf %s "$2" | tr / ,)"; }
fact() { [ ! -e "$(of "$1" "$2")" ] || cat "$(of "$1" "$2")"; }
has() { [ -e "$(of "$1" "$2")" ]; }

# set_fact KIND DEVICE TEXT
set_fact() {
  mkdir -p "$facts/$1"
  printf '%s\n' "$3" >"$(of "$1" "$2")"
}

# group_of DEVICE: that of /dev/GROUP/VOLUME.
group_of() {
  group=${1#/dev/}
  printf '%s\n' "${group%/*}"
}

# devices KIND TEXT: those of which this fact is so.
devices() {
  for file in "$facts/$1"/*; do
    if [ -e "$file" ] && [ "$(cat "$file")" = "$2" ]; then
      printf '%s\n' "${file##*/}" | tr , /
    fi
  done
}

# mount_as_listed FOLDER: mounts what /etc/fstab has for it.
mount_as_listed() {
  device=$(awk -v mount="$1" '$2 == mount { print $1 }' /etc/fstab)
  if [ "${device#UUID=}" != "$device" ]; then
    id=${device#UUID=}
    for type in ext2 ext3 ext4 xfs; do
      found=$(devices content "$type $id")
      [ -z "$found" ] || device=$found
    done
  fi
  has content "$device" && ! has broken "$device" && [ -d "$1" ] || return 32
  mkdir -p "$mounts"
  printf '%s %s\n' "$device" "$(fact content "$device")" >"$mounts/$(printf %s "$1" | tr / ,)"
  case $(fact content "$device") in
    ext*) ! has fresh "$device" || mkdir -p "$1/lost+found" ;;
  esac
  rm -f "$(of fresh "$device")"
}
