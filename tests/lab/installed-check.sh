# shellcheck shell=sh disable=SC2154  # PLAN: MOUNT DEVICE MIB TYPE OPTIONS, swap last; wrong: set if check.sh failed
# What installer.sh runs on a machine that has started from what it has installed, below check.sh.
complain() {
  echo "WRONG: $*"
  wrong=1
}

while read -r mount device mib type options; do
  found=$(blockdev --getsize64 "$device" | awk '{ print int($1 / 1048576) }')
  echo "$mount $device $found MiB"
  [ "$found" = "$mib" ] || complain "$device has $found MiB, not $mib"
  if [ "$type" = swap ]; then
    grep -q "^$(readlink -f "$device") " /proc/swaps || complain "nothing is swapped to $device"
    continue
  fi
  found=$(findmnt --noheadings --output SOURCE,FSTYPE --mountpoint "$mount" | xargs)
  [ "$found" = "$device $type" ] || complain "$mount is $found, not $device $type"
  # A file system has nearly all of what it is on.
  found=$(stat -f -c '%b %S' "$mount" | awk '{ print int($1 * $2 / 1048576) }')
  [ "$found" -ge "$((mib * 85 / 100))" ] || complain "the file system of $mount has $found of $mib MiB"
  found=$(findmnt --noheadings --output OPTIONS --mountpoint "$mount")
  for option in $(echo "$options" | tr , ' '); do
    case ,$found, in
      *,"$option",*) ;;
      *) complain "$mount is mounted with $found, not $option" ;;
    esac
  done
done <<PLAN
$PLAN
PLAN

# The boot loader is updated by the place that debconf remembers: that of this machine, not of the one it was installed on.
# With EFI only Debian 13 remembers one.
if [ -d /sys/firmware/efi ]; then
  loader=grub-efi-amd64 question=grub-efi/install_devices
  place=$(findmnt --noheadings --output SOURCE --mountpoint /boot/efi) || complain "the EFI system partition is not mounted"
else
  loader=grub-pc question=grub-pc/install_devices place=/dev/vda
fi
devices=$(debconf-show grub-pc | sed -n "s|^[* ]*$question: ||p" | tr -d ,)
echo "$question: $devices"
[ -n "$devices" ] || [ "$loader" = grub-efi-amd64 ] || complain "$loader has no device"
for device in $devices; do
  [ "$(readlink -f "$device")" = "$place" ] || complain "$loader is for $device, not $place"
done
DEBIAN_FRONTEND=noninteractive dpkg-reconfigure "$loader" || complain "$loader cannot be configured"
exit "${wrong:-0}"
