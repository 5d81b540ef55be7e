case "$name $*" in
  'locale-gen ')
    change
    rm -f "$lasting/locales"
    half
    grep -v '^#' /etc/locale.gen >"$lasting/locales"
    ;;
  'locale charmap')
    if grep -qsx "$LC_ALL UTF-8" "$lasting/locales"; then
      echo UTF-8
    else
      echo ANSI_X3.4-1968
    fi
    ;;
  *) unknown ;;
esac
