eval "set -- $PACKAGES"
install_packages "$@"
