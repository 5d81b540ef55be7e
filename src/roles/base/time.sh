#!/bin/sh
# The time servers are in timesyncd.conf.d/bpc.conf.
set -eu
. /usr/local/lib/bpc/lib.sh

enable_service systemd-timesyncd restart
