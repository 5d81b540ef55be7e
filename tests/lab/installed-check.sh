# shellcheck shell=sh disable=SC2154  # PLAN: MOUNT DEVICE MIB TYPE OPTIONS, swap last; wrong
# What installer.sh runs on a machine that has started from what it has installed, below mounted.sh and check.sh.
while read -r mount device mib type options; do
  echo "$mount $device $(size "$device") MiB"
  if [ "$type" = swap ]; then
    [ "$(size "$device")" = "$mib" ] || complain "$device has $(size "$device") MiB, not $mib"
    grep -q "^$(readlink -f "$device") " /proc/swaps || complain "nothing is swapped to $device"
    continue
  fi
  mounted "$mount" "$mib" "$type" "$options"
  found=$(findmnt --noheadings --output SOURCE --mountpoint "$mount")
  [ "$found" = "$device" ] || complain "$found is mounted on $mount, not $device"
done <<PLAN
$PLAN
PLAN

# The boot loader is updated by the place that debconf remembers: that of this machine, not of the one it was installed on.
# With EFI Debian 12 remembers none.
if [ -d /sys/firmware/efi ]; then
  loader=grub-efi-amd64 question=grub-efi/install_devices
  place=$(findmnt --noheadings --output SOURCE --mountpoint /boot/efi) || complain "the EFI system partition is not mounted"
else
  loader=grub-pc question=grub-pc/install_devices place=/dev/vda
fi
devices=$(debconf-show grub-pc | sed -n "s|^[* ]*$question: ||p" | tr -d ,)
echo "$question: $devices"
version=$(sed -n 's/^VERSION_ID="\(.*\)"$/\1/p' /etc/os-release)
[ -n "$devices" ] || [ "$loader $version" = "grub-efi-amd64 12" ] || complain "$loader has no device"
for device in $devices; do
  [ "$(readlink -f "$device")" = "$place" ] || complain "$loader is for $device, not $place"
done
DEBIAN_FRONTEND=noninteractive dpkg-reconfigure "$loader" || complain "$loader cannot be configured"
exit "$wrong"
