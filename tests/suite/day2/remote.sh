#!/bin/sh
# Stands for the programs on the machines, by the name that it is called by. The cluster is in $WORLD: nodes/NAME/ has
# `version`, `ready` and, if so, `closed`, `mark` and `plane`; `api` is the version of the API; `members` are those of
# etcd as etcdctl lists them. What changes something goes to `events`.
set -eu
event() {
  printf '%s\n' "$*" >>"$WORLD/events"
}
unknown() {
  echo "no stub for: $0 $*" >&2
  exit 64
}
# read_file FILE: its first line, if there is one.
read_file() {
  line=
  if [ -e "$1" ]; then
    read -r line <"$1" || :
  fi
  printf '%s' "$line"
}

kubectl() {
  if [ "$1" = --kubeconfig ]; then
    shift 2
  fi
  case $* in
    "get --raw /readyz") ;;
    "get --raw /version") printf '{\n  "major": "1",\n  "gitVersion": "%s",\n  "goVersion": "go1.25"\n}\n' "$(cat "$WORLD/api")" ;;
    *kubeletVersion*)
      for folder in "$WORLD"/nodes/*; do
        printf '%s' "${folder##*/}"
        for what in version closed mark ready; do
          printf '|'
          read_file "$folder/$what"
        done
        echo
      done
      ;;
    "get nodes --selector "*)
      for folder in "$WORLD"/nodes/*; do
        [ ! -e "$folder/plane" ] || printf '%s=%s ' "${folder##*/}" "$(cat "$folder/ready")"
      done
      ;;
    "get nodes") ls "$WORLD/nodes" ;;
    "get node "*" --ignore-not-found --output name")
      [ ! -d "$WORLD/nodes/$3" ] || echo "node/$3"
      ;;
    "get node "*" --ignore-not-found --output jsonpath="*) read_file "$WORLD/nodes/$3/ready" ;;
    "get node "*" --output wide") cat "$WORLD/nodes/$3/ready" ;;
    "drain "*)
      echo true >"$WORLD/nodes/$2/closed"
      event "$*"
      [ ! -e "$WORLD/nodes/$2/stuck" ]
      ;;
    "uncordon "*)
      rm -f "$WORLD/nodes/$2/closed"
      event "$*"
      ;;
    "annotate node "*" bpc-upgrade=closed --overwrite") echo closed >"$WORLD/nodes/$3/mark" ;;
    "annotate node "*" bpc-upgrade-") rm -f "$WORLD/nodes/$3/mark" ;;
    "delete node "*)
      rm -rf "$WORLD/nodes/$3"
      event "$*"
      ;;
    echo*)
      for word; do
        printf '<%s>' "$word"
      done
      cat
      ;;
    *) unknown "$@" ;;
  esac
}

kubeadm() {
  event "$HOST: kubeadm $*"
  case $* in
    "upgrade plan v"*) ;;
    "upgrade apply v"*) echo "$3" >"$WORLD/api" ;;
    "upgrade node "*) ;;
    *) unknown "$@" ;;
  esac
}

systemctl() {
  case $* in
    daemon-reload) ;;
    "restart kubelet")
      event "$HOST: $(cat "$ROOT/fetched.kubelet")"
      sed 's/.* //' "$ROOT/fetched.kubelet" >"$WORLD/nodes/$HOST/version"
      ;;
    "restart "* | "disable --now kubelet") event "$HOST: systemctl $*" ;;
    *) unknown "$@" ;;
  esac
}

bpc_etcdctl() {
  case $* in
    "endpoint health")
      for folder in "$WORLD"/machines/*; do
        [ ! -e "$folder/stopped" ] || exit 1
      done
      ;;
    "endpoint health --cluster") cat "$WORLD/health" ;;
    "member list")
      [ "$ETCDCTL_ENDPOINTS" = https://127.0.0.1:2379 ]
      cat "$WORLD/members"
      ;;
    "member remove "*)
      sed -i "/^$3,/d" "$WORLD/members"
      event "$HOST: etcdctl $*"
      ;;
    *) unknown "$@" ;;
  esac
}

bpc_etcd_snapshot() {
  [ $# -eq 0 ]
  if [ -e "$ROOT/ill" ]; then
    echo "bpc-etcd-snapshot: no snapshot was taken" >&2
    exit 1
  fi
  mkdir -p "$ROOT/var/lib/etcd-snapshots"
  echo "snapshot of $HOST" >"$ROOT/var/lib/etcd-snapshots/1.db"
  event "$HOST: snapshot"
  echo /var/lib/etcd-snapshots/1.db
}

bpc_etcd_restore() {
  if [ "$*" = --stop ]; then
    rm -f "$ROOT/restored"
    : >"$ROOT/stopped"
    event "$HOST: stop"
    exit
  fi
  [ "$1 $#" = "--yes 2" ]
  # No member may run with the state of before.
  for folder in "$WORLD"/machines/*; do
    if [ -e "$folder/member" ] && ! [ -e "$folder/stopped" ] && ! [ -e "$folder/restored" ]; then
      echo "${folder##*/} runs" >&2
      exit 1
    fi
  done
  cp "$2" "$ROOT/restored"
  rm -f "$ROOT/stopped"
  event "$HOST: restore"
  echo "what was there is in /var/lib/etcd.before-20260101T000000Z"
}

name=${0##*/}
case $name in
  sudo) exec "$@" ;;
  kubectl | kubeadm | systemctl) "$name" "$@" ;;
  bpc-etcdctl) bpc_etcdctl "$@" ;;
  bpc-etcd-snapshot) bpc_etcd_snapshot "$@" ;;
  bpc-etcd-restore) bpc_etcd_restore "$@" ;;
  bpc-renew-token)
    event "$HOST: renew-token $*"
    joining=$(read_file "$WORLD/joins")
    if [ -n "$joining" ]; then
      mkdir -p "$WORLD/nodes/$joining"
      echo True >"$WORLD/nodes/$joining/ready"
    fi
    ;;
  etcdutl) grep -q '^snapshot' "$3" ;;
  # With the path that the machine has for it.
  cksum) printf '%s %s\n' "$(/usr/bin/cksum <"$1")" "${1#"$ROOT"}" ;;
  *) unknown "$@" ;;
esac
