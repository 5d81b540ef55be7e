#!/bin/sh
# Functions for bootstrap stages. Each may be called again at any time and does only what is not done yet; each
# returns a status other than 0 if it could not, and the engine tries the stage again.

# log TEXT...: a line in the journal, with the name of the stage in front.
log() {
  printf '%s: %s\n' "${BPC_STAGE:-bpc}" "$*"
}

# fetch URL SHA256 DEST [MODE]: downloads a file that has this digest to DEST (mode 0644 if none is given).
#
# What was downloaded stays in /var/cache/bpc until it is complete, so a download goes on where it broke off. DEST is
# replaced in one step, and only by bytes with the right digest; with it there already, nothing is downloaded. If the
# digest is empty, that of the first download from URL is the right one from then on.
fetch() (
  url=$1
  digest=${2:-$(_first_digest "$1")}
  dest=$3
  mode=${4:-0644}
  part=${BPC_ROOT:-}/var/cache/bpc/$digest.part
  if [ -z "$digest" ]; then
    exit 1
  fi
  if [ "$(_sha256 "$dest")" = "$digest" ]; then
    rm -f "$part"
    chmod "$mode" "$dest"
    exit
  fi
  mkdir -p "$(dirname "$part")" "$(dirname "$dest")" && _complete "$url" "$part" "$digest" || exit 1
  found=$(_sha256 "$part")
  if [ "$found" != "$digest" ]; then
    rm -f "$part"
    echo "fetch: $url has the SHA-256 $found, expected $digest" >&2
    exit 1
  fi
  cp "$part" "$dest.bpc-new" && chmod "$mode" "$dest.bpc-new" && mv -f "$dest.bpc-new" "$dest" && rm -f "$part"
)

# unpack URL SHA256 DIR [MEMBER...]: installs members of an archive (.tar.gz) that has this digest, all of its files if
# none is named, by their base names into DIR with mode 0755. With all of them there, nothing is downloaded.
unpack() (
  url=$1
  digest=${2:-$(_first_digest "$1")}
  dir=$3
  shift 3
  list=${BPC_ROOT:-}/var/lib/bpc/unpacked/$digest
  archive=${BPC_ROOT:-}/var/cache/bpc/$digest.tar.gz
  work=$dir/.bpc-unpack
  if [ -s "$list" ] && sha256sum --check --status "$list" 2>/dev/null; then
    rm -f "$archive"
    exit
  fi
  rm -rf "$work"
  mkdir -p "$(dirname "$list")" "$work" && fetch "$url" "$digest" "$archive" || exit 1
  tar --extract --gzip --no-same-owner --file "$archive" --directory "$work" "$@" || exit 1
  # shellcheck disable=SC2046
  set -- $(find "$work" -type f | sort)
  chmod 0755 "$@" && mv -f "$@" "$dir" && rm -rf "$work" || exit 1
  for file; do
    sha256sum "$dir/${file##*/}" || exit 1
  done >"$list.new"
  mv -f "$list.new" "$list" && rm -f "$archive"
)

# The digest of the first download from URL, which stays in /var/cache/bpc for `fetch`.
_first_digest() (
  cache=${BPC_ROOT:-}/var/cache/bpc
  record=${BPC_ROOT:-}/var/lib/bpc/downloads/$(printf '%s' "$1" | sha256sum | cut -d ' ' -f 1)
  if [ ! -s "$record" ]; then
    part=$cache/${record##*/}.part
    mkdir -p "$cache" "$(dirname "$record")" && _complete "$1" "$part" "" || exit 1
    found=$(_sha256 "$part")
    echo "$found" >"$record.new" && mv -f "$part" "$cache/$found.part" && mv -f "$record.new" "$record" || exit 1
  fi
  cat "$record"
)

# _complete URL FILE SHA256: downloads what FILE lacks, in up to five tries.
_complete() (
  tries=1
  until [ "$(_sha256 "$2")" = "${3:-none}" ] || _download "$1" "$2"; do
    if [ "$tries" -eq 5 ]; then
      exit 1
    fi
    sleep "$tries"
    tries=$((tries + 1))
  done
)

# The SHA-256 of a file in hexadecimal, or nothing.
_sha256() {
  if [ -f "$1" ]; then
    sha256sum "$1" | cut -d ' ' -f 1
  fi
}

# _download URL FILE: appends to FILE what it lacks.
_download() (
  code=0
  answer=$(curl --silent --show-error --fail --location --proto '=http,https' --connect-timeout 20 \
    --speed-time 60 --speed-limit 1000 --continue-at - --output "$2" --write-out '%{http_code}' "$1") || code=$?
  # 33: the server sends no ranges. 416: it has no bytes after those in FILE, which are not the right ones (to curl
  # this is a success). Both times the next try is for the whole file.
  if [ "$code" -eq 33 ] || [ "$answer" = 416 ]; then
    rm -f "$2"
    code=33
  fi
  exit "$code"
)

# install_packages PACKAGE...: installs what is missing of these, with configuration files that are there kept.
install_packages() (
  for package; do
    shift
    # shellcheck disable=SC2016
    state=$(dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null) || :
    if [ "$state" != installed ]; then
      set -- "$@" "$package"
    fi
  done
  if [ $# -eq 0 ]; then
    exit
  fi
  log "installing $*"
  export DEBIAN_FRONTEND=noninteractive
  # A power cut in the middle of an installation leaves packages that apt-get refuses to work beside.
  if [ -n "$(dpkg --audit)" ]; then
    dpkg --force-confdef --force-confold --configure -a || exit 1
  fi
  _apt_get update && _apt_get install --yes "$@"
)

# apt-get that asks nothing, waits for another apt-get to end, and fails if an index cannot be had.
_apt_get() {
  apt-get --quiet -o DPkg::Lock::Timeout=600 -o APT::Update::Error-Mode=any \
    -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold "$@" </dev/null
}

# enable_service UNIT [ACTION [OPTION]]: has systemd start the unit now and at every boot; first ACTION is applied to it,
# such as reload-or-restart to one whose configuration was written. OPTION is one of systemctl, such as --no-block. A
# seed without this stage ends the unit (the stage `former`).
enable_service() {
  _note "${BPC_ROOT:-}/var/lib/bpc/units/$1" "${0##*/}" || return 1
  systemctl daemon-reload && systemctl enable "$1" || return 1
  if [ "${2:-start}" != start ]; then
    apply "$2" "$1" ${3:+"$3"} || return 1
  fi
  systemctl ${3:+"$3"} start "$1"
}

# _note FILE TEXT: has FILE hold TEXT.
_note() {
  if [ "$(cat "$1" 2>/dev/null)" != "$2" ]; then
    mkdir -p "${1%/*}" && echo "$2" >"$1.new" && mv -f "$1.new" "$1"
  fi
}

# apply ACTION UNIT [OPTION]: has systemd do what puts the files of this stage into force, unless it did since the machine
# started. A stage is another file when what it applies has changed.
apply() (
  note=${BPC_ROOT:-}/run/bpc/applied/${0##*/}.$2
  digest=$(_sha256 "$0")
  if ! [ -s "$note" ] || [ "$(cat "$note")" != "$digest" ]; then
    systemctl ${3:+"$3"} "$1" "$2" && mkdir -p "${note%/*}" && echo "$digest" >"$note"
  fi
)
