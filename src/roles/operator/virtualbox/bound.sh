# What machines that are there are bound to (bpc/bound), beside what the tree says: the file `bound` has a line for each
# machine, KEY=VALUE words, and `settings` one for each key, KEY|RULE|EFFECT|WHAT IS LOST|THE WAY.

# bound_to MACHINE: what the tree binds it to, in BOUND.
bound_to() {
  BOUND=$(sed -n "s/^$1 //p" "$HERE/bound")
}

# value_of KEY WORDS: in VALUE; - if there is none.
value_of() {
  VALUE=-
  for pair in $2; do
    [ "${pair%%=*}" != "$1" ] || VALUE=${pair#*=}
  done
}

# setting KEY: RULE, EFFECT, LOST and WAY of it; fails for one that this tree does not know.
setting() {
  line=$(grep "^$1|" "$HERE/settings") || return 1
  line=${line#*|}
  RULE=${line%%|*} line=${line#*|}
  EFFECT=${line%%|*} line=${line#*|}
  LOST=${line%%|*} WAY=${line#*|}
}

# gone OLD NEW: how many of a list are not in another, in GONE, and how many it has, in COUNT.
gone() {
  GONE=0 COUNT=0
  for member in $(printf '%s' "$1" | tr ',' ' '); do
    [ "$member" != - ] || continue
    COUNT=$((COUNT + 1))
    case ",$2," in
      *",$member,"*) ;;
      *) GONE=$((GONE + 1)) ;;
    esac
  done
}

# is_newer OLD NEW: whether a version can be reached from another: not older, and a minor newer at most.
is_newer() {
  [ "$2" != - ] && [ "${1%%.*}" = "${2%%.*}" ] || return 1
  old=${1#*.} new=${2#*.}
  if [ "${old%%.*}" -eq "${new%%.*}" ]; then
    [ "${new#*.}" -ge "${old#*.}" ]
  else
    [ "${new%%.*}" -eq $((${old%%.*} + 1)) ]
  fi
}

# is_broken RULE OLD NEW: whether a machine that was made with one value cannot follow the other.
is_broken() {
  case $1 in
    version) ! is_newer "$2" "$3" ;;
    majority)
      gone "$2" "$3"
      [ "$GONE" -gt 0 ] && [ $((GONE * 2)) -ge "$COUNT" ]
      ;;
    every)
      gone "$2" "$3"
      [ "$GONE" -gt 0 ]
      ;;
    *) [ "$2" != "$3" ] ;;
  esac
}

# broken MACHINE: writes KEY OLD NEW of all that it cannot follow, if it is there and stays.
broken() {
  look "$1"
  if [ "$STATE" = absent ] || { chosen --recreate && among "$1" "$MACHINES_CHOSEN"; }; then
    return 0
  fi
  mark bound
  was=$VALUE
  bound_to "$1"
  for word in $was; do
    value_of "${word%%=*}" "$BOUND"
    if setting "${word%%=*}" && is_broken "$RULE" "${word#*=}" "$VALUE"; then
      printf '%s %s %s\n' "${word%%=*}" "${word#*=}" "$VALUE"
    fi
  done
}

# check_bound MACHINE...: says what machines cannot follow, once for all that it concerns.
check_bound() {
  for machine; do
    broken "$machine" | sed "s/\$/ $machine/"
  done >"$WORK/bound"
  awk '{ key = $1 " " $2 " " $3; if (!(key in machines)) order[++count] = key; machines[key] = machines[key] " " $4 }
    END { for (i = 1; i <= count; i++) print order[i] machines[order[i]] }' "$WORK/bound" >"$WORK/broken"
  while read -r key old new machines; do
    setting "$key"
    text="$key was $old and is to be $new, on $machines:
         $LOST
         instead: $WAY"
    case $EFFECT in
      kept) warning "$text" ;;
      together) check_together "$key" "$text" "$@" ;;
      *)
        if among "$key" "$ACCEPTED"; then
          warning "$text"
        else
          problem "$text
         --accept=$key goes on all the same"
        fi
        ;;
    esac
  done <"$WORK/broken"
  [ -s "$WORK/broken" ] || good "machines can follow the blueprint"
}

# check_together KEY TEXT MACHINE...: a change that all machines that are there and have the setting make at a time.
check_together() {
  key=$1 text=$2
  shift 2
  missing=
  for other in $MACHINES; do
    bound_to "$other"
    value_of "$key" "$BOUND"
    if [ "$VALUE" != - ] && ! among "$other" "$*"; then
      look "$other"
      [ "$STATE" = absent ] || missing="$missing $other"
    fi
  done
  if [ -n "$missing" ]; then
    problem "$text
         name$missing too: they change together"
  else
    warning "$text"
  fi
}

# changes_together MACHINE: whether it has to be off when others of its kind change.
changes_together() {
  for key in $(broken "$1" | cut -d ' ' -f 1); do
    if setting "$key" && [ "$EFFECT" = together ]; then
      return 0
    fi
  done
  return 1
}

# keep_bound: notes what the machine that was looked at is bound to now.
keep_bound() {
  bound_to "$MACHINE"
  mark bound
  [ "$VALUE" = "$BOUND" ] || note "note what it is bound to" bound "$BOUND"
}
