# Stands for the functions of a machine.
log() {
  echo "$*"
}
# fetch URL SHA256 FILE MODE: that it is there, of this version.
fetch() {
  [ "${#2}" -eq 64 ]
  echo "${3##*/} $(echo "$1" | tr / '\n' | grep '^v[0-9]')" >"$ROOT/fetched.${3##*/}"
}
unpack() {
  [ "${#2}" -eq 64 ]
  : >"$ROOT/unpacked.${3##*/}"
}
