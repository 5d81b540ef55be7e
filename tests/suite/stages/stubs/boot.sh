# The power is back.
PATH=/usr/sbin:/usr/bin
lasting=/var/lib/stubs
passing=/run/stubs
mkdir -p /run/lock "$passing/active"
if grep -q '^[^#].* swap ' /etc/fstab && [ ! -e "$lasting/masked/swap.target" ]; then
  echo /dev/vdb >"$passing/swap"
fi
for unit in "$lasting"/enabled/*; do
  start "${unit##*/}"
done
find /etc/systemd/system -type f -exec sha256sum {} + | sort >"$passing/loaded"
