# Stands for a program: writes down how it is called, and fails where it is told to; what follows below acts.
#
# $log/calls has a line for each call. A call is a query unless it says `change`: $log/changes has the numbers of those.
# $FAULT is `fail N` (call N fails and does nothing), `cut N` (the power goes before call N does anything) or `half N M`
# (it goes where call N says `half` for the Mth time). A real power cut: all processes of the stage end.
PATH=/usr/sbin:/usr/bin
name=${0##*/}
log=/opt/log
lasting=/var/lib/stubs
passing=/run/stubs
newline='
'

number=0
[ ! -e "$log/count" ] || read -r number <"$log/count"
number=$((number + 1))
echo "$number" >"$log/count"
line=$name
for word; do
  case $word in
    *"$newline"*) line="$line '${word%%"$newline"*}...'" ;;
    '' | *[!a-zA-Z0-9_./:=@%+,-]*) line="$line '$word'" ;;
    *) line="$line $word" ;;
  esac
done
printf '%s\n' "$line" >>"$log/calls"
case $FAULT in
  "fail $number")
    echo "$name fails" >&2
    exit 1
    ;;
  "cut $number") kill -9 0 ;;
esac

change() {
  echo "$number" >>"$log/changes"
}

halves=0
half() {
  halves=$((halves + 1))
  echo "$number $halves" >>"$log/halves"
  [ "$FAULT" != "half $number $halves" ] || kill -9 0
}

unknown() {
  printf '%s\n' "$line" | tee -a "$log/unknown" >&2
  exit 1
}

# now FILE: has FILE hold what is on stdin; a change if it did not.
now() {
  wanted=$(cat)
  if ! [ -e "$1" ] || [ "$(cat "$1")" != "$wanted" ]; then
    change
    mkdir -p "${1%/*}"
    printf '%s\n' "$wanted" >"$1"
  fi
}

# gone FILE: removes FILE; a change if it was there.
gone() {
  if [ -e "$1" ]; then
    change
    rm -f "$1"
  fi
}
