#!/bin/bash
# failover.sh [-s SUITE] [-t SECONDS] [-k] NAME <PLAN
#
# Boots the machines that may hold the floating address of the blueprint built in out/NAME; PLAN is what `bpc plan` says
# of it as JSON. Waits until one of them has the address and HAProxy runs on all, cuts the power of the one that has it,
# and prints how long until another has it. Then starts the first one again: it must come back, and the address must stay
# where it is. Exit status 0 only if all of that happens.
#
#   -s SUITE    the guest that guest.sh built, with the packages of load balancers (default bookworm)
#   -t SECONDS  how long each step may take (default 900)
#   -k          use the processor's virtualisation (KVM); without, qemu emulates one
#
# Logs: $BPC_LAB/boot/MACHINE/{console,check,qemu} (BPC_LAB: target/lab unless it is set).
# Needs qemu-system-x86, qemu-utils, libarchive-tools and python3-yaml; no root.
set -euo pipefail

# shellcheck source-path=SCRIPTDIR source=machines.sh
. "$(dirname "$(realpath "$0")")/machines.sh"
limit=900

# plan: prints the floating address, the memory of a machine that may hold it, and the names of all that may.
plan() {
  /usr/bin/python3 -c '
import json, sys
plan = json.load(sys.stdin)
[floating] = plan["floating_addresses"]
holders = [machine for machine in plan["machines"] if machine["role"] == floating["role"]]
print(floating["address"], holders[0]["memory_mib"], *(machine["name"] for machine in holders))
'
}

# watch MACHINE...: from now on they say where the address is.
watch() {
  local machine
  { echo "FLOATING=$address"; cat "$here/watch.sh"; } >"$run/watch"
  for machine; do send "$run/watch" "$machine"; done
}

# settle: until all machines are well; those of Pacemaker know that of each other.
settle() {
  await "haproxy active" "${machines[@]}"
  if [ -e "$built/${machines[0]}/files/etc/corosync" ]; then
    await "online: ${machines[*]}" "${machines[@]}"
    await "serving: ${machines[*]}" "${machines[@]}"
  fi
}

# holder: prints the machine that has the address; fails unless it is exactly one.
holder() {
  local machine found=()
  for machine in "${machines[@]}"; do
    if is "address here" "$machine"; then found+=("$machine"); fi
  done
  [ ${#found[@]} -eq 1 ] && echo "${found[0]}"
}

# taken: prints the first of the other machines that has the address, within the limit.
taken() {
  local machine end=$((SECONDS + limit))
  while [ "$SECONDS" -lt "$end" ]; do
    for machine in "${others[@]}"; do
      if is "address here" "$machine"; then
        echo "$machine"
        return
      fi
    done
    sleep 0.05
  done
  return 1
}

options s:t:k "$@"
shift "$taken"
[ $# -eq 1 ] || fail "name one folder of out/"
read -r address memory names < <(plan) || fail "this is no plan with a floating address"
read -ra names <<<"$names"
[ ${#names[@]} -gt 1 ] || fail "one machine holds the address for good"

built=out/$1/machines
seeds=()
for name in "${names[@]}"; do seeds+=("$built/$name/seed.iso"); done
insert "${seeds[@]}"
for machine in "${machines[@]}"; do start "$machine"; done
await ready "${machines[@]}"
watch "${machines[@]}"
settle
first=$(holder) || fail "not exactly one machine has $address"
echo "$first has $address"

others=()
for machine in "${machines[@]}"; do [ "$machine" = "$first" ] || others+=("$machine"); done
began=$(date +%s%N)
power_off "$first"
second=$(taken) || fail "nobody took $address over"
echo "$second has $address $((($(date +%s%N) - began) / 1000000)) ms after the power of $first was cut"

moves=$(grep -c '^address ' "$lab/boot/$second/check")
start "$first"
await ready "$first"
watch "$first"
settle
await "address gone" "$first"
[ "$(grep -c '^address ' "$lab/boot/$second/check")" = "$moves" ] || fail "$address did not stay on $second"
echo "$first is back, and $address stayed on $second"
