# Whether all of these machines are in the cluster and take part in its decisions.
online() {
  seen=$(crm_mon --one-shot --output-as=xml) || return 1
  for member; do
    printf '%s\n' "$seen" | grep -q "<node name=\"$member\" .*online=\"true\".*pending=\"false\"" || return 1
  done
}

# await TIMES COMMAND...: runs it every two seconds until it succeeds.
await() {
  left=$1
  shift
  until "$@"; do
    left=$((left - 1))
    [ "$left" -gt 0 ] || return 1
    sleep 2
  done
}
