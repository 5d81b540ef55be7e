#!/bin/bash
# installer.sh [-f FIRMWARE] [-b BLUEPRINT] [-p | -m MACHINE] [-t SECONDS] [-k] [SUITE]
#
# Builds BLUEPRINT (default tests/blueprints/volumes) for Debian SUITE (bookworm or trixie; default bookworm) and
# FIRMWARE (bios or efi; default that of the blueprint), and has Debian's own installer carry out what bpc wrote for it,
# on an empty disk, as docs/installer.md tells a person to. Exit status 0 only if it asked nothing and all is as the
# blueprint says: the partitions, the volumes, their file systems and mount options, what is left free; and what is
# on the disk when it has turned itself off. Where the blueprint has a proxy, only that knows the name of the mirror.
#
#   -p          end when the disk is divided
#   -m MACHINE  then start MACHINE of the blueprint from the disk and its seed: it must get ready, with its volumes (one on
#               the network wan, without disks of its own)
#   -t SECONDS  how long it may take (default 5400)
#   -k          use the processor's virtualisation (KVM); without, qemu emulates one
#
# The disk and the logs: $BPC_LAB/installer/NAME-SUITE-FIRMWARE (BPC_LAB: target/lab unless it is set). Packages come
# from the mirror of this machine's own apt sources, through udebs.py. BPC: the bpc to use, if not the project's.
# Needs qemu-system-x86, qemu-utils, libarchive-tools, dpkg, gpg, fdisk, python3-yaml, with efi ovmf; no root.
set -euo pipefail

here=$(dirname "$(realpath "$0")")
lab=$(realpath -m "${BPC_LAB:-$here/../../target/lab}")
blueprint=$here/../blueprints/volumes firmware='' until=end machine='' limit=5400
accel=tcg,thread=multi,tb-size=512 cpu=qemu64 boot_options=()

fail() {
  echo "installer.sh: $*" >&2
  exit 1
}

while getopts f:b:pm:t:k option; do
  case $option in
    f) firmware=$OPTARG ;;
    b) blueprint=$OPTARG ;;
    p) until=divided ;;
    m) machine=$OPTARG ;;
    t) limit=$OPTARG ;;
    k) accel=kvm cpu=host boot_options=(-k) ;;
    *) exit 2 ;;
  esac
done
shift $((OPTIND - 1))
suite=${1:-bookworm}
case $suite in bookworm) number=12 ;; trixie) number=13 ;; *) fail "no installer is known for $suite" ;; esac
[ -z "$machine" ] || [ "$until" = end ] || fail "-p ends before there is anything to start"
for program in qemu-system-x86_64 qemu-img bsdtar dpkg-deb gpg sfdisk; do
  command -v "$program" >/dev/null || fail "$program is missing"
done

pids=()
run=$(mktemp -d)
# shellcheck disable=SC2317  # the trap calls it
finish() {
  local pid
  for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
  wait
  rm -rf "$run"
}
trap finish EXIT

# sources: prints 'LABEL URI' for each mirror that this machine's own apt uses.
sources() {
  # shellcheck disable=SC2016  # apt fills in these variables
  apt-get indextargets --format '$(LABEL) $(REPO_URI)' 'Identifier: Packages'
}

# The installer's kernel and initrd, as the package of SUITE has them.
images() {
  local folder=$lab/installer/images-$suite file
  images=$folder/usr/lib/debian-installer/images/$number/amd64/text/debian-installer/amd64
  initrd=$folder/initrd
  [ -e "$folder/stamp" ] && return
  rm -rf "$folder"
  mkdir -p "$initrd"
  file=$(curl -fsS "$mirror/dists/$suite/main/binary-amd64/Packages.xz" | xz -d |
    sed -n "s/^Filename: \(.*\/debian-installer-$number-netboot-amd64_.*\)/\1/p" | tail -n 1)
  curl -fsS -o "$folder/deb" "$mirror/$file"
  dpkg-deb -x "$folder/deb" "$folder"
  rm "$folder/deb"
  gzip -dc "$images/initrd.gz" | bsdtar -xf - -C "$initrd" --exclude 'dev/*'
  touch "$folder/stamp"
}

# The blueprint with the mirror in front, SUITE and FIRMWARE; $name, $firmware and $size (MiB of the disk) after that.
build() {
  local bpc=(cargo run --quiet --release --)
  [ -z "${BPC:-}" ] || bpc=("$BPC")
  mkdir -p "$run/blueprint"
  read -r name firmware < <(/usr/bin/python3 - "$blueprint/blueprint.yaml" "$run/blueprint/blueprint.yaml" \
    "http://10.0.2.2:$port" "$suite" "$firmware" <<'PY'
import sys, yaml
source, target, server, suite, firmware = sys.argv[1:]
timestamp = "tag:yaml.org,2002:timestamp"
yaml.SafeLoader.add_constructor(timestamp, lambda loader, node: node.value)
yaml.SafeDumper.ignore_aliases = lambda *_: True
blueprint = yaml.safe_load(open(source))
image = blueprint["image"]
image |= {"mirror": f"{server}/debian", "release": suite}
if "proxy" in image:
    image |= {"mirror": "http://mirror.example/debian", "proxy": server}
image.pop("snapshot", None)
image.pop("security_mirror", None)
if firmware:
    image["firmware"] = firmware
yaml.safe_dump(blueprint, open(target, "w"), sort_keys=False)
print(blueprint["name"], image.get("firmware", "bios"))
PY
  )
  dir=$lab/installer/$name-$suite-$firmware
  rm -rf "$dir"
  mkdir -p "$dir"
  "${bpc[@]}" build --out "$dir/out" "$run/blueprint" >"$dir/build" 2>&1 || fail "$(cat "$dir/build")"
  [ -z "$machine" ] || [ -e "$dir/out/$name/machines/$machine" ] || fail "$name has no machine $machine"
  size=$("${bpc[@]}" plan --format json "$run/blueprint" | sed -n 's/.*"disk_mib": \([0-9]*\),/\1/p' | head -n 1)
}

# What the lab adds behind bpc's archive: the installer's log goes to the second serial port, what it has made of the
# disk and of the system to the third. In Debian 13's initrd /lib is a link, over which no folder may be laid.
add() {
  local root=$run/lab lib=lib hook
  [ ! -L "$initrd/lib" ] || lib=usr/lib
  mkdir -p "$root/$lib/debian-installer-startup.d" "$root/$lib/partman/finish.d" "$root/usr/lib/finish-install.d" \
    "$root/usr/share/keyrings"
  cp "$run/mirror/archive.gpg" "$root/usr/share/keyrings/archive.gpg"
  cat >"$root/$lib/debian-installer-startup.d/S99lab" <<'SH'
tail -n +1 -F /var/log/syslog >/dev/ttyS1 2>/dev/null </dev/null 3>&- 4>&- 5>&- &
SH
  mkdir "$root/usr/lib/lab"
  cp "$here/installer-report" "$here/guest-check" "$here/guest-check.service" "$root/usr/lib/lab"
  hook=$root/$lib/partman/finish.d/99lab
  printf '#!/bin/sh\n/usr/lib/lab/installer-report divided >/dev/ttyS2 2>&1 </dev/null 3>&-\n' >"$hook"
  [ "$until" = end ] || echo 'sync; poweroff -f' >>"$hook"
  # Before /target is unmounted (95umount). boot.sh sends its check to what is installed here.
  cat >"$root/usr/lib/finish-install.d/94zlab" <<'SH'
#!/bin/sh
/usr/lib/lab/installer-report installed >/dev/ttyS2 2>&1 </dev/null 3>&-
cp /usr/lib/lab/guest-check /target/usr/local/sbin
cp /usr/lib/lab/guest-check.service /target/etc/systemd/system
in-target systemctl enable guest-check
SH
  chmod 755 "$root/$lib/debian-installer-startup.d/S99lab" "$hook" "$root/usr/lib/finish-install.d/94zlab"
  (cd "$root" && bsdtar -cf - --format newc --uid 0 --gid 0 -- *) | gzip -1 >"$run/lab.cpio.gz"
  cat "$images/initrd.gz" "$dir/out/$name/installer/initrd-overlay.cpio.gz" "$run/lab.cpio.gz" >"$run/initrd.gz"
}

# Exit status 0 when the installer has turned the machine off. Its disk has an identity, which boot.sh does not give it, and
# the terminal arguments that machines.sh explains are for what is installed.
install() {
  local pid start=$SECONDS firmware_arguments=()
  if [ "$firmware" = efi ]; then
    cp "${OVMF:-/usr/share/OVMF}/OVMF_VARS_4M.fd" "$dir/vars.fd"
    firmware_arguments=(-drive "if=pflash,format=raw,readonly=on,file=${OVMF:-/usr/share/OVMF}/OVMF_CODE_4M.fd"
      -drive "if=pflash,format=raw,file=$dir/vars.fd")
  fi
  truncate -s "${size}M" "$dir/disk.raw"
  qemu-system-x86_64 -name "installer-$name" -accel "$accel" -cpu "$cpu" \
    -machine pc,usb=off,vmport=off,hpet=off -m 1024 -smp 2 \
    -nodefaults -no-user-config -display none -monitor none -no-reboot \
    -serial "file:$dir/console" -serial "file:$dir/syslog" -serial "file:$dir/report" "${firmware_arguments[@]}" \
    -kernel "$images/linux" -initrd "$run/initrd.gz" \
    -append "auto=true priority=critical DEBIAN_FRONTEND=text TERM=dumb --- \
console=ttyS0 clearcpuid=141 mitigations=off systemd.tty.term.console=dumb systemd.tty.rows.console=25 \
systemd.tty.columns.console=100" \
    -drive "file=$dir/disk.raw,if=none,id=disk,format=raw,cache=unsafe,discard=unmap" \
    -device virtio-blk-pci,drive=disk,serial=installer \
    -netdev user,id=nic -device virtio-net-pci,netdev=nic,romfile= \
    -object rng-random,id=rng,filename=/dev/urandom -device virtio-rng-pci,rng=rng >"$dir/qemu" 2>&1 &
  pid=$!
  pids+=("$pid")
  while kill -0 "$pid" 2>/dev/null; do
    if grep -q '^Prompt: ' "$dir/console" 2>/dev/null; then fail "it asks: $(tail -n 30 "$dir/console")"; fi
    [ $((SECONDS - start)) -lt "$limit" ] || fail "not done after $limit s: $(tail -n 20 "$dir/console" "$dir/syslog")"
    sleep 1
  done
  wait "$pid" || fail "qemu: $(cat "$dir/qemu")"
  echo "$name $suite $firmware: off after $((SECONDS - start)) s"
}

# $machine from the disk, which stays as it is.
boot() {
  {
    cat "$here/mounted.sh"
    echo '('
    cat "$here/check.sh"
    echo ') || wrong=1'
    /usr/bin/python3 "$here/installer.py" machine "$run/blueprint/blueprint.yaml" "$machine" |
      sed "1s/^/PLAN='/; \$s/\$/'/"
    cat "$here/installed-check.sh"
  } >"$run/check"
  BPC_LAB=$dir bash "$here/boot.sh" -d "$dir/disk.raw" -f "$firmware" -o -c "$run/check" -t "$limit" "${boot_options[@]}" \
    "$dir/out/$name/machines/$machine/seed.iso"
}

mirror=$(sources | awk '$1 == "Debian" { print $2; exit }')
security=$(sources | awk '$1 == "Debian-Security" { print $2; exit }')
[ -n "$mirror" ] || fail "no Debian mirror in this machine's apt sources"
mirror=${mirror%/}
images
mkdir "$run/mirror"
/usr/bin/python3 "$here/udebs.py" "$suite" "$initrd" "$run/mirror" "$mirror" "${security:-$mirror-security}" \
  2>"$run/mirror/log" &
pids+=($!)
until [ -s "$run/mirror/port" ]; do
  kill -0 "${pids[0]}" 2>/dev/null || fail "udebs.py: $(cat "$run/mirror/log")"
  sleep 0.2
done
port=$(cat "$run/mirror/port")
build
cp "$run/mirror/made" "$dir/udebs"
add
install
tr -d '\r' <"$dir/report" >"$run/report"
sfdisk --json "$dir/disk.raw" >"$run/partitions"
/usr/bin/python3 "$here/installer.py" "$until" "$run/blueprint/blueprint.yaml" "$run/partitions" "$run/report"
[ -z "$machine" ] || boot
