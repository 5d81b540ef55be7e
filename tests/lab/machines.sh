# shellcheck shell=bash
# machines.sh: Debian machines that boot from their seeds in qemu, side by side; for scripts to source.
#
# The NICs of a machine are those of the seed's network-config, in its order. NICs of the same name are on one switch;
# those of $nat are behind a NAT of their own that leads nowhere, or, if $restrict is off, where this machine gets to: its
# loopback address is 10.0.2.2 there. What the machines say is in $lab/boot/MACHINE/{console,check,qemu}.

here=$(dirname "$(realpath "$0")")
lab=$(realpath -m "${BPC_LAB:-$here/../../target/lab}")
# The guest, or a disk that starts by itself and its firmware; the network behind NAT, how many seconds a step may
# take, MiB of each machine.
suite=bookworm disk='' firmware=bios nat=wan restrict=on limit=600 memory=512
# qemu 7.2 gets the flags of CMPXCHG16B wrong now and then, and the kernel of Debian 13 falls over that: it is told that
# the processor has no such instruction (clearcpuid). HAProxy does not start without.
accel=tcg,thread=multi,tb-size=256 cpu=qemu64
pids=()      # what this script started
sockets=()   # switch ports that must be there before a machine starts
ports=()     # arguments of the switch
machines=()  # names, in the order given
declare -A seed_of=() hub_of=() pid_of=() nics_of=()
declare -A disks_of=()  # arguments for more disks

fail() {
  echo "${0##*/}: $*" >&2
  exit 1
}

# options LETTERS ARGUMENT...: obeys those with these letters (getopts) that the arguments begin with; $taken is how many
# arguments they are.
# shellcheck disable=SC2034  # for the scripts that source this
options() {
  local letters=$1 option OPTIND=1
  shift
  while getopts "$letters" option; do
    case $option in
      s) suite=$OPTARG ;;
      c) check=$OPTARG ;;
      n) nat=$OPTARG ;;
      o) restrict=off ;;
      t) limit=$OPTARG ;;
      m) memory=$OPTARG ;;
      d) disk=$(realpath "$OPTARG") ;;
      f) firmware=$OPTARG ;;
      k) accel=kvm cpu=host ;;
      *) exit 2 ;;
    esac
  done
  taken=$((OPTIND - 1))
}

# shellcheck disable=SC2317  # the trap calls it
finish() {
  local pid
  for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
  wait
  rm -rf "$run"
}

# insert SEED...: each is for the machine that its folder is named after. Nothing runs before all are inserted.
insert() {
  local program seed machine
  for program in qemu-system-x86_64 qemu-img bsdtar; do
    command -v "$program" >/dev/null ||
      fail "$program is missing: install qemu-system-x86, qemu-utils, libarchive-tools"
  done
  [ -n "$disk" ] || [ -f "$lab/guest/$suite/stamp" ] || fail "there is no guest: run tests/lab/guest.sh $suite"
  run=$(mktemp -d)
  trap finish EXIT
  for seed in "$@"; do
    [ -f "$seed" ] || fail "$seed: no such seed"
    machine=$(basename "$(dirname "$(realpath "$seed")")")
    seed_of[$machine]=$(realpath "$seed")
    machines+=("$machine")
    rm -rf "${lab:?}/boot/$machine"
    mkdir -p "$lab/boot/$machine"
    plug "$machine"
  done
  start_switch
}

# nics SEED: prints 'MAC NAME' for each physical NIC.
nics() {
  bsdtar -xOf "$1" network-config | /usr/bin/python3 -c '
import sys, yaml
config = yaml.safe_load(sys.stdin)
config = config.get("network", config)
for key, nic in config.get("ethernets", {}).items():
    print(nic["match"]["macaddress"], nic.get("set-name", key))
'
}

# plug MACHINE: gives each NIC of the machine a port; the switch is a qemu without a machine, one hub for each network.
plug() {
  local machine=$1 mac name id=0 arguments=() socket
  while read -r mac name; do
    if [ "$name" = "$nat" ]; then
      arguments+=(-netdev "user,id=nic$id,restrict=$restrict")
    else
      socket=$run/$machine-$id
      hub_of[$name]=${hub_of[$name]:-${#hub_of[@]}}
      sockets+=("$socket")
      ports+=(-netdev "stream,id=$machine-$id,server=on,addr.type=unix,addr.path=$socket"
        -netdev "hubport,id=$machine-$id-hub,hubid=${hub_of[$name]},netdev=$machine-$id")
      arguments+=(-netdev "stream,id=nic$id,server=off,addr.type=unix,addr.path=$socket")
    fi
    arguments+=(-device "virtio-net-pci,netdev=nic$id,mac=$mac,romfile=")
    id=$((id + 1))
  done < <(nics "${seed_of[$machine]}")
  nics_of[$machine]="${arguments[*]}"
}

start_switch() {
  local socket
  [ ${#ports[@]} -gt 0 ] || return 0
  qemu-system-x86_64 -machine none -nodefaults -display none -monitor none "${ports[@]}" 2>"$lab/boot/switch" &
  pids+=($!)
  for socket in "${sockets[@]}"; do
    until [ -S "$socket" ]; do
      kill -0 "${pids[0]}" 2>/dev/null || fail "the switch did not start: $(cat "$lab/boot/switch")"
      sleep 0.1
    done
  done
}

# from_guest MACHINE: sets $boot, by which qemu loads the guest's kernel. The terminal arguments keep systemd from asking
# the serial console for its size, and waiting for an answer.
from_guest() {
  local id
  id=$(printf %s "$1" | md5sum | cut -d ' ' -f 1)
  boot=(-kernel "$lab/guest/$suite/vmlinuz" -initrd "$lab/guest/$suite/initrd.img" -append "root=/dev/vda rw \
rootfstype=ext4 console=ttyS0 quiet loglevel=3 systemd.show_status=0 mitigations=off audit=0 nowatchdog no_timer_check \
clearcpuid=141 net.ifnames=0 systemd.machine_id=$id systemd.tty.term.console=dumb systemd.tty.rows.console=25 \
systemd.tty.columns.console=100")
}

# from_disk MACHINE: sets $boot, by which the firmware starts what is on the disk. EFI's remembers nothing of the machine that
# it was installed on. Without a screen GRUB would wait for ever.
from_disk() {
  local ovmf=${OVMF:-/usr/share/OVMF}
  boot=(-vga std)
  if [ "$firmware" = efi ]; then
    cp "$ovmf/OVMF_VARS_4M.fd" "$run/$1.vars"
    boot+=(-drive "if=pflash,format=raw,readonly=on,file=$ovmf/OVMF_CODE_4M.fd"
      -drive "if=pflash,format=raw,file=$run/$1.vars")
  fi
}

# start MACHINE: for the first time, or again. The root disk is an overlay that goes when this script does; the seed
# is a CD-ROM.
start() {
  local machine=$1 logs=$lab/boot/$1 arguments boot
  if ! [ -e "$run/$machine.qcow2" ]; then
    qemu-img create -q -f qcow2 -F raw -b "${disk:-$lab/guest/$suite/disk.raw}" "$run/$machine.qcow2"
    mkfifo "$run/$machine.in" "$run/$machine.out"
  fi
  : >"$logs/console"
  : >"$logs/check"
  read -ra arguments <<<"${nics_of[$machine]} ${disks_of[$machine]:-}"
  if [ -n "$disk" ]; then from_disk "$machine"; else from_guest "$machine"; fi
  qemu-system-x86_64 -name "$machine" -accel "$accel" -cpu "$cpu" \
    -machine pc,usb=off,vmport=off,hpet=off -m "$memory" -smp 2 \
    -nodefaults -no-user-config -display none -monitor none -serial "file:$logs/console" \
    "${boot[@]}" \
    -drive "file=$run/$machine.qcow2,if=virtio,format=qcow2,cache=unsafe" \
    -drive "file=${seed_of[$machine]},if=ide,media=cdrom,readonly=on" \
    -object rng-random,id=rng,filename=/dev/urandom -device virtio-rng-pci,rng=rng \
    -device virtio-serial-pci -chardev "pipe,id=check,path=$run/$machine" -device virtserialport,chardev=check,name=check \
    "${arguments[@]}" >"$logs/qemu" 2>&1 &
  pid_of[$machine]=$!
  pids+=($!)
  cat "$run/$machine.out" >"$logs/check" &
  pids+=($!)
}

# power_off MACHINE: takes its power away.
power_off() {
  local pid left=()
  kill -KILL "${pid_of[$1]}"
  wait "${pid_of[$1]}" 2>/dev/null || true
  for pid in "${pids[@]}"; do [ "$pid" = "${pid_of[$1]}" ] || left+=("$pid"); done
  pids=("${left[@]}")
}

# is WHAT MACHINE: ready, checked, done:STAGE, retrying:STAGE (it has failed three times), or, for a line of two words and
# more, the last one of its check that starts so?
is() {
  case $1 in
    ready) tr -d '\r' <"$lab/boot/$2/console" | grep -q "bpc: $2 ready\$" ;;
    done:*) tr -d '\r' <"$lab/boot/$2/console" | grep -q "bpc: $2 ${1#*:} ok\$" ;;
    retrying:*) tr -d '\r' <"$lab/boot/$2/console" | grep -q "bpc: $2 ${1#*:} failed (attempt 3," ;;
    checked) grep -q '^check exit ' "$lab/boot/$2/check" ;;
    *) [ "$(grep "^${1%% *} " "$lab/boot/$2/check" | tail -n 1)" = "$1" ] ;;
  esac
}

# send SCRIPT MACHINE: the machine runs it; what it prints goes to the file check. One script a boot.
send() {
  # Not in a subshell: qemu holds the pipe open.
  { cat "$1"; echo '#END'; } >"$run/$2.in"
}

# await WHAT MACHINE...: until every one of them is; prints how long each took.
await() {
  local what=$1 start=$SECONDS waiting=("${@:2}") left machine
  while [ ${#waiting[@]} -gt 0 ]; do
    left=()
    for machine in "${waiting[@]}"; do
      if is "$what" "$machine"; then
        echo "$machine: $what after $((SECONDS - start)) s"
      elif grep -q 'Kernel panic' "$lab/boot/$machine/console"; then
        give_up "$machine fell over" "$machine"
      elif ! kill -0 "${pid_of[$machine]}" 2>/dev/null; then
        give_up "$machine stopped: $(cat "$lab/boot/$machine/qemu")" "$machine"
      elif [ $((SECONDS - start)) -ge "$limit" ]; then
        give_up "$machine is not $what after $limit s" "$machine"
      else
        left+=("$machine")
      fi
    done
    waiting=("${left[@]}")
    sleep 0.5
  done
}

# verdict MACHINE: prints what its check has said; fails unless that exited 0.
verdict() {
  cat "$lab/boot/$1/check"
  tail -n 1 "$lab/boot/$1/check" | grep -q '^check exit 0$'
}

# give_up MESSAGE MACHINE: with the last thing that the machine said.
give_up() {
  tail -n 40 "$lab/boot/$2/console" "$lab/boot/$2/check" >&2
  fail "$1"
}

