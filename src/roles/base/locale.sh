# The list is the one that dpkg-reconfigure locales keeps, so that an upgrade generates the same again.

if ! grep -qx "$LOCALE UTF-8" /etc/locale.gen; then
  echo "$LOCALE UTF-8" >>/etc/locale.gen
fi
# A locale that is not there is taken for C, whose characters are ASCII.
if [ "$(LC_ALL=$LOCALE locale charmap 2>/dev/null)" != UTF-8 ]; then
  locale-gen
fi
