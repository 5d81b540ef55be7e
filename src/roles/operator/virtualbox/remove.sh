# Taking a machine away.

# remove UUID FOLDER: the machine that was looked at, with its disks; disks and files of others stay, and it says so.
remove() {
  UUID=$1
  if is_running; then
    power_off
  fi
  if [ "$STATE" = inaccessible ]; then
    change "forget what is left of it" unregistervm "$1"
  elif [ "$STATE" != absent ]; then
    spare_others "$2"
    unregister
  fi
  [ -e "$2" ] || return 0
  for file in "$2"/seed-*.iso "$2"/seed-*.iso.new "$2/installer.viso"; do
    if [ -e "$file" ]; then
      discard_seed "$file"
    fi
  done
  # Disks that a step left before they were attached, or that the blueprint gave up.
  for file in "$2"/Snapshots/*.vdi "$2/system.vdi" "$2"/disk-*.vdi; do
    if [ -e "$file" ]; then
      discard "$file"
    fi
  done
  run rm -f "$2/installer-grub.cfg" "$2/installer-isolinux.cfg" "$2/installer-answers.gz" "$2/installer-user-data" \
    "$2/installer-meta-data"
  run rm -f "$2/console.log" "$2/console.previous.log" "$2/${2##*/}.vbox" "$2/${2##*/}.vbox-prev" "$2/${2##*/}.nvram"
  if [ -z "$DRY_RUN" ]; then
    rmdir "$2/Logs" "$2/Snapshots" "$2" 2>/dev/null || :
    if [ -e "$2" ]; then
      say "left, for bpc did not make it: $(find "$2" ! -type d | tr '\n' ' ')"
    fi
  fi
}

# unregister: has VirtualBox forget the machine and delete the disks in its folder, and the base disk with the last one
# that was linked to it. If that one has snapshots, VirtualBox trips over the order in which they go: the machine is gone
# then, and the disks that are left are deleted here.
unregister() {
  if [ -n "$DRY_RUN" ]; then
    show VBoxManage unregistervm "$UUID" --delete
  elif ! "$VBOX" unregistervm "$UUID" --delete >"$WORK/output" 2>"$WORK/errors" </dev/null; then
    cp "$WORK/errors" "$WORK/unregister"
    know
    case $KNOWN in
      *"{$UUID}"*)
        cp "$WORK/unregister" "$WORK/errors"
        refused "delete it" unregistervm "$UUID" --delete
        ;;
    esac
  fi
  rm -f "$WORK/extra.$UUID"
}

# spare_others FOLDER: detaches what is not in the machine's folder, for VirtualBox deletes every disk that is attached.
spare_others() {
  native "$1"
  ours=$NATIVE
  field CurrentSnapshotName
  snapshot=$VALUE
  printf '%s\n' "$INFO" | sed -n 's/^"\(.*\)-\([0-9]*\)-\([0-9]*\)"="\(.*\)"$/\2|\3|\1|\4/p' >"$WORK/attached"
  while IFS='|' read -r port device controller file; do
    case $controller in
      *-ImageUUID | *-nonrotational | *-discard | *-tempeject | *-IsEjected | *-hot-pluggable) continue ;;
    esac
    case $file in
      none | emptydrive) continue ;;
      "$ours"[/\\]system.vdi | "$ours"[/\\]disk-*.vdi | "$ours"[/\\]seed-*.iso | "$ours"[/\\]installer.viso | \
        "$ours"[/\\]Snapshots[/\\]*)
        # What a snapshot made here may go back to a disk elsewhere.
        [ -z "$snapshot" ] || no_strange_root "$file"
        continue
        ;;
    esac
    say "left, for bpc did not make it: $file"
    change "detach a disk of somebody else's" storageattach "$UUID" --storagectl "$controller" --port "$port" \
      --device "$device" --medium none
  done <"$WORK/attached"
}

# no_strange_root FILE: ends here if a disk goes back to one that is not ours, for that would be deleted with it.
no_strange_root() {
  case $1 in
    *.iso | *.viso) return 0 ;;
  esac
  native "$FOLDER"
  medium=$1
  while :; do
    ask "look at a disk" showmediuminfo disk "$medium"
    root=$(printf '%s\n' "$ANSWER" | sed -n 's/^Location: *//p')
    medium=$(printf '%s\n' "$ANSWER" | sed -n 's/^Parent UUID: *//p')
    case $root in
      "$NATIVE"[/\\]*) ;;
      *) fail "$MACHINE: has snapshots, and one of them is of a disk that is not ours, $root: delete the snapshots first" ;;
    esac
    [ "$medium" != base ] && [ -n "$medium" ] || return 0
  done
}
