# Making a machine, step by step. Every step looks whether it is done; the note of the digest is the last one, so that a
# machine that is half made, or of an older blueprint, goes through all of them.

# make: makes the machine that was looked at what the tree says; it must be off.
make() {
  create
  set_hardware
  set_forwards
  add_controller
  set_system_disk
  set_data_disks
  digest "virtualbox/machines/$MACHINE.conf"
  note "note its hardware" hardware "$DIGEST"
  set_seed
  keep_bound
}

create() {
  if [ "$STATE" = inaccessible ]; then
    change "forget what is left of it" unregistervm "$UUID"
    STATE=absent
  fi
  if [ "$STATE" = absent ]; then
    # What an interrupted createvm leaves would stop the next one.
    if [ -e "$VM_FOLDER/$VM.vbox" ]; then
      is_our_folder || fail "$MACHINE: $VM_FOLDER has the settings of another machine: move it away"
      run rm -f "$VM_FOLDER/$VM.vbox" "$VM_FOLDER/$VM.vbox-prev"
    fi
    native "$MACHINE_FOLDER"
    # shellcheck disable=SC2086  # options
    change "create it" createvm --name "$VM" --groups "$GROUP" --uuid "$UUID" --basefolder "$NATIVE" $PLATFORM --register
  fi
  mark owner
  [ "$VALUE" = "$OWNER $UUID" ] || note "mark it as ours" owner "$OWNER $UUID"
}

set_hardware() {
  native "$CONSOLE"
  # shellcheck disable=SC2086  # options
  change "set its hardware" modifyvm "$UUID" $SETTINGS --uartmode1 file "$NATIVE"
  for entry in $HOST_ONLY; do
    host_only "${entry#*=}"
    change "set its adapter ${entry%%=*}" modifyvm "$UUID" "--nic${entry%%=*}" "$HOST_ONLY_KIND" \
      "--$HOST_ONLY_OPTION${entry%%=*}" "$ADAPTER"
  done
}

# Rules of its NAT adapter: those that it has and should not go, those that it lacks come.
set_forwards() {
  # The adapter on NAT may be another one since.
  [ -n "$DRY_RUN" ] || look "$MACHINE"
  printf '%s\n' "$INFO" | sed -n 's/^Forwarding([0-9]*)="\(.*\)"$/\1/p' >"$WORK/rules"
  while IFS= read -r rule; do
    among "$rule" "$FORWARDS" || change "remove a port of the host" modifyvm "$UUID" "--natpf$NAT" delete "${rule%%,*}"
  done <"$WORK/rules"
  for rule in $FORWARDS; do
    grep -q -x -F -e "$rule" "$WORK/rules" || change "publish a port of the host" modifyvm "$UUID" "--natpf$NAT" "$rule"
  done
}

add_controller() {
  field storagecontrollername0
  if [ -n "$VALUE" ]; then
    field storagecontrollertype0
    [ "$VALUE" != "$CONTROLLER_TYPE" ] || return 0
    no_snapshots
    change "remove its controller" storagectl "$UUID" --name "$CONTROLLER" --remove
    INFO=$(printf '%s\n' "$INFO" | grep -v "^\"$CONTROLLER-")
  fi
  # shellcheck disable=SC2086  # options
  change "add its controller" storagectl "$UUID" --name "$CONTROLLER" $CONTROLLER_OPTIONS --bootable on
}

# attach PORT TYPE FILE
attach() {
  native "$3"
  change "attach ${3##*/}" storageattach "$UUID" --storagectl "$CONTROLLER" --port "$1" --device 0 --type "$2" --medium "$NATIVE"
}

# detach PORT
detach() {
  no_snapshots
  change "detach a disk" storageattach "$UUID" --storagectl "$CONTROLLER" --port "$1" --device 0 --medium none
}

# discard FILE: deletes a disk, whether or not VirtualBox knows it; ends here if another machine needs it.
discard() {
  native "$1"
  if [ -z "$DRY_RUN" ] && ! "$VBOX" closemedium disk "$NATIVE" >/dev/null 2>"$WORK/errors" </dev/null; then
    case $(cat "$WORK/errors") in
      *"child media"* | *"still attached"*)
        fail "$1 is in use by a machine that bpc did not make, so it stays: 'VBoxManage list hdds --long' says by which"
        ;;
    esac
  fi
  [ ! -e "$1" ] || run rm -f "$1"
}

# no_snapshots: ends here if the machine has some, for its disks would go back to the time before them.
no_snapshots() {
  field CurrentSnapshotName
  [ -z "$VALUE" ] ||
    fail "$MACHINE: has snapshots, and its disks are to change: delete them first, 'snapshot.sh list' shows them"
}

# The system disk is made once: what it was made of may change, it stays until --recreate.
set_system_disk() {
  file=$VM_FOLDER/system.vdi
  mark system
  made=$VALUE
  attached "$SYSTEM_PORT"
  if [ -z "$made" ]; then
    [ -z "$VALUE" ] || detach "$SYSTEM_PORT"
    discard "$file"
    native "$BASE"
    base=$NATIVE
    native "$file"
    if [ "$SYSTEM_DISK" = linked ]; then
      change "make its system disk" createmedium disk --filename "$NATIVE" --diffparent "$base" --format VDI
    else
      change "copy its system disk" clonemedium disk "$base" "$NATIVE" --format VDI
    fi
    attach "$SYSTEM_PORT" hdd "$file"
    note "note what its system disk was made of" system "$BASE_ID"
  elif [ -z "$VALUE" ]; then
    attach "$SYSTEM_PORT" hdd "$file"
  fi
}

set_data_disks() {
  # What is in the wrong place goes first, so that its place is free.
  port=$FIRST_DATA_PORT
  while :; do
    field "$CONTROLLER-$port-0"
    [ -n "$VALUE" ] || break
    attached "$port"
    if [ -n "$VALUE" ]; then
      found=$VALUE
      mark "port/$port"
      if [ -z "$VALUE" ] || [ "$VALUE" != "$(disk_of "$port")" ]; then
        detach "$port"
        say "$MACHINE: $found is detached, and stays"
        INFO=$(printf '%s\n' "$INFO" | sed "s|^\"$CONTROLLER-$port-0\"=.*|\"$CONTROLLER-$port-0\"=\"none\"|")
      fi
    fi
    port=$((port + 1))
  done
  port=$FIRST_DATA_PORT
  for disk in $DISKS; do
    set_data_disk "$port" "${disk%%=*}" "${disk#*=}"
    port=$((port + 1))
  done
}

# disk_of PORT: prints which data disk belongs there.
disk_of() {
  number=$FIRST_DATA_PORT
  for disk in $DISKS; do
    [ "$number" -ne "$1" ] || printf '%s\n' "${disk%%=*}"
    number=$((number + 1))
  done
}

# set_data_disk PORT NAME MIB: makes it, or makes it larger; one that was made is never made anew.
set_data_disk() {
  file=$VM_FOLDER/disk-$2.vdi
  native "$file"
  mark "disk/$2"
  if [ -z "$VALUE" ]; then
    attached "$1"
    [ -z "$VALUE" ] || detach "$1"
    discard "$file"
    change "make its disk $2" createmedium disk --filename "$NATIVE" --size "$3" --format VDI
    attach_data "$1" "$2"
    note "note that its disk $2 is made" "disk/$2" "$3"
  else
    size=$VALUE
    attached "$1"
    [ -n "$VALUE" ] || attach_data "$1" "$2"
    if [ "$3" -gt "$size" ]; then
      no_snapshots
      change "make its disk $2 larger" modifymedium disk "$NATIVE" --resize "$3"
      note "note how large its disk $2 is" "disk/$2" "$3"
    elif [ "$3" -lt "$size" ]; then
      say "$MACHINE: disk $2 keeps its $size MiB, for what is on it"
    fi
  fi
  # By this it is found on the machine: /dev/disk/by-id/ata-VBOX_HARDDISK_NAME. A SCSI disk by virtio has no such thing.
  if [ "$CONTROLLER_TYPE" = IntelAhci ]; then
    change "set the serial number of its disk $2" setextradata "$UUID" \
      "VBoxInternal/Devices/ahci/0/Config/Port$1/SerialNumber" "$2"
  fi
}

# attach_data PORT NAME: first the note, so that it never lacks one.
attach_data() {
  note "note which disk is attached" "port/$1" "$2"
  attach "$1" hdd "$VM_FOLDER/disk-$2.vdi"
}

# The machine reads a copy, which stays whole when the tree is built anew. It holds keys.
set_seed() {
  digest "machines/$MACHINE/seed.iso"
  seed=$VM_FOLDER/seed-$(printf '%.16s' "$DIGEST").iso
  native "$seed"
  attached "$SEED_PORT"
  if [ "$VALUE" != "$NATIVE" ] || ! [ -e "$seed" ]; then
    (
      umask 077
      run cp "$TREE/machines/$MACHINE/seed.iso" "$seed.new"
    )
    run mv "$seed.new" "$seed"
    attach "$SEED_PORT" dvddrive "$seed"
  fi
  note "note its seed" seed "$DIGEST"
  for old in "$VM_FOLDER"/seed-*.iso "$VM_FOLDER"/seed-*.iso.new; do
    if [ "$old" != "$seed" ] && [ -e "$old" ]; then
      discard_seed "$old"
    fi
  done
}

# discard_seed FILE: deletes it, unless a snapshot needs it.
discard_seed() {
  native "$1"
  if [ -z "$DRY_RUN" ] && ! "$VBOX" closemedium dvd "$NATIVE" >/dev/null 2>"$WORK/errors" </dev/null; then
    case $(cat "$WORK/errors") in
      *"still attached"*) return 0 ;;
    esac
  fi
  run rm -f "$1"
}

# host_only NETWORK=ADDRESS/LENGTH: the host's adapter that has this address, in ADAPTER; made if there is none.
host_only() {
  address=${1#*=}
  length=${address#*/} address=${address%/*}
  if [ "$(uname -s)" = Darwin ]; then
    host_only_net "$1"
    return 0
  fi
  HOST_ONLY_KIND=hostonly HOST_ONLY_OPTION=hostonlyadapter
  ask "list the host's adapters" list hostonlyifs
  interfaces=$ANSWER
  ADAPTER=$(printf '%s\n' "$interfaces" | awk -v address="$address" '
    /^Name:/ { sub(/^Name: */, ""); name = $0 }
    $1 == "IPAddress:" && $2 == address { print name; exit }')
  [ -z "$ADAPTER" ] || return 0
  # One of ours that was interrupted before it had its address; or even its name, which is then the one that is new.
  names=$(printf '%s\n' "$interfaces" | sed -n 's/^Name: *//p' | tr '\n' '|')
  key=bpc/$NAME/host-only/${1%%=*}
  ask "read the notes of VirtualBox" getextradata global "$key"
  case $ANSWER in
    "Value: besides |"*) ADAPTER=$(first_besides "${ANSWER#Value: besides }" "$names") ;;
    "Value: "*)
      case "|$names" in
        *"|${ANSWER#Value: }|"*) ADAPTER=${ANSWER#Value: } ;;
      esac
      ;;
  esac
  if [ -z "$ADAPTER" ]; then
    change "note the adapters of the host" setextradata global "$key" "besides |$names"
    change "make an adapter of the host" hostonlyif create
    ADAPTER=vboxnet0
    if [ -z "$DRY_RUN" ]; then
      ADAPTER=$(sed -n "s/^Interface '\(.*\)' was successfully created.*/\1/p" "$WORK/output")
      [ -n "$ADAPTER" ] || fail "VBoxManage does not say what the new adapter of the host is called"
    fi
  fi
  change "note the adapter of the host" setextradata global "$key" "$ADAPTER"
  netmask "$length"
  change "give the host its address" hostonlyif ipconfig "$ADAPTER" --ip "$address" --netmask "$NETMASK"
  # The gateway serves addresses there; a second server would give others.
  try dhcpserver remove --interface "$ADAPTER"
}

# first_besides OLD NEW: the first name of the second list that is not in the first; each name ends with a bar.
first_besides() {
  printf '%s' "$2" | tr '|' '\n' | while read -r name; do
    case $1 in
      *"|$name|"*) ;;
      *)
        printf '%s\n' "$name"
        break
        ;;
    esac
  done
}

# The same on macOS, which has networks in place of adapters; the host gets the lowest address.
host_only_net() {
  HOST_ONLY_KIND=hostonlynet HOST_ONLY_OPTION=host-only-net
  ADAPTER=$NAME-${1%%=*}
  ask "list the host's networks" list hostonlynets
  if ! printf '%s\n' "$ANSWER" | grep -q "^Name: *$ADAPTER\$"; then
    netmask "$length"
    last_host "$address" "$length"
    change "note the network of the host" setextradata global "bpc/$NAME/host-only/${1%%=*}" "$ADAPTER"
    change "make a network of the host" hostonlynet add --name "$ADAPTER" --netmask "$NETMASK" \
      --lower-ip "$address" --upper-ip "$LAST" --enable
  fi
}

# number_of ADDRESS: as one number, in NUMBER.
number_of() {
  rest=$1 NUMBER=0
  while [ -n "$rest" ]; do
    NUMBER=$((NUMBER * 256 + ${rest%%.*}))
    case $rest in
      *.*) rest=${rest#*.} ;;
      *) rest= ;;
    esac
  done
}

# dotted NUMBER: as an address, in DOTTED.
dotted() {
  DOTTED=$(($1 / 16777216 % 256)).$(($1 / 65536 % 256)).$(($1 / 256 % 256)).$(($1 % 256))
}

# size_of LENGTH: how many addresses a network has, in SIZE.
size_of() {
  SIZE=1
  bits=$((32 - $1))
  while [ "$bits" -gt 0 ]; do
    SIZE=$((SIZE * 2))
    bits=$((bits - 1))
  done
}

# netmask LENGTH: of a network, in NETMASK.
netmask() {
  size_of "$1"
  dotted $((4294967296 - SIZE))
  NETMASK=$DOTTED
}

# last_host ADDRESS LENGTH: the last address of a host on its network, in LAST.
last_host() {
  number_of "$1"
  size_of "$2"
  dotted $((NUMBER / SIZE * SIZE + SIZE - 2))
  LAST=$DOTTED
}
