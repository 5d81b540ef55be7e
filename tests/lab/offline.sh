#!/bin/bash
# offline.sh [-s SUITE] [-t SECONDS] [-m MIB] [-k] STAGE MACHINE/seed.iso...
#
# Boots a machine from each seed, side by side, where nothing can be downloaded, waits until each has said on its
# serial console that STAGE has failed three times, and asks it from inside whether that is all that is wrong: every
# stage before is done, the bootstrap's unit still runs, and systemd has no failed unit.
#
# The options and the guests are those of boot.sh; the guest needs the packages that the machines install.
set -euo pipefail

# shellcheck source-path=SCRIPTDIR source=machines.sh
. "$(dirname "$(realpath "$0")")/machines.sh"

options s:t:m:k "$@"
shift "$taken"
[ $# -gt 1 ] || fail "name a stage and at least one MACHINE/seed.iso"
stage=$1
shift
insert "$@"
for machine in "${machines[@]}"; do start "$machine"; done
await "retrying:$stage" "${machines[@]}"
{
  echo "stage=$stage"
  cat "$here/offline-check.sh"
} >"$run/check"
for machine in "${machines[@]}"; do send "$run/check" "$machine"; done
await checked "${machines[@]}"

status=0
for machine in "${machines[@]}"; do
  echo "== $machine"
  tr -d '\r' <"$lab/boot/$machine/console" | grep '^bpc: '
  verdict "$machine" || status=1
done
exit "$status"
