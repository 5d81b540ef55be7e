#!/bin/bash
# guest.sh [SUITE [PACKAGE...]]
#
# Builds the Debian machine that boot.sh starts from a seed: disk.raw, vmlinuz and initrd.img in
# $BPC_LAB/guest/SUITE (BPC_LAB: target/lab unless it is set; SUITE: bookworm or trixie). There is no boot loader:
# qemu loads the kernel. The machine has cloud-init, the gateway's programs and the PACKAGEs; seeds find no
# package mirror when they boot. What is up to date is left alone.
# Needs mmdebstrap, e2fsprogs, and root: it asks sudo if need be.
set -euo pipefail

packages=(
  systemd-sysv dbus udev kmod linux-image-cloud-amd64 initramfs-tools zstd # the machine
  e2fsprogs cloud-guest-utils # cloud-init grows the disk
  cloud-init python3-jsonschema netplan.io locales systemd-resolved systemd-timesyncd
  openssh-server sudo iproute2 iputils-ping iputils-arping procps ca-certificates curl
  nftables dnsmasq # the gateway
  "${@:2}"
)

here=$(dirname "$(realpath "$0")")
lab=$(realpath -m "${BPC_LAB:-$here/../../target/lab}")
if [ "$(id -u)" != 0 ]; then exec sudo -- env "BPC_LAB=$lab" "$BASH" "$0" "$@"; fi

suite=${1:-bookworm}
dir=$lab/guest/$suite
keyring=/usr/share/keyrings/debian-archive-keyring.gpg

# The mirror that this machine's own apt uses for Debian.
mirror() {
  # shellcheck disable=SC2016  # apt fills in these variables
  apt-get indextargets --format '$(LABEL) $(REPO_URI)' 'Identifier: Packages' |
    awk '$1 == "Debian" { print $2; exit }'
}

# Before the packages are configured: what makes the image fit for a machine without a host name, a network or a
# package mirror, and what runs the checks.
before() {
  local root=$1
  mkdir -p "$root/etc/cloud/cloud.cfg.d" "$root/etc/initramfs-tools/conf.d" "$root/etc/systemd/system" \
    "$root/usr/local/sbin"
  # RSA keys take half a minute of an emulated processor.
  cat >"$root/etc/cloud/cloud.cfg.d/90-lab.cfg" <<'CFG'
datasource_list: [NoCloud, None]
ssh_genkeytypes: [ed25519]
CFG
  printf 'MODULES=list\nCOMPRESS=zstd\nCOMPRESSLEVEL=1\nRESUME=none\nFSTYPE=ext4\n' \
    >"$root/etc/initramfs-tools/conf.d/lab"
  install -m 755 "$here/guest-check" "$root/usr/local/sbin/guest-check"
  install -m 644 "$here/guest-check.service" "$root/etc/systemd/system/guest-check.service"
}

# After they are.
after() {
  local root=$1 unit
  # The seed's drive too: cloud-init looks for it only once, early.
  printf '%s\n' virtio_pci virtio_blk ext4 ata_piix sr_mod isofs >>"$root/etc/initramfs-tools/modules"
  chroot "$root" update-initramfs -u -k all
  echo '/dev/vda / ext4 defaults,noatime 0 0' >"$root/etc/fstab"
  echo localhost >"$root/etc/hostname"
  ln -sf ../run/systemd/resolve/stub-resolv.conf "$root/etc/resolv.conf"
  rm -f "$root"/etc/ssh/ssh_host_* "$root/etc/apt/sources.list" "$root"/etc/apt/sources.list.d/*
  chroot "$root" systemctl enable systemd-networkd systemd-resolved systemd-timesyncd guest-check
  # A cloud image brings dnsmasq up only when a role asks for it; the timers cost an emulated machine minutes.
  chroot "$root" systemctl disable dnsmasq
  for unit in apt-daily.timer apt-daily-upgrade.timer e2scrub_all.timer fstrim.timer man-db.timer \
    serial-getty@ttyS0.service getty@tty1.service; do
    ln -sf /dev/null "$root/etc/systemd/system/$unit"
  done
  cp -L "$root"/boot/vmlinuz-* "$dir/vmlinuz"
  cp -L "$root"/boot/initrd.img-* "$dir/initrd.img"
}

# mmdebstrap calls back here.
case ${BPC_GUEST_HOOK:-} in
  before | after)
    "$BPC_GUEST_HOOK" "$2"
    exit
    ;;
esac

stamp() {
  { cat "$0" "$here/guest-check" "$here/guest-check.service"; echo "$suite $uri ${packages[*]}"; } | sha256sum
}

fail() {
  echo "guest.sh: $*" >&2
  exit 1
}

command -v mmdebstrap >/dev/null || fail "install the package mmdebstrap"
command -v mkfs.ext4 >/dev/null || fail "install the package e2fsprogs"
[ -n "$(mirror)" ] || apt-get update
uri=$(mirror)
[ -n "$uri" ] || fail "no Debian mirror in this machine's apt sources"
if [ "$(stamp)" = "$(cat "$dir/stamp" 2>/dev/null)" ]; then
  echo "$suite: up to date"
  exit
fi

mkdir -p "$dir"
rm -f "$dir/stamp"
root=$(mktemp -d "$dir/root.XXXXXX")
trap 'rm -rf --one-file-system "$root"' EXIT
self=$(printf '%q' "$(realpath "$0")")
if ! BPC_LAB=$lab mmdebstrap --mode=root --variant=apt --format=directory --include="${packages[*]}" \
  --aptopt='Acquire::Languages "none"' --aptopt='Acquire::Retries "3"' --dpkgopt=force-unsafe-io \
  --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
  --dpkgopt='path-exclude=/usr/share/doc/*' \
  --essential-hook="BPC_GUEST_HOOK=before bash $self $suite \"\$1\"" \
  --customize-hook="BPC_GUEST_HOOK=after bash $self $suite \"\$1\"" \
  "$suite" "$root" "deb [signed-by=$keyring] $uri $suite main" >"$dir/log" 2>&1; then
  tail -n 20 "$dir/log" >&2
  exit 1
fi
rm -rf "${root:?}"/dev/*
rm -f "$dir/disk.raw"
truncate -s 4G "$dir/disk.raw"
mkfs.ext4 -q -F -O '^has_journal' -E lazy_itable_init=1 -d "$root" "$dir/disk.raw"
stamp >"$dir/stamp"
echo "$suite: built in $SECONDS s, $(du -h "$dir/disk.raw" | cut -f1)"
