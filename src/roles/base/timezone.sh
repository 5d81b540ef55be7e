# The zone database is a package: cloud-init would look for it before packages can be installed.

timedatectl set-timezone "$ZONE"
