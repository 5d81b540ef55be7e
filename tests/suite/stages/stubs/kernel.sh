# What the kernel is told ends with the power.
for last; do :; done
case "$name $*" in
  'sysctl '*-w*=*) echo "${last#*=}" | now "$passing/sysctl/${last%%=*}" ;;
  'sysctl '*--system* | 'sysctl '*-p*) cat /etc/sysctl.d/* | now "$passing/sysctl.d" ;;
  'sysctl -n '*) cat "$passing/sysctl/$last" ;;
  'modprobe '*) echo yes | now "$passing/modules/$last" ;;
  'swapon --show'*) [ ! -e "$passing/swap" ] || cat "$passing/swap" ;;
  'swapoff -a' | 'swapoff --all') gone "$passing/swap" ;;
  *) unknown ;;
esac
