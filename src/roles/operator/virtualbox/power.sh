# Starting, stopping and waiting.

# How often a console is looked at, in seconds.
POLL=${BPC_POLL:-2}

# start: switches the machine on that was looked at.
start() {
  case $STATE in
    running) return 0 ;;
    paused)
      change "resume it" controlvm "$UUID" resume
      return 0
      ;;
    gurumeditation | stuck) power_off ;;
  esac
  # What is on its console from now on is of this time; one that goes on says nothing twice.
  if [ -e "$CONSOLE" ] && [ "$STATE" != saved ] && [ "$STATE" != aborted-saved ]; then
    run mv "$CONSOLE" "$VM_FOLDER/console.previous.log"
  fi
  change "start it" startvm "$UUID" --type "$FRONTEND"
}

# power_off: takes its power, and waits until VirtualBox has let go of it.
power_off() {
  change "switch it off" controlvm "$UUID" poweroff
  released
}

# released: waits until no program of VirtualBox holds the machine.
released() {
  [ -z "$DRY_RUN" ] || return 0
  began=$(date +%s)
  rm -f "$WORK/extra.$UUID"
  while :; do
    ask "look at the machine" showvminfo "$UUID" --machinereadable
    INFO=$ANSWER
    field VMState
    STATE=$VALUE
    field SessionName
    if [ -z "$VALUE" ] && ! is_running; then
      return 0
    fi
    [ $(($(date +%s) - began)) -lt 60 ] || fail "$MACHINE: VirtualBox does not let go of it (state $STATE): look at it in VirtualBox"
    sleep "$POLL"
  done
}

# stop MACHINE...: asks all of them to shut down, and takes the power of those that have not after TIMEOUT seconds.
stop() {
  waiting=
  for machine; do
    look "$machine"
    case $STATE in
      running)
        say "$MACHINE: shutting down"
        change "ask it to shut down" controlvm "$UUID" acpipowerbutton
        waiting="$waiting $machine"
        ;;
      paused | gurumeditation | stuck)
        say "$MACHINE: $STATE, so it is switched off"
        power_off
        ;;
    esac
  done
  [ -z "$DRY_RUN" ] || return 0
  asked=$(date +%s)
  while [ -n "$waiting" ]; do
    still=
    for machine in $waiting; do
      look_again "$machine"
      field SessionName
      if ! is_running && [ -z "$VALUE" ]; then
        say "$MACHINE: off"
      elif [ $(($(date +%s) - asked)) -lt "${TIMEOUT:-120}" ]; then
        still="$still $machine"
      elif is_running; then
        say "$MACHINE: did not shut down in ${TIMEOUT:-120} seconds, so it is switched off"
        power_off
      else
        released
      fi
    done
    waiting=$still
    [ -z "$waiting" ] || sleep "$POLL"
  done
}

# marker MACHINE: the newest line of its bootstrap on its console, without its name, in VALUE; empty if there is none.
marker() {
  look "$1"
  VALUE=
  if [ -e "$CONSOLE" ]; then
    VALUE=$(tr -d '\r' <"$CONSOLE" |
      sed -n -e "s/^bpc: $1 \(ready\)\$/\1/p" -e "s/^bpc: $1 \([a-z0-9-]* [^|].*\)/\1/p" | tail -n 1)
  fi
}

# report MACHINE STAGE: what the stage said when it failed.
report() {
  look "$1"
  tr -d '\r' <"$CONSOLE" | sed -n "s/^bpc: $1 $2 | /    /p" | tail -n 5
}

# await_ready MACHINE...: shows how far they are until all are ready. Ends here if one stops, or after TIMEOUT seconds.
await_ready() {
  [ -z "$DRY_RUN" ] && [ $# -gt 0 ] || return 0
  began=$(date +%s)
  ALL=$* waiting=$* rows=0
  checks=0
  while :; do
    still='' news=''
    for machine in $waiting; do
      marker "$machine"
      now=$VALUE
      before=$(cat "$WORK/marker.$machine" 2>/dev/null) || before=
      if [ "$now" != "$before" ]; then
        printf '%s\n' "$now" >"$WORK/marker.$machine"
        news="$news $machine"
      fi
      [ "$now" = ready ] || still="$still $machine"
    done
    progress "$news"
    waiting=$still
    [ -n "$waiting" ] || return 0
    # A machine that has stopped will never be ready.
    checks=$((checks + 1))
    if [ $((checks % 5)) -eq 0 ]; then
      for machine in $waiting; do
        look_again "$machine"
        is_running || fail "$machine: has stopped ($STATE) before it was ready; its last words:
$(tail -n 5 "$CONSOLE" 2>/dev/null)"
      done
    fi
    if [ $(($(date +%s) - began)) -ge "${TIMEOUT:-3600}" ]; then
      fail "not ready after ${TIMEOUT:-3600} seconds:$waiting. They try on: see how far they are with status.sh, and
why with 'console.sh MACHINE'; call this again to wait on."
    fi
    sleep "$POLL"
  done
}

# progress NEWS: on a terminal a line for each machine, drawn anew; else a line for each that has news.
progress() {
  if [ ! -t 1 ]; then
    for machine in $1; do
      read -r line <"$WORK/marker.$machine" || :
      printf '%s: %s\n' "$machine" "$line"
      complaint "$machine" "$line"
    done
    return 0
  fi
  [ -n "$1" ] || [ "$rows" -eq 0 ] || return 0
  # Up to the first line of the table, and away with it.
  if [ "$rows" -gt 0 ]; then
    printf '\033[%dA\033[J' "$rows"
  fi
  for machine in $1; do
    read -r line <"$WORK/marker.$machine" || :
    complaint "$machine" "$line"
  done
  rows=0
  for machine in $ALL; do
    line=
    [ ! -e "$WORK/marker.$machine" ] || read -r line <"$WORK/marker.$machine" || :
    # No line is so long that a terminal would break it.
    printf '%-20s %.58s\n' "$machine" "${line:-starting}"
    rows=$((rows + 1))
  done
}

# complaint MACHINE LINE: what a stage said that failed for the first time.
complaint() {
  case $2 in
    *" failed (attempt 1,"*)
      [ ! -t 1 ] || printf '%s: %s\n' "$1" "$2"
      report "$1" "${2%% *}"
      ;;
  esac
}
