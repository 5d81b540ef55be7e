#!/bin/bash
# boot.sh [-s SUITE] [-c CHECK] [-n NETWORK] [-t SECONDS] [-m MIB] [-k] MACHINE/seed.iso...
#
# Boots a machine from each seed, side by side, waits until each has written 'bpc: MACHINE ready' on its serial
# console, then runs the script CHECK (default: check.sh, which stands beside this one) on all of them. MACHINE is the
# name of the folder that the seed is in. Exit status 0 only if every machine became ready and every check exited 0.
#
# The NICs are those of the seed's network-config, in its order. NICs of the same name are on one switch; those of
# NETWORK (default wan) are behind a NAT of their own that leads nowhere. Nothing reaches this machine's network.
#
#   -s SUITE    the guest that guest.sh built (default bookworm)
#   -t SECONDS  how long the machines may take until they are ready, and their checks after that (default 600)
#   -m MIB      memory of a machine (default 512)
#   -k          use the processor's virtualisation (KVM); without, qemu emulates one
#
# Logs: $BPC_LAB/boot/MACHINE/{console,check,qemu} (BPC_LAB: target/lab unless it is set).
# Needs qemu-system-x86, qemu-utils, libarchive-tools and python3-yaml; no root.
set -euo pipefail

here=$(dirname "$(realpath "$0")")
lab=$(realpath -m "${BPC_LAB:-$here/../../target/lab}")
suite=bookworm check=$here/check.sh nat=wan limit=600 memory=512
# qemu 7.2 gets the flags of CMPXCHG16B wrong now and then, and the kernel of Debian 13 falls over that.
accel=tcg,thread=multi,tb-size=256 cpu=qemu64,-cx16
pids=()      # what this script started
sockets=()   # switch ports that must be there before a machine starts
ports=()     # arguments of the switch
machines=()  # names, in the order given
declare -A seed_of=() hub_of=() pid_of=() nics_of=()

fail() {
  echo "boot.sh: $*" >&2
  exit 1
}

# shellcheck disable=SC2317  # the trap calls it
finish() {
  local pid
  for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
  wait
  rm -rf "$run"
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
      arguments+=(-netdev "user,id=nic$id,restrict=on")
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

# start MACHINE: the root disk is an overlay that goes when the machine does; the seed is a CD-ROM.
start() {
  local machine=$1 logs=$lab/boot/$1 guest=$lab/guest/$suite arguments id
  id=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
  qemu-img create -q -f qcow2 -F raw -b "$guest/disk.raw" "$run/$machine.qcow2"
  mkfifo "$run/$machine.in" "$run/$machine.out"
  read -ra arguments <<<"${nics_of[$machine]}"
  # The terminal arguments keep systemd from asking the serial console for its size, and waiting for an answer.
  qemu-system-x86_64 -name "$machine" -accel "$accel" -cpu "$cpu" \
    -machine pc,usb=off,vmport=off,hpet=off -m "$memory" -smp 2 \
    -nodefaults -no-user-config -display none -monitor none -serial "file:$logs/console" \
    -kernel "$guest/vmlinuz" -initrd "$guest/initrd.img" \
    -append "root=/dev/vda rw rootfstype=ext4 console=ttyS0 quiet loglevel=3 systemd.show_status=0 mitigations=off \
audit=0 nowatchdog no_timer_check net.ifnames=0 systemd.machine_id=$id \
systemd.tty.term.console=dumb systemd.tty.rows.console=25 systemd.tty.columns.console=100" \
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

# is WHAT MACHINE: ready or checked?
is() {
  case $1 in
    ready) tr -d '\r' <"$lab/boot/$2/console" | grep -q "bpc: $2 ready\$" ;;
    checked) grep -q '^check exit ' "$lab/boot/$2/check" ;;
  esac
}

# await WHAT: until every machine is; prints how long each took.
await() {
  local what=$1 start=$SECONDS waiting=("${machines[@]}") left machine
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

# give_up MESSAGE MACHINE: with the last thing that the machine said.
give_up() {
  tail -n 40 "$lab/boot/$2/console" "$lab/boot/$2/check" >&2
  fail "$1"
}

while getopts s:c:n:t:m:k option; do
  case $option in
    s) suite=$OPTARG ;;
    c) check=$OPTARG ;;
    n) nat=$OPTARG ;;
    t) limit=$OPTARG ;;
    m) memory=$OPTARG ;;
    k) accel=kvm cpu=host ;;
    *) exit 2 ;;
  esac
done
shift $((OPTIND - 1))
[ $# -gt 0 ] || fail "name at least one MACHINE/seed.iso"
for program in qemu-system-x86_64 qemu-img bsdtar; do
  command -v "$program" >/dev/null || fail "$program is missing: install qemu-system-x86, qemu-utils, libarchive-tools"
done
[ -f "$lab/guest/$suite/stamp" ] || fail "there is no guest: run tests/lab/guest.sh $suite"

run=$(mktemp -d)
trap finish EXIT
for seed in "$@"; do
  [ -f "$seed" ] || fail "$seed: no such seed"
  machine=$(basename "$(dirname "$(realpath "$seed")")")
  seed_of[$machine]=$(realpath "$seed")
  machines+=("$machine")
  rm -rf "${lab:?}/boot/$machine"
  mkdir -p "$lab/boot/$machine"
  : >"$lab/boot/$machine/console"
  : >"$lab/boot/$machine/check"
  plug "$machine"
done
start_switch
for machine in "${machines[@]}"; do start "$machine"; done
await ready
for machine in "${machines[@]}"; do
  # Not in a subshell of this one: the pipe is held open by qemu.
  { cat "$check"; echo '#END'; } >"$run/$machine.in"
done
await checked

status=0
for machine in "${machines[@]}"; do
  echo "== $machine"
  cat "$lab/boot/$machine/check"
  tail -n 1 "$lab/boot/$machine/check" | grep -q '^check exit 0$' || status=1
done
exit "$status"
