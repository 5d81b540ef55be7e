# Whatever moves the floating address from now on finds that it is not here.

ip -oneline address show to "$FLOATING/32" | while read -r _ interface _ address _; do
  log "$FLOATING is still here: removing it"
  ip address delete "$address" dev "$interface"
done
