# Debian starts most services when their package is configured.
configured() {
  rm -f "$lasting/unpacked/$1"
  echo yes >"$lasting/installed/$1"
  case $1 in
    corosync | dnsmasq | haproxy | keepalived | pacemaker)
      echo yes | now "$lasting/enabled/$1"
      [ -e "$passing/active/$1" ] || start "$1"
      ;;
  esac
}

configure_all() {
  for package in "$lasting"/unpacked/*; do
    [ ! -e "$package" ] || configured "${package##*/}"
  done
}

mkdir -p "$lasting/unpacked" "$lasting/installed"
case "$name $* " in
  *' --audit '*) ls "$lasting/unpacked" ;;
  *' --configure -a '*)
    change
    configure_all
    ;;
  'apt-get '*' update '*)
    change
    half
    ;;
  'apt-get '*' install --yes '*)
    if [ -n "$(ls "$lasting/unpacked")" ]; then
      echo "dpkg was interrupted" >&2
      exit 100
    fi
    change
    while [ "$1" != --yes ]; do shift; done
    shift
    for package; do
      echo yes >"$lasting/unpacked/$package"
    done
    half
    configure_all
    ;;
  *) unknown ;;
esac
