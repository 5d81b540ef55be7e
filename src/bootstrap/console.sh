# Prints a marker line here, and on the console with the lines of $2 below it.
announce() {
  echo "$1"
  [ -n "$console" ] || return 0
  text=$1${2:+
$2}
  # A terminal may hold an unfinished line, a login prompt for one: a marker starts its own.
  if [ -c "$console" ]; then
    text="
$text"
  fi
  # A serial port that nobody reads blocks, so a child writes, for two seconds at the most. It is no session leader:
  # the terminal does not become its controlling one.
  # shellcheck disable=SC2016
  timeout -k 1 2 sh -c 'printf "%s\n" "$1" >>"$2"' sh "$text" "$console" 2>/dev/null </dev/null 9>&- || :
}

# The serial console: the PL011 of an ARM machine, else the first 16550; or none.
find_console() {
  console=
  for device in "${BPC_CONSOLE:-${BPC_ROOT:-}/dev/ttyAMA0}" "${BPC_CONSOLE:-${BPC_ROOT:-}/dev/ttyS0}"; do
    if [ -w "$device" ]; then
      console=$device
      return
    fi
  done
}
