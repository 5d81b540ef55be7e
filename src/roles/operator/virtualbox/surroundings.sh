# What the host has that the blueprint could collide with: the time, and networks. BPC_NOW, BPC_RESOLV_CONF and
# BPC_MEMINFO name others for tests.

# moment TIME: a time of RFC 3339 in UTC as a number that grows with it, in MOMENT.
moment() {
  MOMENT=$(printf '%s' "$1" | tr -cd 0-9)
}

# check_certificates: none has expired, all are good already, and will be for another while. VALIDITY has a word for all
# certificates that start and end together: WHAT=FROM=WARN=UNTIL, where WARN is 30 days before the end.
check_certificates() {
  now=${BPC_NOW:-$(date -u +%Y-%m-%dT%H:%M:%SZ)}
  moment "$now"
  number=$MOMENT
  for entry in $VALIDITY; do
    what=${entry%%=*} times=${entry#*=}
    from=${times%%=*} until=${times##*=}
    warn=${times#*=} warn=${warn%=*}
    case $what in
      operator)
        who="the operator's SSH certificate" be=is have=has
        way="write 'pki: {operator_from: $now}' into the blueprint and build it: no machine gets a new seed"
        ;;
      *)
        who="certificates ($what)" be=are have=have
        way="write 'epoch: ${now%%T*}T00:00:00Z' into the blueprint, build it, and call up.sh: all machines get a new seed"
        ;;
    esac
    moment "$from"
    start=$MOMENT
    moment "$until"
    end=$MOMENT
    moment "$warn"
    if [ "$number" -lt "$start" ]; then
      strain "$who $be good from $from on only, and the host's clock says $now: set the clock, or write an earlier time
         into the blueprint and build it"
    elif [ "$number" -gt "$end" ]; then
      strain "$who $have expired at $until: $way"
    elif [ "$number" -ge "$MOMENT" ]; then
      warning "$who will expire at $until: $way"
    else
      good "$who $be good until $until"
    fi
  done
}

# host_networks: what the host reaches without a router, or by a route of its own, as lines `NETWORK/LENGTH INTERFACE`.
# Ways to everywhere are none, nor are adapters of VirtualBox.
host_networks() {
  if command -v ip >/dev/null 2>&1; then
    ip -4 route show 2>/dev/null | awk '
      $1 ~ /^[0-9]/ { for (i = 2; i < NF; i++) if ($i == "dev") print ($1 ~ /\// ? $1 : $1 "/32"), $(i + 1) }'
  elif command -v netstat >/dev/null 2>&1; then
    # BSD and macOS leave zeros at the end out: 192.168.1 is 192.168.1.0/24, 10 is 10.0.0.0/8.
    netstat -rn -f inet 2>/dev/null | awk '
      $1 ~ /^[0-9]/ {
        split($1, part, "/")
        count = split(part[1], byte, ".")
        length_ = part[2] != "" ? part[2] : count * 8
        print byte[1] "." byte[2] + 0 "." byte[3] + 0 "." byte[4] + 0 "/" length_, $4
      }'
  fi | awk '$2 !~ /^(lo[0-9]*$|vboxnet|vnic)/ { split($1, part, "/"); if (part[2] >= 8) print }'
}

# overlap ONE OTHER: whether two networks have an address in common.
overlap() {
  if [ "${1#*/}" -lt "${2#*/}" ]; then
    within "${2%/*}" "$1"
  else
    within "${1%/*}" "$2"
  fi
}

# check_networks: NETWORKS has the networks of machines, as NAME=ADDRESS/LENGTH, those that the host is on as
# NAME@ADDRESS/LENGTH. What machines have themselves they do not look for at the host.
check_networks() {
  case $VBOX in
    *.exe) return 0 ;;
  esac
  host_networks >"$WORK/routes"
  hits=
  while read -r there interface; do
    for entry in $NETWORKS; do
      network=${entry#*[=@]}
      overlap "$network" "$there" || continue
      name=${entry%%[=@]*}
      hits=yes
      case $entry in
        *@*)
          problem "the host-only network $name ($network) overlaps $there, which the host has on $interface: give it
         another range in the blueprint"
          ;;
        *)
          warning "network $name ($network) overlaps $there, which the host has on $interface: machines reach nothing there,
         be it a mirror, a proxy or a time server; another range in the blueprint avoids that"
          ;;
      esac
    done
  done <"$WORK/routes"
  # shellcheck disable=SC2013  # addresses have no blanks
  for server in $(sed -n 's/^nameserver  *\([0-9][0-9.]*\).*/\1/p' "${BPC_RESOLV_CONF:-/etc/resolv.conf}" 2>/dev/null); do
    for entry in $NETWORKS; do
      if within "$server" "${entry#*[=@]}"; then
        hits=yes
        warning "the host's name server $server has an address of network ${entry%%[=@]*}: VirtualBox asks it for the machines,
         which cannot do so themselves"
      fi
    done
  done
  [ -n "$hits" ] || good "the host has no network of the blueprint's"
}
