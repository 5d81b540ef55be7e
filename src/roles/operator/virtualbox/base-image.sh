
usage() {
  cat <<END
usage: base-image.sh [--dry-run] [--recreate] [--force] [--sha256=DIGEST] [--timeout=SECONDS] ISO

Has the installer of $DISTRIBUTION $RELEASE make the system disk for the machines of $NAME, divided as the blueprint says: on
a machine of its own, without a question, until it switches itself off. up.sh takes that disk from then on. What was
interrupted goes on where it stopped; if the disk is there, of this ISO and of what the blueprint says now, nothing is
done. ISO is 'netinst' or a DVD of Debian, or that of Ubuntu for servers.

  --sha256    what the ISO is to have; not needed if ISO.sha256, or SHA256SUMS beside it, says so
  --recreate  starts over, and makes another disk even if one is there; machines keep theirs
  --force     goes on if the host has too little memory or disk, or the ISO seems to be another one
  --timeout   how long the installer may take (default: 7200 seconds)
  --dry-run   prints the commands in place of running them

example: base-image.sh images/installer.iso
exit status: 0 the disk is there, 1 failed, 2 wrong arguments
END
}

# find_iso: the ISO that was named, and that it is what it should be.
find_iso() {
  case $OPERAND in
    '') wrong "say which ISO: the installer of $DISTRIBUTION $RELEASE" ;;
    /*) ISO=$OPERAND ;;
    *) ISO=$PWD/$OPERAND ;;
  esac
  [ -f "$ISO" ] || fail "there is no file $ISO"
  if [ -z "$SHA256" ]; then
    listed "$ISO.sha256"
    [ -n "$SHA256" ] || listed "${ISO%/*}/SHA256SUMS"
    [ -n "$SHA256" ] || wrong "say which SHA-256 the ISO is to have, as its publisher says it: --sha256=DIGEST"
  fi
  case $SHA256 in
    *[!0-9a-f]*) wrong "--sha256 wants 64 digits, 0 to 9 and a to f" ;;
  esac
  [ ${#SHA256} -eq 64 ] || wrong "--sha256 wants 64 digits, as 'sha256sum $OPERAND' prints them"
  say "reading $ISO"
  sha256 "$ISO"
  [ "$DIGEST" = "$SHA256" ] || fail "$ISO is not what it should be: its SHA-256 is
  $DIGEST, not
  $SHA256
Download it again."
}

# listed FILE: what a list of digests says of the ISO, in SHA256. One for a single file may leave its name out.
listed() {
  [ -f "$1" ] || return 0
  SHA256=$(tr -d '\r' <"$1" | FILE=${ISO##*/} awk '
    length($1) == 64 && NF == 1 { print $1; exit }
    length($1) == 64 { name = $0; sub(/^[^ ]* [ *]/, "", name); sub(/^\.\//, "", name) }
    length($1) == 64 && name == ENVIRON["FILE"] { print $1; exit }') || fail "cannot read $1"
}

# is_made: whether the disk is there, of this ISO and what the tree says, and as it was made.
is_made() {
  locked disk
  made=$VALUE
  [ -n "$made" ] || return 1
  if is_stale; then
    say "the blueprint has changed since the disk was made: another is made"
    return 1
  fi
  locked iso
  if [ "$VALUE" != "$SHA256" ]; then
    say "the disk was made of another ISO: another is made"
    return 1
  fi
  installed_disk "$made"
  if [ -e "$FILE" ]; then
    sha256 "$FILE"
    [ "$DIGEST" != "$made" ] || return 0
    say "$FILE is not as it was made: another is made"
  else
    say "$FILE is gone: another is made"
  fi
  return 1
}

# check_iso: VirtualBox finds the release on it that the blueprint names.
check_iso() {
  native "$ISO"
  found=$("$VBOX" unattended detect "--iso=$NATIVE" --machine-readable 2>/dev/null </dev/null | tr -d '\r') || found=
  system=$(printf '%s\n' "$found" | sed -n 's/^OSTypeId="\(.*\)"$/\1/p')
  release=$(printf '%s\n' "$found" | sed -n 's/^OSVersion="\([0-9.]*\).*/\1/p')
  # bpc does not know the numbers of all releases.
  [ -n "$VERSION" ] || release=
  case $ARCHITECTURE in
    arm64) suffix=_arm64 ;;
    *) suffix=_64 ;;
  esac
  case $system:$release in
    : | Unknown*) warning "VirtualBox does not know what $ISO installs; it is to be $DISTRIBUTION $RELEASE for $ARCHITECTURE" ;;
    "$DISTRIBUTION"*"$suffix:$VERSION" | "$DISTRIBUTION"*"$suffix:$VERSION".*) good "$ISO installs $DISTRIBUTION $release" ;;
    *)
      strain "$ISO installs $system $release, as VirtualBox sees it,
         and the blueprint says $DISTRIBUTION $RELEASE${VERSION:+ ($VERSION)} for $ARCHITECTURE" ;;
  esac
}

# check_room: what an installer writes, before it is compacted.
check_room() {
  room
  if [ "$FREE" -lt 6144 ]; then
    strain "an installer may need 6144 MiB, $PLACE has $FREE MiB left"
  else
    good "$FREE MiB left in $PLACE"
  fi
}

# has_ended: whether the installer has come to its end. When something is wrong, installers wait for an answer or start a
# shell; the last of what they are told is to say that the image is ready, and the last thing they do is to switch the
# machine off. A system that does so by itself says it on its console. It does so without the first line if somebody presses
# the power button, and VirtualBox says `poweroff` without the second one if somebody takes the power.
has_ended() {
  [ "$STATE" = poweroff ] && [ -e "$CONSOLE" ] && tr -d '\r' <"$CONSOLE" | awk '
    /bpc: base-image ready$/ { ready = 1 }
    /reboot: Power down$/ { ended = ready }
    END { exit !ended }'
}

# can_go_on: whether the machine that is there makes the same disk, and still can.
can_go_on() {
  mark installing
  [ "$VALUE" = "$RECIPE" ] || return 1
  case $STATE in
    running | paused | starting | restoring | saved | aborted-saved) ;;
    *) has_ended && { [ -e "$VM_FOLDER/system.vdi" ] || [ -e "$KEPT.new" ]; } ;;
  esac
}

# clear_away: removes the machine that is there, if any.
clear_away() {
  if [ "$STATE" != absent ] || [ -e "$VM_FOLDER" ]; then
    say "removing the machine '$VM' of an earlier run"
    remove "$UUID" "$VM_FOLDER"
    [ -n "$DRY_RUN" ] || know
    look_at_installer
    [ -z "$DRY_RUN" ] || STATE=absent INFO='' EXTRA=''
  fi
}

# make_installer: the machine, its disk, and the medium that it starts from.
make_installer() {
  run rm -f "$KEPT.new"
  create
  set_hardware
  add_controller
  disk=$VM_FOLDER/system.vdi
  discard "$disk"
  native "$disk"
  change "make its disk" createmedium disk --filename "$NATIVE" --size "$DISK_MIB" --format VDI
  attach "$SYSTEM_PORT" hdd "$disk"
  [ -n "$DRY_RUN" ] || write_medium || fail "cannot write to $VM_FOLDER"
  attach "$SEED_PORT" dvddrive "$VM_FOLDER/installer.viso"
  note "note what it makes" installing "$RECIPE"
}

# write_medium: the ISO with a menu that does not ask and the answers in a folder of ours, as a list that VirtualBox reads.
# It has copies of them, which stay as they are when the tree is built anew. A medium may lack one of the two menus.
write_medium() {
  write_menus >"$VM_FOLDER/installer-isolinux.cfg" 3>"$VM_FOLDER/installer-grub.cfg" || return 1
  native "$ISO"
  quote "$NATIVE"
  {
    echo "--iprt-iso-maker-file-marker-bourne-sh $INSTALLER"
    echo "--no-file-mode --no-dir-mode --import-iso $QUOTED --file-mode=0444 --dir-mode=0555"
    for file in isolinux/isolinux.cfg boot/grub/grub.cfg; do
      echo "/$file=:remove: /$file=installer-${file##*/}"
    done
    for file in $FILES; do
      cp "$TREE/${file#*=}" "$VM_FOLDER/installer-${file%%=*}" || return 1
      echo "/bpc/${file%%=*}=installer-${file%%=*}"
    done
  } >"$VM_FOLDER/installer.viso"
}

# write_menus: for BIOS to stdout, for GRUB to 3.
write_menus() {
  comma=
  for initrd in $INITRDS; do
    comma=$comma${comma:+,}$initrd
  done
  printf '%s\n' "default bpc" "prompt 0" "timeout 1" "label bpc" "  kernel $KERNEL" "  append initrd=$comma $PARAMETERS"
  line=
  for word in $PARAMETERS; do
    quote "$word"
    line="$line $QUOTED"
  done
  printf '%s\n' "set timeout=0" "menuentry bpc {" "  linux $KERNEL$line" "  initrd $INITRDS" "}" >&3
}

# last_words: the last thing on its console that people can read, in VALUE.
last_words() {
  VALUE=
  [ ! -e "$CONSOLE" ] || VALUE=$(readable | tail -n 1)
}

# readable: prints the end of its console, without what moves the cursor, and no line longer than a terminal is wide.
readable() {
  escape=$(printf '\033')
  tail -c 4000 "$CONSOLE" | tr '\r' '\n' | sed "s/${escape}[[(][0-9;?]*[A-Za-z]//g" | LC_ALL=C tr -cd '\n -~' |
    awk '/[^ ]/ { sub(/ +$/, ""); print (length($0) > 72 ? "..." substr($0, length($0) - 68) : $0) }'
}

# stopped WHY...: ends here, with what its console said.
stopped() {
  fail "$VM: $*; its last words:
$([ ! -e "$CONSOLE" ] || readable | tail -n 8 | sed 's/^/    /')"
}

# await_end: shows what it says, until the installer has switched the machine off.
await_end() {
  began=$(date +%s) shown='' spoken=0
  while :; do
    rm -f "$WORK/extra.$UUID"
    look_at "$UUID"
    field SessionName
    case $STATE in
      paused) stopped "is paused. If the disk of the host is full, make room; then call this again, it goes on" ;;
      gurumeditation | stuck) stopped "has crashed ($STATE): call this again, it starts over" ;;
      saved | aborted-saved) [ -n "$VALUE" ] || stopped "has been saved: call this again, it goes on" ;;
      poweroff | aborted) [ -n "$VALUE" ] || break ;;
    esac
    now=$(date +%s)
    last_words
    if [ -t 1 ]; then
      printf '\r\033[K%4d s  %s' $((now - began)) "$VALUE"
    elif [ "$VALUE" != "$shown" ] && [ $((now - spoken)) -ge 60 ]; then
      printf '%s s  %s\n' $((now - began)) "$VALUE"
      shown=$VALUE spoken=$now
    fi
    if [ $((now - began)) -ge "${TIMEOUT:-7200}" ]; then
      [ ! -t 1 ] || echo
      stopped "has not finished in ${TIMEOUT:-7200} seconds. It goes on: call this again to wait, or with --recreate to start
over if it waits for an answer. Its whole console is in $CONSOLE"
    fi
    sleep "$POLL"
  done
  [ ! -t 1 ] || echo
  has_ended || stopped "was switched off before the installer had finished (state $STATE): call this again, it starts over"
}

# keep_disk: takes the disk from the machine, and puts it where up.sh finds it. The lock comes last: without it there is
# no such disk.
keep_disk() {
  disk=$VM_FOLDER/system.vdi
  run mkdir -p "$FOLDER/base"
  native "$disk"
  # An earlier run may have got as far as that.
  if [ -n "$DRY_RUN" ] || [ -e "$disk" ]; then
    attached "$SYSTEM_PORT"
    if [ -n "$DRY_RUN" ] || [ -n "$VALUE" ]; then
      change "detach the disk" storageattach "$UUID" --storagectl "$CONTROLLER" --port "$SYSTEM_PORT" --device 0 --medium none
    fi
    say "compacting the disk"
    change "compact the disk" modifymedium disk "$NATIVE" --compact
    change "let go of the disk" closemedium disk "$NATIVE"
    if [ -n "$DRY_RUN" ]; then
      show mv "$disk" "$FOLDER/base/"
    else
      sha256 "$disk"
      installed_disk "$DIGEST"
      printf '%s\n' "disk $DIGEST" "iso $SHA256" "answers $ANSWERS_DIGEST" "size $DISK_MIB" >"$KEPT.new" ||
        fail "cannot write $KEPT.new"
      run mv "$disk" "$FILE"
    fi
  fi
  run mv "$KEPT.new" "$KEPT"
  # What up.sh was told before is not what the next machines are to be made of.
  run rm -f "$FOLDER/base/chosen"
}

# forget_others: disks that base-image.sh made before. What machines are linked to has another name.
forget_others() {
  locked disk
  installed_disk "$VALUE"
  for disk in "$FOLDER"/base/installed-*.vdi; do
    if [ -e "$disk" ] && [ "$disk" != "$FILE" ]; then
      discard "$disk"
    fi
  done
}

arguments "--sha256 --recreate --force --timeout" "$@"
# shellcheck source=/dev/null
. "$HERE/base-image.conf"
[ -z "$DISK_FILE" ] || fail "the blueprint names its system disk, image.disk_file: take that out if this is to make one"
begin
find_iso
digest "$ANSWERS"
ANSWERS_DIGEST=$DIGEST
RECIPE="$SHA256 $ANSWERS_DIGEST $DISK_MIB"
lock
look_at_installer
# One that is on its way was wanted.
if ! chosen --recreate && ! can_go_on && is_made; then
  is_installer_ours && clear_away
  run rm -f "$FOLDER/base/chosen"
  forget_others
  say "the disk is as it should be: $FILE"
  exit
fi

check_version
check_processor
check_tree
check_iso
other_of_that_name
if [ -n "$OTHER" ]; then
  problem "VirtualBox has a machine '$VM' that is not ours ($OTHER): rename it"
elif ! is_installer_ours; then
  problem "there is a machine '$VM' that is not ours, or $VM_FOLDER holds one: rename it, or move it away"
fi
is_running || check_memory "$MEMORY"
check_room
verdict

if chosen --recreate || ! can_go_on; then
  clear_away
  make_installer
fi
if ! has_ended; then
  say "the installer of $DISTRIBUTION $RELEASE runs on the machine '$VM'; this takes a quarter of an hour or more"
  start
  [ -n "$DRY_RUN" ] || know
  [ -n "$DRY_RUN" ] || await_end
fi
keep_disk
forget_others
[ -z "$DRY_RUN" ] || STATE=poweroff INFO=''
rm -f "$WORK/extra.$UUID"
[ -n "$DRY_RUN" ] || look_at_installer
remove "$UUID" "$VM_FOLDER"
say "the system disk is made: up.sh takes it from now on"
