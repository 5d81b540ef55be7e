#!/bin/bash
# boot.sh [-s SUITE] [-c CHECK] [-n NETWORK] [-t SECONDS] [-m MIB] [-k] [-d DISK [-f FIRMWARE]] [-o] MACHINE/seed.iso...
#
# Boots a machine from each seed, side by side, waits until each has written 'bpc: MACHINE ready' on its serial
# console, then runs the script CHECK (default: check.sh, which stands beside this one) on all of them. MACHINE is the
# name of the folder that the seed is in. Exit status 0 only if every machine became ready and every check exited 0.
#
# NICs of the same name are on one switch; those of NETWORK (default wan) are behind a NAT of their own. Without -o it
# leads nowhere, and nothing reaches this machine's network.
#
#   -s SUITE    the guest that guest.sh built (default bookworm)
#   -d DISK     instead: what installer.sh has installed; it stays as it is. FIRMWARE: bios (default) or efi
#   -o          machines behind the NAT reach what this machine reaches, and this machine as 10.0.2.2
#   -t SECONDS  how long the machines may take until they are ready, and their checks after that (default 600)
#   -m MIB      memory of a machine (default 512)
#   -k          use the processor's virtualisation (KVM); without, qemu emulates one
#
# Logs: $BPC_LAB/boot/MACHINE/{console,check,qemu} (BPC_LAB: target/lab unless it is set).
# Needs qemu-system-x86, qemu-utils, libarchive-tools and python3-yaml; no root.
set -euo pipefail

# shellcheck source-path=SCRIPTDIR source=machines.sh
. "$(dirname "$(realpath "$0")")/machines.sh"
check=$here/check.sh

options s:d:f:c:n:ot:m:k "$@"
shift "$taken"
[ $# -gt 0 ] || fail "name at least one MACHINE/seed.iso"
insert "$@"
for machine in "${machines[@]}"; do start "$machine"; done
await ready "${machines[@]}"
for machine in "${machines[@]}"; do send "$check" "$machine"; done
await checked "${machines[@]}"

status=0
for machine in "${machines[@]}"; do
  echo "== $machine"
  verdict "$machine" || status=1
done
exit "$status"
