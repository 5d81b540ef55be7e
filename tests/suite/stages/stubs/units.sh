# Units: `enabled` lasts, `active` ends with the power. What is active holds the configuration that it has read: the files
# that have its name in their paths. The kubelet's own are no such files: it ends, and is started again, until all it needs
# is there.
configuration() {
  name=${1#systemd-}
  set --
  for file in /etc/*"$name"* /etc/*"$name"*/* /etc/*/*"$name"* /etc/*/*"$name"*/* /etc/*/*/*"$name"* \
    /etc/*/*/*"$name"*/*; do
    case $file in
      /etc/kubernetes/*) ;;
      *) [ ! -f "$file" ] || set -- "$@" "$file" ;;
    esac
  done
  [ $# -eq 0 ] || cat "$@"
}

# start UNIT: it runs, and has read its configuration now.
start() {
  configuration "$1" >"$passing/active/$1"
  echo 1 >"/run/$1.pid"
}
