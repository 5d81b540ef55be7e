
usage() {
  cat <<END
usage: renew-token.sh [--dry-run] [HOURS]

Lets machines join $NAME with the token that their seeds have, for so many hours from now on (24), whether or not it was
good before. The token's first day starts with the cluster.

  --dry-run  prints the commands in place of running them

example: renew-token.sh 2
exit status: 0 done, 1 failed, 2 wrong arguments
END
}

arguments "" "$@"
hours=${OPERAND:-24}
if ! number "$hours" || [ "${#hours}" -gt 4 ]; then
  wrong "'$hours' is no number of hours from 1 to 9999"
fi

for machine in $CONTROL_PLANES; do
  if on "$machine" "sudo /usr/local/sbin/bpc-renew-token $hours"; then
    exit
  fi
done
fail "no control plane could renew it: look with bpc-status on one of $CONTROL_PLANES"
