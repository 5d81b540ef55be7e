# A member that runs is a healthy one.
case " $* " in
  *' --cacert '*' --cert '*' --key '*' endpoint health ') [ -e "$passing/active/etcd" ] || exit 1 ;;
  *) unknown ;;
esac
