
usage() {
  cat <<END
usage: ssh.sh MACHINE [COMMAND [ARGUMENT...]]

Logs in to a machine of $NAME, or runs a command there, with the key that was built, over the bastion where there is one.

example: ssh.sh ${MACHINES##* } bpc-status
exit status: that of ssh, or 2 for wrong arguments
END
}

case ${1-} in
  --help | -h)
    usage
    exit
    ;;
  '') wrong "say which machine: $MACHINES" ;;
  -*) wrong "there is no option $1" ;;
esac
among "$1" "$MACHINES" || wrong "'$1' is no machine of $NAME: $MACHINES"
# The paths in the configuration are relative to its folder.
cd "$TREE"
exec ssh -F ssh/config "$@"
