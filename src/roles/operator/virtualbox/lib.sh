# VirtualBox's own name of a machine is NAME-MACHINE, in the group /NAME. What bpc notes with a machine, as extra data:
#   bpc/owner      whose it is, and which; without it nothing is ever changed or deleted
#   bpc/hardware   the digest of the definition that it was made by
#   bpc/system     what its system disk was made of
#   bpc/disk/DISK  the size of a data disk that was made, in MiB
#   bpc/port/PORT  the data disk that is attached there
#   bpc/seed       the digest of its seed
#   bpc/bound      what it is bound to by what it was made from: KEY=VALUE words
#   bpc/installing what an installer is to make on it: the ISO, the answers and the size

# What VirtualBox and its host call things.
GROUP=/$NAME
CONTROLLER=disks
FRONTEND=headless
SYSTEM_PORT=0
SEED_PORT=1
FIRST_DATA_PORT=2
# What the tree has, once it has been read.
DIGESTS=
LINE_END='
'
# Set by doctor.sh, which looks at all there is, whatever is missing.
LOOK_ON=
# The machine that is looked at, for messages; and what is known of it.
MACHINE=
INFO=
EXTRA=
STATE=

# begin: finds VirtualBox and its folder, and makes a folder for the time of this run.
begin() {
  WORK=$(mktemp -d) || fail "cannot make a folder for temporary files"
  LOCK=
  trap finish EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM HUP
  find_vbox
  ask "say where machines are kept" list systemproperties
  folder=$(printf '%s\n' "$ANSWER" | sed -n 's/^Default machine folder: *//p')
  [ -n "$folder" ] || fail "VBoxManage does not say where machines are kept: look at 'VBoxManage list systemproperties'"
  case $VBOX in
    *.exe) folder=$(wslpath -u "$folder") ;;
  esac
  MACHINE_FOLDER=$folder
  FOLDER=$folder/$NAME
  KEPT=$FOLDER/base/installed.lock
  know
}

finish() {
  rm -rf "$WORK"
  if [ -n "$LOCK" ]; then
    rm -rf "$LOCK"
    # Nothing is left of a run that made nothing.
    rmdir "$FOLDER" 2>/dev/null || :
  fi
}

# find_vbox: the program, in VBOX. What only looks, doctor.sh and dry runs, goes on without it.
find_vbox() {
  if [ -n "${BPC_VBOXMANAGE-}" ]; then
    VBOX=$BPC_VBOXMANAGE
    command -v "$VBOX" >/dev/null 2>&1 ||
      without_vbox "BPC_VBOXMANAGE names '$VBOX', and that is no program: correct it, or leave it unset"
    works
    return
  fi
  for VBOX in VBoxManage vboxmanage VBoxManage.exe \
    "/mnt/c/Program Files/Oracle/VirtualBox/VBoxManage.exe" \
    /Applications/VirtualBox.app/Contents/MacOS/VBoxManage; do
    if command -v "$VBOX" >/dev/null 2>&1; then
      works
      return
    fi
  done
  without_vbox "there is no VBoxManage: install VirtualBox 7.0 or later, or say where it is in BPC_VBOXMANAGE"
}

# works: whether the program that was found answers at all; doctor.sh goes on if it does not.
works() {
  [ -n "$LOOK_ON" ] || return 0
  "$VBOX" list systemproperties >/dev/null 2>"$WORK/errors" </dev/null ||
    without_vbox "'$VBOX list systemproperties' fails: $(head -n 2 "$WORK/errors")"
}

# without_vbox WHY: goes on as if there were no machine yet, if this run only looks; else ends here.
without_vbox() {
  if [ -n "$LOOK_ON" ]; then
    problem "$1"
  elif [ -n "$DRY_RUN" ]; then
    warning "$1
         What follows is what a host with VirtualBox and without machines of $NAME would be told"
  else
    fail "$1"
  fi
  VBOX=no_vbox
}

# no_vbox ARGUMENT...: answers in place of VBoxManage where it is missing: nothing is there.
no_vbox() {
  case "$1 ${2-}" in
    "list systemproperties") printf 'Default machine folder: %s\n' "${HOME:-$WORK}/VirtualBox VMs" ;;
    "getextradata "*) echo "No value set!" ;;
  esac
}

# lock: this run is the only one that changes the machines of this blueprint.
lock() {
  [ -z "$DRY_RUN" ] || return 0
  mkdir -p "$FOLDER" || fail "cannot make the folder $FOLDER"
  if ! mkdir "$FOLDER/.lock" 2>/dev/null; then
    holder=$(cat "$FOLDER/.lock/pid" 2>/dev/null) || holder=
    if [ -z "$holder" ]; then
      # It may be about to write it.
      sleep 1
      holder=$(cat "$FOLDER/.lock/pid" 2>/dev/null) || holder=
    fi
    if [ -n "$holder" ] && kill -0 "$holder" 2>/dev/null; then
      fail "another script changes these machines now (process $holder): wait for it"
    fi
    say "the script that had the lock (process ${holder:-unknown}) is gone: taking it over"
  fi
  LOCK=$FOLDER/.lock
  echo "$$" >"$LOCK/pid"
  # What another one has made since.
  know
}

# native PATH: as VBoxManage is told it, in NATIVE: a program of Windows wants paths of Windows.
native() {
  NATIVE=$1
  case $VBOX in
    *.exe) NATIVE=$(wslpath -w "$1") ;;
  esac
}

# ask WHAT ARGUMENT...: what VBoxManage answers, in ANSWER; ends here if it does not.
ask() {
  step=$1
  shift
  if ! ANSWER=$("$VBOX" "$@" 2>"$WORK/errors" </dev/null); then
    refused "$step" "$@"
  fi
  case $VBOX in
    *.exe) ANSWER=$(printf '%s\n' "$ANSWER" | tr -d '\r') ;;
  esac
}

# change WHAT ARGUMENT...: has VBoxManage do something; ends here if it does not. A dry run prints the command.
change() {
  step=$1
  shift
  if [ -n "$DRY_RUN" ]; then
    show VBoxManage "$@"
    return 0
  fi
  rm -f "$WORK/extra.${UUID-}"
  # It exits 0 after some errors, too.
  if ! "$VBOX" "$@" >"$WORK/output" 2>"$WORK/errors" </dev/null || grep -q 'error: ' "$WORK/errors"; then
    refused "$step" "$@"
  fi
}

# try ARGUMENT...: has VBoxManage do what may have been done before.
try() {
  if [ -z "$DRY_RUN" ]; then
    "$VBOX" "$@" >/dev/null 2>&1 </dev/null || :
  fi
}

# run COMMAND...: any other command that changes something.
run() {
  if [ -n "$DRY_RUN" ]; then
    show "$@"
  else
    "$@" || fail "${MACHINE:+$MACHINE: }this failed: $*"
  fi
}

# show COMMAND...: prints it as a shell would read it.
show() {
  line=
  for word; do
    quote "$word"
    line="$line $QUOTED"
  done
  printf '%s\n' "${line# }" >&3
}

# refused STEP ARGUMENT...: ends here, with what VBoxManage said and a way out where one is known.
refused() {
  step=$1
  shift
  reason=$(sed -n 's/^.*error: //p' "$WORK/errors" | head -n 2)
  [ -n "$reason" ] || reason=$(head -n 2 "$WORK/errors")
  case $(cat "$WORK/errors") in
    *VERR_VMX_IN_VMX_ROOT_MODE* | *VERR_SVM_IN_USE*)
      way="KVM has the processor: stop its machines and unload kvm_intel or kvm_amd ('sudo modprobe -r')." ;;
    *VERR_VM_DRIVER_NOT_INSTALLED* | *VERR_VM_DRIVER_VERSION_MISMATCH* | *vboxdrv*)
      way="VirtualBox's kernel driver is not loaded: 'sudo /sbin/vboxconfig' or your distribution's package of it." ;;
    *"E_ACCESSDENIED"*"networks.conf"* | *"not within the allowed ranges"*)
      way="Add the range to /etc/vbox/networks.conf: doctor.sh prints the line." ;;
    *VERR_DISK_FULL*) way="The disk is full: make room in $MACHINE_FOLDER." ;;
    *) way="See to that, and call this again: it goes on where it stopped." ;;
  esac
  fail "${MACHINE:+$MACHINE: }cannot $step: ${reason:-VBoxManage failed without a word}
  the command was: VBoxManage $*
$way"
}

# know: all machines that VirtualBox has, in KNOWN: "NAME" {UUID}
know() {
  ask "list the machines" list vms
  KNOWN=$ANSWER
}

# look MACHINE: reads its definition, and what VirtualBox has of it.
look() {
  MACHINE=$1
  VM=$NAME-$1
  VM_FOLDER=$FOLDER/$VM
  CONSOLE=$VM_FOLDER/console.log
  # shellcheck source=/dev/null
  . "$HERE/machines/$1.conf"
  look_at "$UUID"
}

# look_at UUID: what VirtualBox has of it. The answers are kept until something is changed.
look_at() {
  INFO='' EXTRA='' STATE=absent
  case $KNOWN in
    *"\"<inaccessible>\" {$1}"*) STATE=inaccessible ;;
    *"{$1}"*)
      if [ ! -e "$WORK/extra.$1" ]; then
        ask "look at the machine" showvminfo "$1" --machinereadable
        printf '%s\n' "$ANSWER" >"$WORK/info.$1"
        ask "read its notes" getextradata "$1" enumerate
        printf '%s\n' "$ANSWER" >"$WORK/extra.$1"
      fi
      INFO=$(cat "$WORK/info.$1")
      EXTRA=$(cat "$WORK/extra.$1")
      field VMState
      STATE=$VALUE
      # Somebody may have renamed or moved it.
      field CfgFile
      if [ -n "$VALUE" ]; then
        case $VBOX in
          *.exe) VALUE=$(wslpath -u "$VALUE") ;;
        esac
        VM_FOLDER=${VALUE%/*} CONSOLE=${VALUE%/*}/console.log
      fi
      ;;
  esac
}

# is_our_folder: whether the folder of a machine that VirtualBox does not have may be taken.
is_our_folder() {
  [ ! -e "$VM_FOLDER/$VM.vbox" ] || grep -q "{$UUID}" "$VM_FOLDER/$VM.vbox"
}

# look_again MACHINE: for what changes by itself.
look_again() {
  # shellcheck source=/dev/null
  . "$HERE/machines/$1.conf"
  rm -f "$WORK/extra.$UUID"
  look "$1"
}

# field KEY: what VirtualBox says of the machine, in VALUE.
field() {
  text=$LINE_END$INFO
  case $text in
    *"$LINE_END$1="*) VALUE=${text#*"$LINE_END$1="} ;;
    *"$LINE_END\"$1\"="*) VALUE=${text#*"$LINE_END\"$1\"="} ;;
    *)
      VALUE=
      return 0
      ;;
  esac
  VALUE=${VALUE%%"$LINE_END"*}
  VALUE=${VALUE#\"}
  VALUE=${VALUE%\"}
}

# attached PORT: the file of the disk there, in VALUE; empty if there is none.
attached() {
  field "$CONTROLLER-$1-0"
  case $VALUE in
    none | emptydrive) VALUE= ;;
  esac
}

# mark KEY: what bpc noted with the machine, in VALUE.
mark() {
  VALUE=
  case $EXTRA in
    *"Key: bpc/$1, Value: "*)
      VALUE=${EXTRA#*"Key: bpc/$1, Value: "}
      VALUE=${VALUE%%"$LINE_END"*}
      ;;
  esac
}

# note STEP KEY [VALUE]: notes something with the machine.
note() {
  change "$1" setextradata "$UUID" "bpc/$2" ${3+"$3"}
}

# digest PATH: what the tree says of a file of its own, in DIGEST.
digest() {
  [ -n "$DIGESTS" ] || DIGESTS=$LINE_END$(cat "$TREE/SHA256SUMS")$LINE_END || fail "$TREE is no tree of bpc"
  DIGEST=${DIGESTS%%"  $1$LINE_END"*}
  [ "$DIGEST" != "$DIGESTS" ] || fail "$TREE/SHA256SUMS does not have $1: build the blueprint again"
  DIGEST=${DIGEST##*"$LINE_END"}
}

# is_current: whether the machine is what the tree says.
is_current() {
  digest "virtualbox/machines/$MACHINE.conf"
  mark hardware
  [ "$VALUE" = "$DIGEST" ] || return 1
  digest "machines/$MACHINE/seed.iso"
  mark seed
  [ "$VALUE" = "$DIGEST" ] || return 1
  # Whatever somebody has detached by hand comes back.
  attached "$SEED_PORT"
  [ -n "$VALUE" ] || return 1
  attached "$SYSTEM_PORT"
  [ -n "$VALUE" ] || return 1
  port=$FIRST_DATA_PORT
  for disk in $DISKS; do
    attached "$port"
    [ -n "$VALUE" ] || return 1
    port=$((port + 1))
  done
  has_adapters
}

# has_adapters: whether the host has the adapters that the machine is plugged into.
has_adapters() {
  for entry in $HOST_ONLY; do
    [ "$(uname -s)" != Darwin ] || return 0
    field "hostonlyadapter${entry%%=*}"
    ask "list the host's adapters" list hostonlyifs
    printf '%s\n' "$ANSWER" | sed -n 's/^Name: *//p' | grep -q -x -F -e "$VALUE" || return 1
  done
}

# is_running: whether the machine that was looked at is on.
is_running() {
  case $STATE in
    running | paused | starting | restoring | gurumeditation | stuck) ;;
    *) return 1 ;;
  esac
}

# chosen_machines: those that were named, or all, in MACHINES_CHOSEN, in the order of the blueprint.
chosen_machines() {
  MACHINES_CHOSEN=
  for word in $OPERAND; do
    among "$word" "$MACHINES" || fail "'$word' is no machine of $NAME: $MACHINES"
  done
  for machine in $MACHINES; do
    if [ -z "$OPERAND" ] || among "$machine" "$OPERAND"; then
      MACHINES_CHOSEN="$MACHINES_CHOSEN $machine"
    fi
  done
}

# strangers: machines with our mark that are not in the blueprint any more, as UUID=NAME words, in STRANGERS.
strangers() {
  STRANGERS=
  ours=
  for machine in $MACHINES; do
    # shellcheck source=/dev/null
    . "$HERE/machines/$machine.conf"
    ours="$ours $UUID"
  done
  while read -r line; do
    id=${line##*\{} name=${line%\" *}
    id=${id%\}} name=${name#\"}
    case $name in
      "$NAME"-*[!a-z0-9-]*) continue ;;
      "$NAME"-*) ;;
      *) continue ;;
    esac
    if among "$id" "$ours"; then
      continue
    fi
    ask "read the notes of $name" getextradata "$id" bpc/owner
    # A clone has the notes of the machine that it was made of, and another UUID.
    if [ "$ANSWER" = "Value: $OWNER $id" ]; then
      STRANGERS="$STRANGERS $id=$name"
    fi
  done <<END
$KNOWN
END
}

# sha256 FILE: its digest, in DIGEST.
sha256() {
  if command -v sha256sum >/dev/null 2>&1; then
    DIGEST=$(sha256sum <"$1") || fail "cannot read $1"
  else
    DIGEST=$(shasum -a 256 <"$1") || fail "cannot read $1"
  fi
  DIGEST=${DIGEST%% *}
}
