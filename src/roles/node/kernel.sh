# What the kubelet wants of the kernel.

root=${BPC_ROOT:-}

if ! [ -e "$root/sys/fs/cgroup/cgroup.controllers" ]; then
  log "the kubelet needs cgroup v2: take systemd.unified_cgroup_hierarchy=0 and the like off the kernel's command line"
  exit 1
fi

for module in $MODULES; do
  modprobe "$module"
done
# This fails if a key is missing, which systemd-sysctl only tells the journal.
sysctl --quiet -p "$root/etc/sysctl.d/zz-bpc-kubernetes.conf"

# No swap, now and later: all that starts it, from fstab, a partition's type or zram-generator, hangs on swap.target.
systemctl mask swap.target zramswap.service
swapoff -a
swaps='^[[:space:]]*[^#[:space:]][^[:space:]]*[[:space:]]+[^[:space:]]+[[:space:]]+swap([[:space:]]|$)'
if grep -Eq "$swaps" "$root/etc/fstab"; then
  sed -E "s/$swaps/# the kubelet wants no swap: &/" "$root/etc/fstab" >"$root/etc/fstab.bpc-new"
  chmod 0644 "$root/etc/fstab.bpc-new"
  mv -f "$root/etc/fstab.bpc-new" "$root/etc/fstab"
fi
left=$(swapon --show=NAME --noheadings)
if [ -n "$left" ]; then
  log "still swapping:" "$left"
  exit 1
fi
