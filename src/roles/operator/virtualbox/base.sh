# The base disk: what every system disk starts from. It is kept once a blueprint, in VirtualBox's own format, under a name
# that says what it was made of: the digest of the file and the size.

# choose_base: what the system disks are to be made of, in BASE and BASE_ID; empty if nothing says so.
choose_base() {
  SOURCE='' WANTED='' INSTALLED='' STALE=''
  if [ -n "$DISK" ]; then
    case $DISK in
      /*) SOURCE=$DISK ;;
      *) SOURCE=$PWD/$DISK ;;
    esac
    WANTED=$DISK_SHA256
    if [ -z "$WANTED" ]; then
      [ -f "$SOURCE" ] || fail "there is no file $SOURCE: --disk wants that of a system disk"
      sha256 "$SOURCE"
      WANTED=$DIGEST
    fi
  elif [ -n "$DISK_FILE" ]; then
    WANTED=$DISK_SHA256
    find_source
  elif [ -e "$FOLDER/base/chosen" ]; then
    # What an earlier run was told.
    read -r WANTED <"$FOLDER/base/chosen"
  else
    find_installed
  fi
  BASE='' BASE_ID=''
  if [ -n "$WANTED" ]; then
    BASE_ID=$(printf '%.16s' "$WANTED")-$DISK_MIB-$SYSTEM_DISK
    BASE=$FOLDER/base/$(printf '%.16s' "$WANTED")-$DISK_MIB.vdi
  fi
}

# A path is from the folder that the tree's own folder is in, as that of the blueprints is.
find_source() {
  case $DISK_FILE in
    /*) SOURCE=$DISK_FILE ;;
    *) SOURCE=$(CDPATH='' cd -- "$TREE/../.." && pwd)/$DISK_FILE ;;
  esac
}

# Whether this run has made it; a dry run leaves no file that would tell.
BASE_MADE=

# make_base: makes the base disk if it is not there.
make_base() {
  if [ -e "$BASE" ] || [ -n "$BASE_MADE" ]; then
    return 0
  fi
  BASE_MADE=yes
  MACHINE=
  fetch_source
  say "making the base disk of $SOURCE"
  run mkdir -p "$FOLDER/base"
  discard "$BASE.new"
  if [ -n "$INSTALLED" ]; then
    share "$SOURCE" "$BASE.new"
  else
    convert "$SOURCE" "$BASE.new"
  fi
  if [ -z "$DRY_RUN" ] && [ -n "$VOLUME_GROUP" ] && [ -z "$INSTALLED" ] && ! has_group "$BASE.new"; then
    discard "$BASE.new"
    fail "$(plain "$SOURCE")"
  fi
  native "$BASE.new"
  size=0
  if [ -z "$DRY_RUN" ]; then
    ask "look at the new base disk" showmediuminfo disk "$NATIVE"
    size=$(printf '%s\n' "$ANSWER" | sed -n 's/^Capacity: *\([0-9]*\) MBytes.*/\1/p')
  fi
  if [ "${size:-0}" -gt "$DISK_MIB" ]; then
    discard "$BASE.new"
    fail "$SOURCE holds a disk of $size MiB, and machines get $DISK_MIB MiB: make image.disk larger in the blueprint"
  elif [ "${size:-0}" -lt "$DISK_MIB" ]; then
    change "make the base disk as large as the blueprint says" modifymedium disk "$NATIVE" --resize "$DISK_MIB"
  fi
  # VirtualBox forgets it, for it gets another name.
  change "finish the base disk" closemedium disk "$NATIVE"
  if [ -z "$DRY_RUN" ] && [ -n "$DISK" ] && [ -z "$DISK_FILE" ]; then
    printf '%s\n' "$WANTED" >"$FOLDER/base/chosen"
  fi
  # VirtualBox may know one of that name which is gone.
  native "$BASE"
  try closemedium disk "$NATIVE"
  run mv "$BASE.new" "$BASE"
}

# is_plain FILE: whether it is known not to be divided as the blueprint says. LVM writes the name of the group and a brace at
# the start of its partition, where that is found if the format of the file does not compress it.
is_plain() {
  [ -n "$VOLUME_GROUP" ] && [ -z "$INSTALLED" ] || return 1
  case $(first_bytes "$1") in
    514649fb | 4b444d56) return 1 ;;
  esac
  ! has_group "$1"
}

# has_group FILE: whether the group is in it, as lvm(8) writes it down (vgcfgbackup(8) shows the form). That starts in the
# first gigabytes, if at all; grep alone would take all zeros of an empty disk for one line.
has_group() {
  dd if="$1" bs=1048576 count=4096 2>/dev/null | LC_ALL=C tr '\000' '\012' | LC_ALL=C grep -a -q -F "$VOLUME_GROUP {"
}

# plain FILE: prints what is wrong with it, and what to do.
plain() {
  echo "$1 is not divided as the blueprint says: it has no volume group $VOLUME_GROUP. A cloud image has none:
         call base-image.sh ISO, which has the installer make the disk, or take 'lvm' out of the blueprint's 'image'"
}

# first_bytes FILE: prints them, four, by which formats are told.
first_bytes() {
  dd if="$1" bs=4 count=1 2>/dev/null | od -An -tx1 | tr -d ' \n'
}

# share FILE NAME: another name for a file; not every file system has such a thing.
share() {
  if [ -n "$DRY_RUN" ] || ! ln "$1" "$2" 2>/dev/null; then
    run cp "$1" "$2"
  fi
}

# Downloads the file if the blueprint says where it is.
fetch_source() {
  [ ! -e "$SOURCE" ] && [ -n "$DISK_URL" ] || return 0
  if [ -n "$DRY_RUN" ]; then
    show curl --fail --location --output "$SOURCE" "$DISK_URL"
    return 0
  fi
  say "downloading $DISK_URL"
  stay_inside
  part=$SOURCE.$(printf '%.16s' "$DISK_SHA256").part
  [ ! -L "$part" ] || fail "$part is a symbolic link: delete it"
  mkdir -p "${SOURCE%/*}" || fail "cannot make the folder ${SOURCE%/*}"
  if command -v curl >/dev/null 2>&1; then
    curl --fail --location --show-error --silent --continue-at - --output "$part" "$DISK_URL" ||
      fail "cannot download $DISK_URL: call this again, it goes on where it stopped"
  elif command -v wget >/dev/null 2>&1; then
    wget -q -c -O "$part" "$DISK_URL" ||
      fail "cannot download $DISK_URL: call this again, it goes on where it stopped"
  else
    fail "there is neither curl nor wget: download $DISK_URL to $SOURCE yourself"
  fi
  sha256 "$part"
  if [ "$DIGEST" != "$DISK_SHA256" ]; then
    rm -f "$part"
    fail "what $DISK_URL gave is not what the blueprint says: its SHA-256 is
  $DIGEST, not
  $DISK_SHA256"
  fi
  [ ! -e "$SOURCE" ] || fail "$SOURCE came up meanwhile: call this again"
  mv "$part" "$SOURCE"
}

# stay_inside: the blueprint's path leads where it says, and not through a link to somewhere else. An absolute one is in a
# folder that was allowed when the tree was built.
stay_inside() {
  case $DISK_FILE in
    /*) return 0 ;;
  esac
  above=$(CDPATH='' cd -- "$TREE/../.." && pwd -P)
  place=${SOURCE%/*}
  while [ ! -d "$place" ]; do
    place=${place%/*}
  done
  place=$(CDPATH='' cd -- "$place" && pwd -P)
  case $place/ in
    "${above%/}"/*) ;;
    *) fail "$SOURCE is not below $above, a link leads out of it: download $DISK_URL yourself" ;;
  esac
}

# convert FILE VDI: whatever the file is, by its first bytes; VirtualBox does not know the disk before and after.
convert() {
  native "$1"
  from=$NATIVE
  native "$2"
  case $(first_bytes "$1") in
    514649fb)
      # VirtualBox reads qcow2, but neither compressed clusters nor all versions.
      if command -v qemu-img >/dev/null 2>&1; then
        run qemu-img convert -f qcow2 -O vdi "$1" "$2"
      else
        import "convert the disk file (qemu-img could: install it)" "$from" "$NATIVE"
      fi
      ;;
    4b444d56 | 3c3c3c20 | 23204469) import "convert the disk file" "$from" "$NATIVE" ;;
    *) change "convert the disk file" convertfromraw "$from" "$NATIVE" --format VDI ;;
  esac
}

# import STEP FROM TO: a format that VirtualBox knows.
import() {
  change "$1" clonemedium disk "$2" "$3" --format VDI
  try closemedium disk "$2"
}
