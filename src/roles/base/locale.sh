# The list is the one that dpkg-reconfigure locales keeps, so that an upgrade generates the same again.

if ! grep -qx "$LOCALE UTF-8" /etc/locale.gen; then
  echo "$LOCALE UTF-8" >>/etc/locale.gen
fi
locale-gen
