#!/bin/sh
# Stands for VBoxManage 7.2: keeps machines and disks as files below $WORLD, and fails where the real one does (the figures
# are of the real one, see tests/lab/virtualbox.sh). Every call is counted and written down. $FAULT is `before N` (call N
# fails and does nothing) or `after N` (it does its work, and fails).
set -eu
number=0
[ ! -e "$WORLD/count" ] || read -r number <"$WORLD/count"
number=$((number + 1))
echo "$number" >"$WORLD/count"
echo "$*" >>"$WORLD/calls"

refuse() {
  echo "VBoxManage: error: $*" >&2
  exit 1
}

[ "$FAULT" != "before $number" ] || refuse "injected: before call $number"

# change: this call changed something.
changed() {
  echo "$command $*" >>"$WORLD/events"
}

# the machine of a UUID, as a folder
machine() {
  vm=$WORLD/vms/$1
  [ -d "$vm" ] || refuse "Could not find a registered machine with UUID {$1}"
}

is_off() {
  read -r state <"$vm/state"
  [ "$state" = poweroff ] || [ "$state" = saved ] || [ "$state" = aborted ]
}

mutable() {
  is_off || refuse "The machine is not mutable or running (state is Running)"
}

# set_line FILE KEY VALUE: the line `KEY VALUE` in place of any other of that key; without a value none.
set_line() {
  grep -v -F -- "$2 " "$1" >"$1.new" || :
  [ -z "$3" ] || printf '%s %s\n' "$2" "$3" >>"$1.new"
  mv "$1.new" "$1"
}

# Disks that VirtualBox knows: PATH|PARENT, by their path in one word.
medium() {
  medium=$WORLD/media/$(printf '%s' "$1" | tr '/ ' '_+')
}

children() {
  grep -l -x -F "parent $1" "$WORLD"/media/* 2>/dev/null || :
}

holders() {
  grep -l -x -F "$1" "$WORLD"/vms/*/ports/* 2>/dev/null || :
}

open_medium() {
  [ -e "$1" ] || refuse "Could not find file for the medium '$1' (VERR_FILE_NOT_FOUND)"
  medium "$1"
  [ -e "$medium" ] || printf 'path %s\nparent base\ncapacity %s\n' "$1" "$(sed -n 's/^capacity //p' "$1")" >"$medium"
}

# forget_disk FILE: from the list and from the disk, and its parent with its last child.
delete_disk() {
  medium "$1"
  parent=$(sed -n 's/^parent //p' "$medium")
  rm -f "$medium" "$1"
  if [ "$parent" != base ] && [ -z "$(children "$parent")" ]; then
    delete_disk "$parent"
  fi
}

option() {
  # option NAME WORD...: the word after --NAME
  wanted=$1
  shift
  while [ $# -gt 0 ]; do
    if [ "$1" = "--$wanted" ]; then
      printf '%s\n' "${2-}"
      return
    fi
    shift
  done
}

listing() {
  case $1 in
    systemproperties) printf 'API version: 7_2\nDefault machine folder:          %s\n' "$WORLD/Virtual Machines" ;;
    hostinfo) printf 'Processor online count: %s\nMemory size: 64000 MByte\nMemory available: %s MByte\n' "$(cat "$WORLD/cpus")" "$(cat "$WORLD/memory")" ;;
    vms)
      for vm in "$WORLD"/vms/*; do
        [ -d "$vm" ] || continue
        read -r name <"$vm/name"
        [ -e "$vm/folder" ] && [ -e "$(cat "$vm/folder")/$name.vbox" ] || name='<inaccessible>'
        printf '"%s" {%s}\n' "$name" "${vm##*/}"
      done
      ;;
    hostonlyifs)
      for one in "$WORLD"/host-only/*; do
        [ -e "$one" ] || continue
        printf 'Name:            %s\nGUID: 1\nDHCP: Disabled\nIPAddress:       %s\nNetworkMask:     %s\n\n' "${one##*/}" \
          "$(sed -n 1p "$one")" "$(sed -n 2p "$one")"
      done
      ;;
    hostonlynets)
      for one in "$WORLD"/host-only/*; do
        [ ! -e "$one" ] || printf 'Name:            %s\nState: Enabled\n\n' "${one##*/}"
      done
      ;;
    *) refuse "unknown list $1" ;;
  esac
}

create() {
  name=$(option name "$@") uuid=$(option uuid "$@") base=$(option basefolder "$@") group=$(option groups "$@")
  folder=$base$group/$name
  [ -d "$base" ] || mkdir -p "$base"
  [ ! -e "$folder/$name.vbox" ] || refuse "Machine settings file '$folder/$name.vbox' already exists"
  [ ! -e "$WORLD/vms/$uuid" ] || refuse "Virtual machine with UUID {$uuid} already exists"
  mkdir -p "$folder" "$WORLD/vms/$uuid/ports"
  echo "<Machine uuid=\"{$uuid}\">" >"$folder/$name.vbox"
  vm=$WORLD/vms/$uuid
  echo "$name" >"$vm/name"
  echo "$folder" >"$vm/folder"
  echo poweroff >"$vm/state"
  : >"$vm/settings"
  : >"$vm/forwards"
  : >"$vm/extra"
  : >"$vm/snapshots"
  set_line "$vm/settings" ostype "$(option ostype "$@")"
  set_line "$vm/settings" groups "$group"
}

modify() {
  machine "$1"
  mutable
  shift
  while [ $# -gt 0 ]; do
    key=${1#--}
    case $1 in
      --natpf*)
        if [ "$2" = delete ]; then
          grep -q "^$3," "$vm/forwards" || refuse "no rule $3"
          grep -v "^$3," "$vm/forwards" >"$vm/forwards.new" || :
          mv "$vm/forwards.new" "$vm/forwards"
          shift 3
        else
          ! grep -q "^${2%%,*}," "$vm/forwards" || refuse "A NAT rule of this name already exists"
          echo "$2" >>"$vm/forwards"
          shift 2
        fi
        ;;
      --uart1 | --uartmode1)
        set_line "$vm/settings" "$key" "$2,$3"
        shift 3
        ;;
      --hostonlyadapter* | --host-only-net*)
        [ -e "$WORLD/host-only/$2" ] || refuse "Nonexistent host networking interface, name '$2'"
        set_line "$vm/settings" "$key" "$2"
        shift 2
        ;;
      --*)
        [ $# -gt 1 ] || refuse "Missing argument to '$1'"
        set_line "$vm/settings" "$key" "$2"
        shift 2
        ;;
      *) refuse "Invalid parameter '$1'" ;;
    esac
  done
}

# install: one look further, an installer has ended, or what $WORLD/installer says in place of that.
install() {
  read -r left <"$vm/installing"
  left=$((left - 1))
  echo "$left" >"$vm/installing"
  [ "$left" -eq 0 ] || return 0
  read -r folder <"$vm/folder"
  read -r disk <"$vm/ports/0"
  outcome=ends
  [ ! -e "$WORLD/installer" ] || outcome=$(cat "$WORLD/installer")
  case $outcome in
    hangs)
      printf '\033[1;24r\033[4;1HNo root file system is defined.\r\nPrompt: ' >>"$folder/console.log"
      return
      ;;
    paused | gurumeditation)
      echo "$outcome" >"$vm/state"
      return
      ;;
    saved)
      echo saved >"$vm/state"
      rm -f "$vm/session"
      return
      ;;
    aborted | poweroff) echo "$outcome" >"$vm/state" ;;
    button)
      printf '\r\n[  500.0] reboot: Power down\r\n' >>"$folder/console.log"
      echo poweroff >"$vm/state"
      ;;
    outage)
      printf '\r\nFinishing the installation ... 50%%bpc: base-image ready\r\n' >>"$folder/console.log"
      echo poweroff >"$vm/state"
      ;;
    ends)
      printf '\r\nFinishing the installation ... 50%%bpc: base-image ready\r\n ... 100%%\r\n[  900.0] reboot: Power down\r\n' >>"$folder/console.log"
      cat "$folder/installer-user-data" "$folder/installer-answers.gz" 2>/dev/null | cksum >>"$disk"
      echo poweroff >"$vm/state"
      ;;
  esac
  rm -f "$vm/session" "$vm/installing"
}

show() {
  machine "$1"
  [ ! -e "$vm/installing" ] || install
  read -r name <"$vm/name"
  read -r state <"$vm/state"
  printf 'name="%s"\nUUID="%s"\nVMState="%s"\n' "$name" "$1" "$state"
  printf 'CfgFile="%s/%s.vbox"\n' "$(cat "$vm/folder")" "$name"
  ! [ -e "$vm/session" ] || printf 'SessionName="headless"\n'
  sed 's/^\([^ ]*\) \(.*\)$/\1="\2"/' "$vm/settings"
  if [ -e "$vm/controller" ]; then
    printf 'storagecontrollername0="disks"\nstoragecontrollertype0="%s"\n' "$(cat "$vm/controller")"
    port=0
    while [ "$port" -lt 30 ]; do
      file=none
      [ ! -e "$vm/ports/$port" ] || read -r file <"$vm/ports/$port"
      printf '"disks-%s-0"="%s"\n' "$port" "$file"
      [ "$file" = none ] || printf '"disks-ImageUUID-%s-0"="11111111-2222-4333-8444-555555555555"\n' "$port"
      port=$((port + 1))
    done
  fi
  rule=0
  while read -r line; do
    printf 'Forwarding(%s)="%s"\n' "$rule" "$line"
    rule=$((rule + 1))
  done <"$vm/forwards"
  end=
  while read -r line; do
    printf 'SnapshotName%s="%s"\n' "$end" "$line"
    end=$end-1
  done <"$vm/snapshots"
  [ ! -s "$vm/snapshots" ] || printf 'CurrentSnapshotName="%s"\n' "$line"
}

attach() {
  machine "$1"
  port=$(option port "$@") file=$(option medium "$@") type=$(option type "$@")
  [ -e "$vm/controller" ] || refuse "Could not find a storage controller named 'disks'"
  if [ "$file" = none ]; then
    [ ! -e "$vm/ports/$port" ] || mutable
    rm -f "$vm/ports/$port"
    return
  fi
  [ "$type" = dvddrive ] || mutable
  [ -e "$file" ] || refuse "Could not find file for the medium '$file' (VERR_FILE_NOT_FOUND)"
  if [ "$type" = hdd ]; then
    open_medium "$file"
    other=$(holders "$file")
    [ -z "$other" ] || [ "$other" = "$vm/ports/$port" ] || refuse "Medium '$file' is already attached"
  fi
  echo "$file" >"$vm/ports/$port"
}

start() {
  machine "$1"
  is_off || refuse "The machine is already locked by a session (or being locked or unlocked)"
  read -r name <"$vm/name"
  read -r folder <"$vm/folder"
  if [ ! -e "$vm/ports/0" ] || [ ! -e "$vm/ports/1" ]; then
    refuse "nothing to start from"
  fi
  [ ! -e "$WORLD/dead/$name" ] || refuse "The virtual machine '$name' has terminated unexpectedly (VERR_VMX_IN_VMX_ROOT_MODE)"
  echo running >"$vm/state"
  : >"$vm/session"
  if [ "${name%.base-image}" != "$name" ]; then
    printf 'Linux\r\nRetrieving packages ... 10%%' >"$folder/console.log"
    echo 4 >"$vm/installing"
  elif [ -e "$WORLD/consoles/$name" ]; then
    cat "$WORLD/consoles/$name" >"$folder/console.log"
  else
    host=$(cat "$WORLD/hosts/$name")
    printf '[    0.0] Linux\r\nbpc: %s packages ok\r\nbpc: %s ready\r\n' "$host" "$host" >"$folder/console.log"
  fi
}

control() {
  machine "$1"
  ! is_off || refuse "Machine '$1' is not currently running"
  read -r name <"$vm/name"
  case $2 in
    acpipowerbutton) [ ! -e "$WORLD/stubborn/$name" ] || return 0 ;;
    poweroff) ;;
    resume)
      echo running >"$vm/state"
      [ ! -e "$vm/installing" ] || echo 4 >"$vm/installing"
      return
      ;;
    *) refuse "unknown controlvm $2" ;;
  esac
  echo poweroff >"$vm/state"
  rm -f "$vm/session"
}

unregister() {
  machine "$1"
  [ ! -e "$vm/session" ] || refuse "Cannot unregister the machine while it is locked"
  read -r folder <"$vm/folder"
  read -r name <"$vm/name"
  if [ "${2-}" = --delete ]; then
    for port in "$vm"/ports/*; do
      [ -e "$port" ] || continue
      read -r file <"$port"
      rm "$port"
      case $file in
        *.iso | *.viso) ;;
        *) delete_disk "$file" ;;
      esac
    done
    rm -f "$folder/$name.vbox"
    rmdir "$folder" 2>/dev/null || :
  fi
  rm -rf "$vm"
}

extra() {
  if [ "$1" = global ]; then
    file=$WORLD/global
  else
    machine "$1"
    file=$vm/extra
  fi
}

command=$1
shift
case $command in
  --version)
    echo "WARNING: The vboxdrv kernel module is not loaded."
    cat "$WORLD/version"
    ;;
  list) listing "$1" ;;
  showvminfo) show "$1" ;;
  getextradata)
    extra "$1"
    if [ "$2" = enumerate ]; then
      sed 's/^\([^ ]*\) \(.*\)$/Key: \1, Value: \2/' "$file"
    else
      value=$(sed -n "s|^$2 ||p" "$file")
      if [ -n "$value" ]; then echo "Value: $value"; else echo "No value set!"; fi
    fi
    ;;
  showmediuminfo)
    open_medium "$2"
    printf 'UUID: 1\nParent UUID: %s\nLocation: %s\nCapacity: %s MBytes\n' "$(sed -n 's/^parent //p' "$medium")" \
      "$2" "$(sed -n 's/^capacity //p' "$medium")"
    ;;
  setextradata)
    extra "$1"
    set_line "$file" "$2" "${3-}"
    changed "$1"
    ;;
  createvm)
    create "$@"
    changed "$uuid"
    ;;
  modifyvm)
    modify "$@"
    changed "${vm##*/}"
    ;;
  storagectl)
    machine "$1"
    mutable
    case " $* " in
      *" --remove "*) rm -rf "$vm/controller" "$vm"/ports/* ;;
      *)
        [ ! -e "$vm/controller" ] || refuse "Storage controller named 'disks' already exists"
        case $(option controller "$@") in
          VirtIO) echo VirtioSCSI >"$vm/controller" ;;
          *) option controller "$@" >"$vm/controller" ;;
        esac
        ;;
    esac
    changed "$1"
    ;;
  storageattach)
    attach "$@"
    changed "$1"
    ;;
  createmedium)
    file=$(option filename "$@") parent=$(option diffparent "$@") size=$(option size "$@")
    [ ! -e "$file" ] || refuse "Could not create the medium storage unit '$file' (VERR_ALREADY_EXISTS)"
    if [ -n "$parent" ]; then
      open_medium "$parent"
      size=$(sed -n 's/^capacity //p' "$medium")
    fi
    echo "capacity $size" >"$file"
    medium "$file"
    printf 'path %s\nparent %s\ncapacity %s\n' "$file" "${parent:-base}" "$size" >"$medium"
    changed "$file"
    ;;
  clonemedium)
    [ ! -e "$3" ] || refuse "Could not create the medium storage unit '$3' (VERR_ALREADY_EXISTS)"
    open_medium "$2"
    size=$(sed -n 's/^capacity //p' "$medium")
    echo "capacity $size" >"$3"
    grep ' {$' "$2" >>"$3" || :
    open_medium "$3"
    changed "$3"
    ;;
  convertfromraw)
    [ ! -e "$2" ] || refuse "Cannot create the disk image \"$2\": VERR_ALREADY_EXISTS"
    grep -e '^capacity ' -e ' {$' "$1" >"$2"
    changed "$2"
    ;;
  modifymedium)
    open_medium "$2"
    case $3 in
      --compact) [ -z "$(holders "$2")" ] || refuse "Medium '$2' is locked for reading by another task" ;;
      *)
        set_line "$medium" capacity "$4"
        echo "capacity $4" >"$2"
        ;;
    esac
    changed "$2"
    ;;
  closemedium)
    medium "$2"
    [ -e "$medium" ] || [ -e "$2" ] || refuse "Could not find file for the medium '$2' (VERR_FILE_NOT_FOUND)"
    [ -z "$(children "$2")" ] || refuse "Cannot close medium '$2' because it has child media"
    [ -z "$(holders "$2")" ] || refuse "Medium '$2' cannot be closed because it is still attached"
    rm -f "$medium"
    changed "$2"
    ;;
  unattended) cat "$WORLD/detected" ;;
  startvm)
    start "$1"
    changed "$1"
    ;;
  controlvm)
    control "$@"
    changed "$1 $2"
    ;;
  unregistervm)
    unregister "$@"
    changed "$1"
    ;;
  hostonlyif)
    case $1 in
      create)
        count=$(find "$WORLD/host-only" -type f | wc -l)
        printf '192.168.%s.1\n255.255.255.0\n' $((200 + count)) >"$WORLD/host-only/vboxnet$((count + 0))"
        echo "Interface 'vboxnet$((count + 0))' was successfully created"
        ;;
      ipconfig) printf '%s\n%s\n' "$4" "$6" >"$WORLD/host-only/$2" ;;
      remove) rm "$WORLD/host-only/$2" ;;
    esac
    changed "$*"
    ;;
  hostonlynet)
    name=$(option name "$@")
    case $1 in
      add) option lower-ip "$@" >"$WORLD/host-only/$name" && option netmask "$@" >>"$WORLD/host-only/$name" ;;
      remove) rm "$WORLD/host-only/$name" ;;
    esac
    changed "$*"
    ;;
  dhcpserver) refuse "DHCP server does not exist" ;;
  snapshot)
    machine "$1"
    case $2 in
      take) echo "$3" >>"$vm/snapshots" ;;
      restore) grep -q -x "$3" "$vm/snapshots" || refuse "Could not find a snapshot named '$3'" ;;
      delete)
        grep -v -x "$3" "$vm/snapshots" >"$vm/snapshots.new" || :
        mv "$vm/snapshots.new" "$vm/snapshots"
        ;;
    esac
    changed "$*"
    ;;
  *) refuse "Unknown command '$command'" ;;
esac
[ "$FAULT" != "after $number" ] || refuse "injected: after call $number"
