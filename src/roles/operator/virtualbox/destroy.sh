
usage() {
  cat <<END
usage: destroy.sh [--dry-run] [--yes] [MACHINE...]

Deletes machines of $NAME with their disks; if none is named all of them, the base disk, and what base-image.sh has made
or not finished. It asks before. Machines that up.sh did not make, and disks of others that are attached to one, stay;
what is left is said.

  --yes      does not ask
  --dry-run  prints the commands in place of running them

example: destroy.sh --yes ${MACHINES##* }
exit status: 0 they are gone, 1 failed or not wanted, 2 wrong arguments
END
}

MANY=yes
arguments "--yes" "$@"
begin
strangers
# Machines that the blueprint does not have any more go by their names in VirtualBox.
known=
for stranger in $STRANGERS; do
  known="$known ${stranger#*=}"
done
for word in $OPERAND; do
  among "$word" "$MACHINES$known" || fail "'$word' is no machine of $NAME: $MACHINES$known"
done

# remove_host_only ADAPTER: removes it, unless it is gone.
remove_host_only() {
  case $1 in
    # One that was about to be made.
    "besides |"*) return 0 ;;
  esac
  if [ "$(uname -s)" = Darwin ]; then
    ask "list the host's networks" list hostonlynets
    set -- "$1" hostonlynet remove --name
  else
    ask "list the host's adapters" list hostonlyifs
    set -- "$1" hostonlyif remove
  fi
  adapter=$1
  shift
  if printf '%s\n' "$ANSWER" | sed -n 's/^Name: *//p' | grep -q -x -F -e "$adapter"; then
    change "remove the adapter $adapter of the host" "$@" "$adapter"
  fi
}

# gone: the machines that are to go and are there, in GOING.
GOING=
for machine in $MACHINES; do
  look "$machine"
  mark owner
  if [ -n "$OPERAND" ] && ! among "$machine" "$OPERAND"; then
    continue
  elif [ "$STATE" != absent ] && [ -n "$VALUE" ] && [ "$VALUE" != "$OWNER $UUID" ]; then
    fail "the machine '$VM' belongs to another vault: destroy it with the tree that made it"
  elif [ "$STATE" = absent ] && ! is_our_folder; then
    fail "$VM_FOLDER holds a machine that is not ours, of another vault perhaps: destroy it with the tree that made it"
  elif [ "$STATE" != absent ] || [ -e "$VM_FOLDER" ]; then
    GOING="$GOING $machine"
  fi
done
for stranger in $STRANGERS; do
  if [ -z "$OPERAND" ] || among "${stranger#*=}" "$OPERAND"; then
    GOING="$GOING ${stranger#*=}"
  fi
done

# What base-image.sh has made, and the machine that it makes it on.
IMAGE=
UNFINISHED=
if [ -z "$OPERAND" ]; then
  look_at_installer
  if is_installer_ours && { [ "$STATE" != absent ] || [ -e "$VM_FOLDER" ]; }; then
    UNFINISHED=yes
  fi
  locked disk
  [ -z "$UNFINISHED$VALUE" ] || IMAGE=" and the base image"
fi

MACHINE=
if [ -n "$GOING$IMAGE" ] && [ -z "$DRY_RUN" ] && ! chosen --yes; then
  [ -t 0 ] || fail "this deletes$GOING$IMAGE with their disks: say --yes"
  printf 'This deletes%s with their disks. Type the name of the blueprint to go on: ' "$GOING$IMAGE"
  read -r answer || answer=
  [ "$answer" = "$NAME" ] || fail "not wanted, so nothing was deleted"
fi
lock
for machine in $GOING; do
  if among "$machine" "$MACHINES"; then
    look "$machine"
  else
    for stranger in $STRANGERS; do
      [ "${stranger#*=}" != "$machine" ] || UUID=${stranger%%=*}
    done
    MACHINE=$machine VM_FOLDER=$FOLDER/$machine CONSOLE=
    look_at "$UUID"
  fi
  say "$MACHINE: is deleted"
  remove "$UUID" "$VM_FOLDER"
done
if [ -z "$OPERAND" ]; then
  if [ -n "$UNFINISHED" ]; then
    look_at_installer
    say "$MACHINE: is deleted"
    remove "$UUID" "$VM_FOLDER"
    MACHINE=
  fi
  for file in "$FOLDER"/base/*.vdi "$FOLDER"/base/*.vdi.new; do
    if [ -e "$file" ]; then
      discard "$file"
    fi
  done
  run rm -f "$FOLDER/base/chosen" "$KEPT" "$KEPT.new"
  [ -n "$DRY_RUN" ] || rmdir "$FOLDER/base" 2>/dev/null || :
  # Adapters of the host that up.sh made, and networks in place of them.
  ask "read the notes of VirtualBox" getextradata global enumerate
  printf '%s\n' "$ANSWER" | sed -n "s|^Key: bpc/$NAME/host-only/\(.*\), Value: \(.*\)|\1 \2|p" >"$WORK/adapters"
  while read -r network adapter; do
    remove_host_only "$adapter"
    change "forget the adapter $adapter of the host" setextradata global "bpc/$NAME/host-only/$network"
  done <"$WORK/adapters"
fi
MACHINE=
if [ -z "$GOING$IMAGE" ]; then
  say "there is no such machine: nothing was deleted"
fi
