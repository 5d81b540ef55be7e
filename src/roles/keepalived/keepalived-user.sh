# The user of the checks: there before the package is installed and starts keepalived.

if ! getent passwd keepalived_script >/dev/null; then
  useradd --system --user-group --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin keepalived_script
fi
