#!/bin/sh
# kubectl of the cluster's version.
set -eu
# variables
. /usr/local/lib/bpc/lib.sh

fetch "$URL" "$SHA256" /usr/local/bin/kubectl 0755
