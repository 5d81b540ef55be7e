# shellcheck shell=sh disable=SC2154
# What offline.sh runs on each machine, below `stage`: fails unless that stage is the only thing that keeps the machine
# from being ready.
status=0
unit=$(systemctl show --property=ActiveState,SubState,NRestarts bpc-bootstrap.service | paste -s -d ' ')
echo "bpc-bootstrap.service: $unit"
[ "$unit" = "NRestarts=0 ActiveState=active SubState=running" ] || status=1
failed=$(systemctl --failed --plain --no-legend)
[ -z "$failed" ] || { echo "failed units: $failed" && status=1; }
bpc-status || :
# Done, then one that failed, then pending.
bpc-status | sed 's/^[0-9]*-//; s/  */ /' | awk -v stage="$stage" '
  $1 == stage && $2 == "failed" { met = 1; next }
  !met && $2 != "done" || met && $2 != "pending" { wrong = 1 }
  END { exit wrong || !met }' || status=1
journalctl --no-pager --quiet --output=cat --identifier=bpc | grep "$stage" | tail -n 20
exit "$status"
