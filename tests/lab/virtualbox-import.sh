#!/bin/bash
# virtualbox-import.sh VBOXMANAGE TREE PLAN [OVA...]: has the real VirtualBox import every machine of a tree, and judges
# what it made by the plan.
#
# VBOXMANAGE is the program, for which no machine is registered; it sees TREE under the path that it has here, and is set
# to make machines in a folder of its own. TREE is out/NAME, which gets a file for each machine; PLAN what
# `bpc plan --format json` says of it, OVA what `bpc bundle --ova` made of it. Each machine is imported dry, for real, and
# once more without VirtualBox's own element, as any other hypervisor would.
set -euo pipefail

here=$(dirname "$(realpath "$0")")
[ $# -ge 3 ] || { echo "usage: ${0##*/} VBOXMANAGE TREE PLAN [OVA...]" >&2; exit 2; }
virtualbox=$1 tree=$(realpath "$2") plan=$(realpath "$3")
shift 3

run=$(mktemp -d)
imports=0 facts=0
trap 'rm -rf "$run"' EXIT

fail() {
  echo "${0##*/}: $*" >&2
  exit 1
}

# vbm WORD...: VBoxManage, which must succeed and complain of nothing: it exits with 0 where it should not.
vbm() {
  if ! "$virtualbox" "$@" >"$run/out" 2>"$run/err" || grep -Eq '(error|warning):' "$run/err"; then
    cat "$run/err" >&2
    fail "VBoxManage $*"
  fi
}

# import APPLIANCE MACHINE HOW: imports it, compares the machine with the plan, and deletes it.
import() {
  local uuid
  vbm import "$1" --dry-run
  vbm import "$1" --options keepallmacs
  vbm list vms
  uuid=$(sed -n 's/^".*" {\(.*\)}$/\1/p' "$run/out")
  vbm showvminfo "$uuid" --machinereadable
  cp "$run/out" "$run/machine"
  vbm list hdds
  cp "$run/out" "$run/media"
  python3 "$here/virtualbox-compare.py" "$plan" "$2" "$3" "$run/machine" "$run/media" >"$run/compared"
  facts=$((facts + $(cat "$run/compared")))
  vbm unregistervm "$uuid" --delete
  imports=$((imports + 1))
}

for folder in "$tree"/machines/*/; do
  name=$(basename "$folder")
  at=$tree/machines/$name
  import "$at/machine.ovf" "$name" whole
  # VirtualBox makes a PC of a machine's items: "x86-specific platform settings are not available".
  if grep -q 'Platform architecture="ARM"' "$folder/machine.ovf"; then continue; fi
  sed '/<vbox:Machine/,/<\/vbox:Machine>/d' "$folder/machine.ovf" >"$folder/plain.ovf"
  if cmp -s "$folder/machine.ovf" "$folder/plain.ovf"; then
    fail "$name: there is no element of VirtualBox's"
  fi
  import "$at/plain.ovf" "$name" plain
done
for ova; do
  import "$(realpath "$ova")" "$(basename "$ova" .ova)" whole
done
echo "$(basename "$tree"): $imports imports, $facts facts are as planned"
