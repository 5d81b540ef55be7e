# Units: `enabled` lasts, `active` ends with the power. What is active holds the configuration that it has read: the files
# that have its name in their paths.
configuration() {
  name=${1#systemd-}
  cat /etc/*"$name"* /etc/*"$name"*/* /etc/*/*"$name"* /etc/*/*"$name"*/* /etc/*/*/*"$name"*/* 2>/dev/null | sha256sum
}

# start UNIT: it runs, and has read its configuration now.
start() {
  configuration "$1" >"$passing/active/$1"
  echo 1 >"/run/$1.pid"
}
