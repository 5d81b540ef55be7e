#!/bin/bash
# storage.sh [-s SUITE] [-t SECONDS] [-k] SEED <PLAN
#
# Boots a machine from SEED with the disks that PLAN (what `bpc plan` says of the blueprint as JSON) gives it, all of them
# empty, and the volume group of its image on a disk of its own. Its stage `storage` must refuse at first, since there is no
# such group; then make all that is planned, once it is there; do nothing the second time; refuse what does not fit, and
# disks that hold something; and, after the power went and disks have grown, find all of it mounted and let it grow.
# Exit status 0 only if all of that happens.
#
#   -s SUITE    the guest that guest.sh built, with lvm2 and xfsprogs (default bookworm)
#   -t SECONDS  how long each step may take (default 600)
#   -k          use the processor's virtualisation (KVM); without, qemu emulates one
#
# Logs: $BPC_LAB/boot/MACHINE/{console,check,qemu} (BPC_LAB: target/lab unless it is set).
# Needs qemu-system-x86, qemu-utils, libarchive-tools and python3-yaml; no root.
set -euo pipefail

# shellcheck source-path=SCRIPTDIR source=machines.sh
. "$(dirname "$(realpath "$0")")/machines.sh"

# plan KIND: prints the machine's disks (NAME MIB) or file systems (MOUNT GROUP DISK MIB TYPE OPTIONS IN-IMAGE).
plan() {
  /usr/bin/python3 -c '
import json, sys
kind, name, path = sys.argv[1:]
plan = json.load(open(path))
[machine] = [it for it in plan["machines"] if it["name"] == name]
if kind == "disks":
    for disk in machine["data_disks"]:
        print(disk["name"], disk["mib"])
else:
    for it in machine["file_systems"]:
        options = ",".join(["rw"] + it["options"])
        print(it["mount"], it["group"] or "-", it["disk"] or "-", it["mib"], it["filesystem"], options, it["in_image"])
' "$1" "$machine" "$run/plan"
}

# scsi NAME PORT FILE: a disk where VirtualBox attaches it.
scsi() {
  disks_of[$machine]+=" -drive if=none,id=$1,format=qcow2,cache=unsafe,file=$3"
  disks_of[$machine]+=" -device scsi-hd,drive=$1,bus=scsi.0,scsi-id=$2,lun=0,serial=$1"
}

# phase NAME: what the machine runs in this boot.
phase() {
  { echo "PHASE=$1"; plan file-systems | sed "1s/^/PLAN='/; \$s/\$/'/"; cat "$here/mounted.sh" "$here/storage-check.sh"; } >"$run/check"
  send "$run/check" "$machine"
}

options s:t:k "$@"
shift "$taken"
[ $# -eq 1 ] || fail "name the seed of a machine"
insert "$1"
machine=${machines[0]}
cat >"$run/plan"

disks_of[$machine]="-drive if=virtio,format=qcow2,cache=unsafe,file=$run/image.qcow2 -device virtio-scsi-pci,id=scsi"
qemu-img create -q -f qcow2 "$run/image.qcow2" 6G
port=2
while read -r name mib; do
  qemu-img create -q -f qcow2 "$run/disk-$name.qcow2" "${mib}M"
  scsi "$name" "$port" "$run/disk-$name.qcow2"
  port=$((port + 1))
done < <(plan disks)

start "$machine"
await retrying:storage "$machine"
phase make
await done:storage "$machine"
await checked "$machine"
status=0
verdict "$machine" || status=1

power_off "$machine"
for image in "$run/image.qcow2" "$run"/disk-*.qcow2; do qemu-img resize -q "$image" +1G; done
start "$machine"
phase grow
await checked "$machine"
verdict "$machine" || status=1
exit "$status"
