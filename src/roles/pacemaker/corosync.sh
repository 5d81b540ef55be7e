# Who belongs to the cluster.

corosync -t
if [ "$HAPROXY" = yes ]; then
  # The cluster starts it. What runs already goes on, and the cluster finds it.
  systemctl disable haproxy
fi
# Installed with these files in place, or started after them, Corosync has read them. Otherwise its restart takes
# Pacemaker down before and up after it; the address goes to another machine meanwhile.
action=start
started=${BPC_ROOT:-}/run/corosync.pid
if ! [ -e "$started" ] ||
  [ -n "$(find "${BPC_ROOT:-}/etc/corosync/corosync.conf" "${BPC_ROOT:-}/etc/corosync/authkey" -newer "$started")" ]; then
  action=restart
fi
enable_service corosync "$action"
enable_service pacemaker
if ! await 60 online "$MACHINE"; then
  crm_mon --one-shot
  exit 1
fi
