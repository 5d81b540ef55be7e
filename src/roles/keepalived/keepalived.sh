# The floating address.

# keepalived only complains of a file that it cannot include.
test -s /etc/keepalived/password.conf
# keepalived 2.2.7 sends itself SIGTERM where it looks at scripts of another user without being a child of its own
# (acassen/keepalived#2587).
(
  trap '' TERM
  exec keepalived --config-test
)
enable_service keepalived reload-or-restart
