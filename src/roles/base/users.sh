# Who may log in. cloud-init adds users and keys and takes none away: those that an earlier seed named and this one does
# not let nobody in any more. The files of such a user stay.

root=${BPC_ROOT:-}
state=$root/var/lib/bpc/users
closed=$root/var/lib/bpc/closed

# forget FILE KEY...: takes keys out of a list of those that are let in.
forget() {
  list=$1
  shift
  if [ $# -eq 0 ] || ! [ -e "$list" ]; then
    return 0
  fi
  awk -v gone="$*" '
    BEGIN { count = split(gone, keys, " ") }
    { for (i = 1; i <= count; i++) if (index($0, keys[i])) next; print }' "$list" >"$list.bpc-new"
  chmod --reference "$list" "$list.bpc-new"
  chown --reference "$list" "$list.bpc-new"
  mv -f "$list.bpc-new" "$list"
}

for note in "$state"/*; do
  [ -e "$note" ] || continue
  user=${note##*/}
  # What nobody named uses any more, and what this user does not.
  stale=
  gone=
  read -r keys <"$note" || keys=
  for key in $keys; do
    case " $KEYS " in
      *" $key "*) [ "$user" = "$LOGIN" ] || gone="$gone $key" ;;
      *)
        stale="$stale $key"
        gone="$gone $key"
        ;;
    esac
  done
  entry=$(getent passwd "$user") || entry=
  # shellcheck disable=SC2086  # keys have no blanks
  if [ -n "$entry" ]; then
    forget "$root$(printf '%s\n' "$entry" | cut -d : -f 6)/.ssh/authorized_keys" $gone
  fi
  # shellcheck disable=SC2086
  forget "$root/root/.ssh/authorized_keys" $stale
  if [ "$user" != "$LOGIN" ]; then
    if [ -n "$entry" ]; then
      log "$user is not in the blueprint any more: the account is closed, its files stay"
      usermod --lock --expiredate 1 "$user"
      mkdir -p "$closed"
      : >"$closed/$user"
    fi
    rm -f "$note"
  fi
done

if [ -e "$closed/$LOGIN" ]; then
  usermod --expiredate '' "$LOGIN"
  rm -f "$closed/$LOGIN"
fi
mkdir -p "$state"
echo "$KEYS" >"$state/.new"
mv -f "$state/.new" "$state/$LOGIN"
