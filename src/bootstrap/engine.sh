# The engine, below the variables MACHINE (host name), STAGES (file names, in order) and LAST (those that follow them, and
# do not wait for each other) and the functions of console.sh that bpc puts above.
#
#   bootstrap            run every stage that is not done, until all are; exit 75 if another engine runs
#   bootstrap --status   print each stage as done, failed or pending; exit 0 if all are done, else 1
#
# Settings from the environment: BPC_CONSOLE (device for the markers), BPC_RETRY_FIRST and BPC_RETRY_MAX (seconds
# between attempts), BPC_CLOUD_INIT_WAIT (seconds), BPC_QUIET (seconds that a stage may say nothing before the console
# hears of it), BPC_ROOT (put before every path: for tests).
root=${BPC_ROOT:-}
lib=$root/usr/local/lib/bpc
stamps=$root/var/lib/bpc/stamps
run=$root/run/bpc

main() {
  case ${1-} in
    --status) status ;;
    '') bootstrap ;;
    *)
      echo "usage: bootstrap [--status]" >&2
      exit 2
      ;;
  esac
}

bootstrap() {
  umask 022
  cd /
  export HOME="${HOME:-/root}" LC_ALL=C.UTF-8 BPC_LIB="$lib"
  mkdir -p "$stamps" "$run"
  # The lock goes with the last process that has it open, so every child that may outlive this one closes it.
  exec 9>"$run/lock"
  if ! flock -n 9; then
    echo "bpc: another bootstrap is running" >&2
    exit 75
  fi
  find_console
  await_cloud_init
  for stage in $STAGES; do
    finish "$stage"
  done
  # shellcheck disable=SC2086
  finish $LAST
  announce "bpc: $MACHINE ready"
}

# Files and network of a new seed are there once cloud-init has ended. It starts this engine without waiting for it,
# so the wait cannot block both; it has an end all the same, and what cloud-init thinks of itself does not stop us.
await_cloud_init() {
  command -v cloud-init >/dev/null || return 0
  code=0
  timeout "${BPC_CLOUD_INIT_WAIT:-900}" cloud-init status --wait >/dev/null 2>&1 </dev/null 9>&- || code=$?
  case $code in
    0) return 0 ;;
    2) verdict="recovered from errors" ;;
    124) verdict="still runs" ;;
    *) verdict="failed" ;;
  esac
  announce "bpc: $MACHINE cloud-init | $verdict (exit $code): cloud-init status --long says more"
}

# finish STAGE...: runs these until each has succeeded. One that fails is tried again after the others had their turn.
finish() {
  attempt=1
  delay=${BPC_RETRY_FIRST:-2}
  next="in $delay s"
  if [ $# -gt 1 ]; then
    next="after the others"
  fi
  while [ $# -gt 0 ]; do
    left=
    for stage; do
      name=${stage#*-}
      if is_done "$stage" || try "$stage"; then
        rm -f "$run/$stage.failed"
        announce "bpc: $MACHINE $name ok"
      else
        left="$left $stage"
        echo "$attempt" >"$run/$stage.failed"
        announce "bpc: $MACHINE $name failed (attempt $attempt, next $next)" "$(first_report)"
      fi
    done
    # shellcheck disable=SC2086
    set -- $left
    if [ $# -gt 0 ]; then
      rest
    fi
  done
}

# Sleeps before the next attempt, for longer each time.
rest() {
  sleep "$delay" 9>&-
  attempt=$((attempt + 1))
  delay=$((delay * 2))
  if [ "$delay" -gt "${BPC_RETRY_MAX:-60}" ]; then
    delay=${BPC_RETRY_MAX:-60}
  fi
  case $next in
    in*) next="in $delay s" ;;
  esac
}

# Whether the stage has succeeded as it is now: its stamp holds the SHA-256 of its file.
is_done() {
  [ -s "$stamps/$1" ] && [ "$(cat "$stamps/$1")" = "$(digest_of "$1")" ]
}

digest_of() {
  sha256sum "$lib/stages/$1" 2>/dev/null | cut -d ' ' -f 1
}

# Runs a stage once; its output goes to stdout and to $run/output. Called where `set -e` is off.
try() {
  # The digest of what starts now: a file that is replaced meanwhile gets its own turn.
  digest=$(digest_of "$1")
  # It may do a part of its work and fail: with what an earlier seed had it is not done any more, either.
  rm -f "$stamps/$1" "$run/pipe" "$run/output"
  mkfifo "$run/pipe" || return 1
  echo "$1 $attempt" >"$run/attempt"
  tee "$run/output" <"$run/pipe" 9>&- &
  copier=$!
  mention_silence "$1 $attempt" "$copier" &
  code=0
  BPC_STAGE=$name "$lib/stages/$1" >"$run/pipe" 2>&1 </dev/null 9>&- || code=$?
  rm -f "$run/attempt"
  drain "$copier"
  # What the stage wrote must be on the disk before the stamp says so: virtual machines lose their power often.
  [ "$code" -eq 0 ] && sync && echo "$digest" >"$stamps/.new" && mv -f "$stamps/.new" "$stamps/$1"
}

# mention_silence ATTEMPT COPIER: tells the console of an attempt that has said nothing for two minutes, then four, eight and
# so on: whoever waits sees that it runs. It ends with the copier, or once another attempt is the one that runs.
mention_silence() {
  exec 9>&- </dev/null
  quiet=${BPC_QUIET:-120}
  silent=0
  mention=1
  said=0
  while :; do
    ended=0
    timeout "$quiet" tail -f -s 0.5 --pid="$2" /dev/null >/dev/null 2>&1 || ended=$?
    # 124: time is up, and the copier is still there.
    if [ "$ended" -ne 124 ] || [ "$(cat "$run/attempt" 2>/dev/null)" != "$1" ]; then
      return
    fi
    size=$(wc -c <"$run/output") || return
    if [ "$size" -ne "$said" ]; then
      said=$size silent=0 mention=1
      continue
    fi
    silent=$((silent + 1))
    if [ "$silent" -eq "$mention" ]; then
      announce "bpc: $MACHINE $name still runs (attempt $attempt, nothing said for $((silent * quiet)) s)"
      mention=$((mention * 2))
    fi
  done
}

# Lets the copier read all that the stage wrote, but does not wait for a process that the stage left behind.
drain() {
  rounds=20
  while [ "$rounds" -gt 0 ] && kill -0 "$1" 2>/dev/null; do
    sleep 0.1 9>&-
    rounds=$((rounds - 1))
  done
}

# The end of the stage's output after its first failure, without what could confuse a terminal.
first_report() {
  if [ "$attempt" -eq 1 ] && [ -s "$run/output" ]; then
    tail -n 5 "$run/output" | tr -d '\000-\010\013-\037\177' | cut -c 1-200 | sed "s/^/bpc: $MACHINE $name | /"
  fi
}

status() {
  code=0
  for stage in $STAGES $LAST; do
    state="done"
    if ! is_done "$stage"; then
      code=1
      state=pending
      if [ -s "$run/$stage.failed" ]; then
        state="failed (attempt $(cat "$run/$stage.failed"))"
      fi
    fi
    printf '%-24s %s\n' "$stage" "$state"
  done
  exit "$code"
}

# The shell has read all of this before it starts, so a new seed may replace the file under it.
main "$@"
exit
