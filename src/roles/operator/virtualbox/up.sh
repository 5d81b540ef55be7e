
usage() {
  cat <<END
usage: up.sh [--dry-run] [--no-start] [--recreate] [--force] [--accept=SETTING] [--disk=FILE] [--timeout=SECONDS]
       [MACHINE...]

Brings machines of $NAME up, all if none is named: makes those that are missing, gives those a new seed that have changed
since, starts them, the gateway first, and waits until they say that they are ready. What is as it should be stays as it
is, so it may be called at any time.

  --no-start  makes machines and starts none; one that runs is left alone
  --recreate  makes the named machines anew: what is on their disks is lost
  --force     goes on if the host has too little memory, processors or disk, or if certificates are not good
  --accept    goes on although machines cannot follow a new value of this setting: it says what is lost without it
  --disk      the system disk, where the blueprint does not say: qcow2, raw, VMDK or VDI
  --timeout   how long machines may take to be ready (default: 3600 seconds)
  --dry-run   prints the commands in place of running them

example: up.sh --disk=images/debian-13-generic-amd64.qcow2
exit status: 0 all is up, 1 failed, 2 wrong arguments
END
}

# The patience of up.sh is for machines to get ready, not to shut down.
shut_down() {
  patience=$TIMEOUT
  TIMEOUT=
  stop "$1"
  TIMEOUT=$patience
  look "$1"
}

# renew MACHINE: makes it what the tree says, switching it off before if need be. Sets RENEWED if it was running.
renew() {
  look "$1"
  RENEWED=
  if is_current && ! chosen --recreate; then
    keep_bound
    return 0
  fi
  if is_running; then
    if chosen --no-start; then
      say "$MACHINE: has changed, but runs: call this without --no-start"
      return 0
    fi
    RENEWED=yes
    shut_down "$1"
  fi
  if chosen --recreate && [ "$STATE" != absent ]; then
    say "$MACHINE: is made anew"
    remove "$UUID" "$VM_FOLDER"
    if [ -n "$DRY_RUN" ]; then
      STATE=absent INFO='' EXTRA=''
    else
      know
      look "$1"
    fi
  elif [ "$STATE" = absent ]; then
    say "$MACHINE: is made"
  else
    say "$MACHINE: has changed"
  fi
  make_base_for
  make
  # The next look finds it.
  [ -n "$DRY_RUN" ] || know
}

# The base disk is there before the first system disk is made of it.
make_base_for() {
  mark system
  if [ -z "$VALUE" ]; then
    keep=$MACHINE
    make_base
    MACHINE=$keep
  fi
}

# run_machine MACHINE: starts it, unless it runs.
run_machine() {
  look "$1"
  if [ "$STATE" != running ]; then
    say "$MACHINE: starting"
    start
  fi
}

MANY=yes
arguments "--no-start --recreate --force --accept --disk --timeout" "$@"
! chosen --recreate || [ -n "$OPERAND" ] || wrong "--recreate wants the names of machines"
begin
chosen_machines
lock
# shellcheck disable=SC2086  # names of machines
preflight $MACHINES_CHOSEN
verdict

FIRST=
OTHERS=
for machine in $MACHINES_CHOSEN; do
  if among "$machine" "$GATEWAYS"; then
    FIRST="$FIRST $machine"
  else
    OTHERS="$OTHERS $machine"
  fi
done

# Those that are off are made first, all of them: what fails there fails before anything is switched on or off.
LATER=
for machine in $FIRST $OTHERS; do
  look "$machine"
  if is_running; then
    LATER="$LATER $machine"
  else
    renew "$machine"
  fi
done

if ! chosen --no-start; then
  for machine in $FIRST; do
    if among "$machine" "$LATER"; then
      renew "$machine"
    fi
    run_machine "$machine"
  done
  # shellcheck disable=SC2086  # names of machines
  await_ready $FIRST
  for machine in $OTHERS; do
    if ! among "$machine" "$LATER"; then
      run_machine "$machine"
    fi
  done
  # What holds an address in one way is off before anything holds it in another.
  TOGETHER=
  for machine in $OTHERS; do
    if among "$machine" "$LATER" && changes_together "$machine"; then
      TOGETHER="$TOGETHER $machine"
      look "$machine"
      shut_down "$machine"
    fi
  done
  for machine in $TOGETHER; do
    renew "$machine"
    run_machine "$machine"
  done
  # shellcheck disable=SC2086  # names of machines
  await_ready $TOGETHER
  # One after the other, so that a cluster keeps its majority.
  for machine in $OTHERS; do
    if among "$machine" "$LATER"; then
      renew "$machine"
      if [ -n "$RENEWED" ]; then
        run_machine "$machine"
        await_ready "$machine"
      fi
    fi
  done
  # shellcheck disable=SC2086  # names of machines
  await_ready $OTHERS
else
  for machine in $LATER; do
    renew "$machine"
  done
fi

MACHINE=
[ -n "$DRY_RUN" ] || know
strangers
for stranger in $STRANGERS; do
  say "${stranger#*=} is not in the blueprint any more, and stays until 'destroy.sh ${stranger#*=}'"
done
