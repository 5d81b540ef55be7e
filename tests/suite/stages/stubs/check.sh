# Judges a configuration, and finds it good.
case " $* " in
  *' -c '* | *' -t '* | *' --test '* | *' --config-test '*) ;;
  *) unknown ;;
esac
