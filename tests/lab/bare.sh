#!/bin/bash
# bare.sh USER BINARY...
#
# Runs test binaries that cargo has built as a fresh machine would: in a minimal Debian, without the chroots of the tests and
# without procps, git, curl, Python and all else that only this machine happens to have. USER is nobody, or root, which has
# no right to mount or to make namespaces there, as in most containers. Needs root (asks sudo), mmdebstrap and a Debian mirror.
set -euo pipefail

if [ "$(id -u)" != 0 ]; then exec sudo -- "$BASH" "$0" "$@"; fi
repository=$(realpath "$(dirname "$0")/../..")
user=$1
shift
mapfile -t binaries < <(realpath "$@")

case $user in
  root) rights=('--bounding-set=-sys_admin,-net_admin,-sys_ptrace') ;;
  nobody) rights=(--reuid=nobody --regid=nogroup --clear-groups) ;;
  *)
    echo "bare.sh: $user is neither root nor nobody" >&2
    exit 2
    ;;
esac

bare=$repository/target/bare
if ! [ -e "$bare/.complete" ]; then
  rm -rf --one-file-system "$bare"
  mkdir -p "$repository/target"
  # shellcheck disable=SC2016  # apt fills in these variables
  mirror=$(apt-get indextargets --format '$(LABEL) $(REPO_URI)' 'Identifier: Packages' | awk '$1 == "Debian" { print $2; exit }')
  mmdebstrap --quiet --mode=root --variant=minbase --format=directory --dpkgopt=force-unsafe-io \
    --aptopt='Acquire::Retries "3"' bookworm "$bare" "$mirror"
  : >"$bare/.complete"
fi

mkdir -p "$bare$repository"
# What is mounted goes with the process. The programs have one parent, as cargo's have: the last one says what was skipped.
# shellcheck disable=SC2016  # the inner shell's own variables
exec unshare --mount --pid --fork --kill-child "$BASH" -euc '
  bare=$1 repository=$2 rights=$3
  shift 3
  mount --rbind /dev "$bare/dev"
  mount -t proc proc "$bare/proc"
  mount -t tmpfs -o mode=1777 tmpfs "$bare/tmp"
  mount --bind "$repository" "$bare$repository"
  mount -o remount,bind,ro "$bare$repository"
  mkdir -m 1777 "$bare/tmp/lists"
  status=0
  for binary; do
    # shellcheck disable=SC2086  # several words
    chroot "$bare" setpriv $rights env -i HOME=/tmp PATH=/usr/sbin:/usr/bin:/sbin:/bin BPC_TEST_LISTS=/tmp/lists \
      "$binary" --quiet || status=1
  done
  exit "$status"
' bash "$bare" "$repository" "${rights[*]}" "${binaries[@]}"
