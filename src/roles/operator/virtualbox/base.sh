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
  mkdir -p "${SOURCE%/*}" || fail "cannot make the folder ${SOURCE%/*}"
  if command -v curl >/dev/null 2>&1; then
    curl --fail --location --show-error --silent --continue-at - --output "$SOURCE.part" "$DISK_URL" ||
      fail "cannot download $DISK_URL: call this again, it goes on where it stopped"
  elif command -v wget >/dev/null 2>&1; then
    wget -q -c -O "$SOURCE.part" "$DISK_URL" ||
      fail "cannot download $DISK_URL: call this again, it goes on where it stopped"
  else
    fail "there is neither curl nor wget: download $DISK_URL to $SOURCE yourself"
  fi
  sha256 "$SOURCE.part"
  if [ "$DIGEST" != "$DISK_SHA256" ]; then
    rm -f "$SOURCE.part"
    fail "what $DISK_URL gave is not what the blueprint says: its SHA-256 is
  $DIGEST, not
  $DISK_SHA256"
  fi
  mv "$SOURCE.part" "$SOURCE"
}

# convert FILE VDI: whatever the file is, by its first bytes; VirtualBox does not know the disk before and after.
convert() {
  native "$1"
  from=$NATIVE
  native "$2"
  case $(dd if="$1" bs=4 count=1 2>/dev/null | od -An -tx1 | tr -d ' \n') in
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
