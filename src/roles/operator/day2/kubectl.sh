
usage() {
  cat <<END
usage: kubectl.sh [--dry-run] [--] ARGUMENT...

Runs kubectl with these arguments on a machine of $NAME that has it, so that none is needed here. It reads what this
command reads; with a terminal it has one too (kubectl.sh exec -it POD -- sh).

  --dry-run  first of all: prints the command in place of running it

  --help, -h  likewise first of all; after '--' they are kubectl's own

example: kubectl.sh get pods --all-namespaces
         kubectl.sh apply -f - <shop.yaml      (files of this host are piped: kubectl runs elsewhere)
exit status: that of kubectl; 2 without arguments; 255 if there is no connection
END
}

case ${1-} in
  --help | -h | --dry-run)
    arguments "" "$1"
    shift
    ;;
esac
if [ "${1-}" = -- ]; then
  shift
fi
[ $# -gt 0 ] || wrong "say what kubectl is to do: get nodes"

find_kubectl
kubectl_command "$@"
if [ -t 0 ] && [ -t 1 ]; then
  ssh_to "$KUBECTL_MACHINE" "$COMMAND" -t
else
  put "$KUBECTL_MACHINE" "$COMMAND"
fi
