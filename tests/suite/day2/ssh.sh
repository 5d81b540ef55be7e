#!/bin/sh
# Stands for ssh: writes down what it is to run where, and runs it among the stubs of that machine. $FAULT is `before N`
# (the connection fails at call N) or `after N` (it breaks once the command of call N has ended).
if [ "$1 $2" != "-F ssh/config" ] || ! [ -f ssh/config ]; then
  echo "ssh: not with the configuration of the tree: $*" >&2
  exit 64
fi
shift 2
while :; do
  case $1 in
    -o) shift 2 ;;
    -E)
      said=$2
      shift 2
      ;;
    -t) shift ;;
    *) break ;;
  esac
done
[ $# -eq 2 ] || exit 64
number=0
[ ! -e "$WORLD/count" ] || read -r number <"$WORLD/count"
number=$((number + 1))
echo "$number" >"$WORLD/count"
printf '%s: %s\n' "$1" "$2" >>"$WORLD/calls"
ROOT=$WORLD/machines/$1
if [ "$FAULT" = "before $number" ] || ! [ -d "$ROOT" ] || [ -e "$ROOT/down" ]; then
  # So ssh calls what it reaches through another machine.
  echo "Connection to UNKNOWN port 65535 timed out" >>"${said:-/dev/stderr}"
  exit 255
fi
export ROOT HOST="$1" BPC_ROOT="$ROOT" BPC_LIB="$WORLD/remote"
code=0
# Paths of the machine.
case $2 in
  */var/lib/* | */usr/local/*)
    command=$(printf '%s\n' "$2" | sed "s|/var/lib/|$ROOT/var/lib/|g; s|/usr/local/sbin/||g")
    ;;
  *) command=$2 ;;
esac
PATH=$WORLD/remote:/usr/bin:/bin /bin/sh -c "$command" || code=$?
[ "$FAULT" != "after $number" ] || exit 255
exit "$code"
