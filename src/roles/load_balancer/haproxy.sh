# What HAProxy can read is put into force. Pacemaker, where there is one, starts it by itself.

haproxy -c -q -f /etc/haproxy/haproxy.cfg -f /etc/haproxy/users.cfg
if [ "$STARTED_BY" = systemd ]; then
  enable_service haproxy reload-or-restart
else
  apply try-reload-or-restart haproxy
fi
