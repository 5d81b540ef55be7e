#!/bin/bash
# checkers.sh [TARGET] [SUITE...]
#
# Builds the Debian chroots in which the tests run the real programs: TARGET/bookworm, TARGET/trixie, TARGET/forky and
# TARGET/sid (default target/checkers, which is where the tests look unless BPC_CHECKERS names another folder).
# A chroot that is up to date is left alone. Needs mmdebstrap, and root: it asks sudo if need be.
# The packages come from the mirror in this machine's own apt sources; no service is started.
set -euo pipefail

packages=(
  apt                                   # apt-cache: do the packages of a role exist?
  cloud-init python3-jsonschema         # cloud-init schema
  netplan.io                            # netplan generate
  systemd                               # systemd-analyze verify
  dnsmasq-base nftables                 # the gateway's programs
  haproxy                               # the load balancers' program
  keepalived                            # what moves the floating address
  corosync pacemaker crmsh              # the cluster of the load balancers
  resource-agents                       # what it runs, with its parameters
  curl                                  # downloads of the bootstrap
  iproute2 iputils-ping iputils-arping  # a look at a test's network
  python3-yaml                          # the YAML reader of cloud-init and netplan
  dash busybox shellcheck devscripts    # shells, shellcheck, checkbashisms
  openssl gnutls-bin                    # judges of certificates and keys
  openssh-client openssh-server         # a login with the built ones
  etcd-server etcd-client               # a cluster with the built certificates
  kubernetes-client                     # kubectl reads the built kubeconfigs
  cpio initramfs-tools-core             # readers of the installer's overlay
  locales tzdata                        # names of languages and time zones
)
# The installer's code that reads a recipe, which is unpacked and not installed: suite, SHA-256 and path in the pool, since a
# mirror may have another list of the installer's packages than the one that is signed. Should a point release replace one,
# its list (main/debian-installer/binary-amd64) has the next.
installer_packages='bookworm 368398d995fd3cca41cefed020d7f91cc8360cdc2bb94ee784f6723b9db9a3cd partman-auto/partman-auto_162
bookworm 9537549f884b3f93fa218243ad6f4e2fae1e90a4065928266ce94fa6c18d02ab partman-base/partman-base_226
trixie 6336439b8349df6b2f0b2ecf3ca19091e12da56d5793df3dab189c36d4a90e1f partman-auto/partman-auto_177
trixie 6acb89d2d7650bfb06f5b05c21101e32401881c3c9710ee183480e0d3863282a partman-base/partman-base_237'
# Debian 14 in the making has what Debian 13 does not: containerd 2 and a kubectl of today.
new_packages=(containerd kubernetes-client)
# VirtualBox is in unstable only. Its programs do all but start a machine without its kernel modules.
virtualbox_packages=(virtualbox systemd-standalone-sysusers)

target=$(realpath -m "${1:-$(dirname "$0")/../../target/checkers}")
if [ "$(id -u)" != 0 ]; then exec sudo -- "$BASH" "$0" "$target" "${@:2}"; fi

suites=("${@:2}")
[ ${#suites[@]} -gt 0 ] || suites=(bookworm trixie forky sid)
keyring=/usr/share/keyrings/debian-archive-keyring.gpg

fail() {
  echo "checkers.sh: $*" >&2
  exit 1
}

# The mirror that this machine's own apt uses for Debian.
mirror() {
  # shellcheck disable=SC2016  # apt fills in these variables
  apt-get indextargets --format '$(LABEL) $(REPO_URI)' 'Identifier: Packages' |
    awk '$1 == "Debian" { print $2; exit }'
}

# The packages of a suite. Debian 13 has one for each fence agent, containerd 1.7, and just.
packages_of() {
  case $1 in
    bookworm) echo "${packages[@]}" fence-agents ;;
    trixie) echo "${packages[@]}" fence-agents-virsh containerd just ;;
    forky) echo "${new_packages[@]}" ;;
    sid) echo "${virtualbox_packages[@]}" ;;
    *) fail "there is no suite $1" ;;
  esac
}

# Whether the age of a suite's index matters: that of the suite in the making ends after a week, and a mirror that stands
# still has no newer one.
expires() {
  case $1 in
    bookworm | trixie) echo true ;;
    *) echo false ;;
  esac
}

# sources_of SUITE FOLDER: the apt sources, where a folder of ours may be one of them.
sources_of() {
  local debian="deb [signed-by=$keyring] $uri $1"
  if [ "$1" = sid ]; then
    modules_stub "$2"
    printf '%s\n' "$debian main contrib" "deb [trusted=yes] copy:$2 ./"
  else
    echo "$debian main"
  fi
}

# modules_stub FOLDER: a repository with an empty package in place of VirtualBox's kernel modules.
modules_stub() {
  mkdir -p "$1/package/DEBIAN"
  cat >"$1/package/DEBIAN/control" <<'END'
Package: bpc-no-virtualbox-modules
Version: 1
Architecture: all
Maintainer: nobody <nobody@localhost>
Provides: virtualbox-modules
Description: nothing, in place of kernel modules
END
  dpkg-deb --root-owner-group --build "$1/package" "$1/modules.deb" >/dev/null
  {
    cat "$1/package/DEBIAN/control"
    echo "Filename: ./modules.deb"
    echo "Size: $(stat -c %s "$1/modules.deb")"
    echo "SHA256: $(sha256sum "$1/modules.deb" | cut -d ' ' -f 1)"
  } >"$1/Packages"
}

# build SUITE: bootstraps beside the final place and moves there, so that a chroot is whole or absent.
build() {
  local suite=$1 log=$target/$1.log new own sources start=$SECONDS
  new=$(mktemp -d "$target/$suite.XXXXXX")
  own=$(mktemp -d)
  chmod 755 "$new" "$own"
  mapfile -t sources < <(sources_of "$suite" "$own")
  if ! mmdebstrap --mode=root --variant=apt --format=directory --include="$(packages_of "$suite")" \
    --skip=cleanup/apt/lists \
    --aptopt='Acquire::Languages "none"' --aptopt='Acquire::Retries "3"' \
    --aptopt="Acquire::Check-Valid-Until \"$(expires "$suite")\"" \
    --dpkgopt=force-unsafe-io \
    --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
    --dpkgopt='path-exclude=/usr/share/doc/*' \
    "$suite" "$new" "${sources[@]}" >"$log" 2>&1; then
    tail -n 20 "$log" >&2
    rm -rf --one-file-system "$new" "$own"
    return 1
  fi
  if ! installer "$suite" "$new" "$own" >>"$log" 2>&1; then
    tail -n 20 "$log" >&2
    rm -rf --one-file-system "$new" "$own"
    return 1
  fi
  rm -rf "$own"
  rm -rf --one-file-system "${target:?}/$suite"
  mv "$new" "$target/$suite"
  stamp "$suite" >"$target/$suite/.stamp"
  echo "$suite: built in $((SECONDS - start)) s, $(du -sh "$target/$suite" | cut -f1)"
}

# installer SUITE CHROOT FOLDER: unpacks the installer's packages of a suite, if any, into a folder of the chroot.
installer() {
  local unpacked=$2/usr/share/bpc-installer suite sum path
  while read -r suite sum path; do
    [ "$suite" = "$1" ] || continue
    mkdir -p "$unpacked"
    /usr/lib/apt/apt-helper -o Acquire::Retries=3 -o APT::Sandbox::User=root download-file \
      "${uri%/}/pool/main/p/${path}_amd64.udeb" "$3/udeb" "SHA256:$sum" || return 1
    dpkg-deb --extract "$3/udeb" "$unpacked" || return 1
    rm "$3/udeb"
  done <<<"$installer_packages"
}

# What a chroot is made from: if that changes, it is built anew.
stamp() {
  { cat "$0"; echo "$1 $uri"; } | sha256sum
}

command -v mmdebstrap >/dev/null || fail "install the package mmdebstrap"
[ -f "$keyring" ] || fail "install the package debian-archive-keyring"
[ -n "$(mirror)" ] || apt-get update
uri=$(mirror)
[ -n "$uri" ] || fail "no Debian mirror in this machine's apt sources"

mkdir -p "$target"
exec 9>"$target/.lock"
flock 9
builds=()
for suite in "${suites[@]}"; do
  if [ "$(stamp "$suite")" = "$(cat "$target/$suite/.stamp" 2>/dev/null)" ]; then
    echo "$suite: up to date"
  else
    build "$suite" &
    builds+=($!)
  fi
done
status=0
for pid in "${builds[@]}"; do wait "$pid" || status=1; done
exit "$status"
