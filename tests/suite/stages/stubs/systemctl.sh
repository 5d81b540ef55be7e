verb='' units='' immediately=''
for word; do
  case $word in
    --now) immediately=yes ;;
    -*) ;;
    *)
      if [ -z "$verb" ]; then
        verb=$word
      else
        units="$units ${word%.service}"
      fi
      ;;
  esac
done

start_now() {
  change
  start "$1"
}

stop_now() {
  gone "$passing/active/$1"
  rm -f "/run/$1.pid"
}

# A unit whose settings are applied once is not disturbed by being told the same again.
restart() {
  if [ "$1" != systemd-sysctl ] || [ "$(cat "$passing/active/$1")" != "$(configuration "$1")" ]; then
    start_now "$1"
  fi
}

act() {
  case $verb in
    enable)
      ! [ -e "$lasting/masked/$1" ] || exit 1
      echo yes | now "$lasting/enabled/$1"
      [ -z "$immediately" ] || [ -e "$passing/active/$1" ] || start_now "$1"
      ;;
    disable)
      gone "$lasting/enabled/$1"
      [ -z "$immediately" ] || stop_now "$1"
      ;;
    mask)
      echo yes | now "$lasting/masked/$1"
      [ -z "$immediately" ] || stop_now "$1"
      ;;
    unmask) gone "$lasting/masked/$1" ;;
    start) [ -e "$passing/active/$1" ] || start_now "$1" ;;
    stop) stop_now "$1" ;;
    restart | reload-or-restart) restart "$1" ;;
    try-restart | try-reload-or-restart) [ ! -e "$passing/active/$1" ] || restart "$1" ;;
    reload)
      [ -e "$passing/active/$1" ] || exit 1
      restart "$1"
      ;;
    is-active) [ -e "$passing/active/$1" ] || exit 3 ;;
    is-enabled) [ -e "$lasting/enabled/$1" ] || exit 1 ;;
    *) unknown ;;
  esac
}

if [ "$verb" = daemon-reload ]; then
  find /etc/systemd/system -type f -exec sha256sum {} + | sort | now "$passing/loaded"
  exit
fi
[ -n "$units" ] || unknown
for unit in $units; do
  act "$unit"
done
