# The system disk that base-image.sh has an installer make, where the blueprint says how it is divided. It is kept beside
# the base disks, and what up.sh makes of it is another name for it, since VirtualBox deletes a base disk with the last
# disk that is linked to it. Its lock, KEPT, says what it is, and what it was made of:
#   disk     its SHA-256, by which it is also named
#   iso      the SHA-256 of the installer's ISO
#   answers  the SHA-256 of what answered its questions
#   size     in MiB

# look_at_installer: the machine that the installer runs on. No machine of a blueprint has a dot in its name.
look_at_installer() {
  MACHINE="base-image"
  VM=$NAME.$MACHINE
  VM_FOLDER=$FOLDER/$VM
  CONSOLE=$VM_FOLDER/console.log
  UUID=$INSTALLER
  look_at "$UUID"
}

# is_installer_ours: whether the machine that was looked at may be changed; so may what is left of its folder.
is_installer_ours() {
  mark owner
  case $STATE:$VALUE in
    absent:) is_our_folder ;;
    # Interrupted before it was marked.
    *: | inaccessible:* | *:"$OWNER $UUID") ;;
    *) return 1 ;;
  esac
}

# locked KEY: what the lock says, in VALUE.
locked() {
  VALUE=
  [ ! -e "$KEPT" ] || VALUE=$(sed -n "s/^$1 //p" "$KEPT")
}

# installed_disk DIGEST: the file of the disk, in FILE.
installed_disk() {
  FILE=$FOLDER/base/installed-$(printf '%.16s' "$1").vdi
}

# is_stale: whether the disk is of other answers than those of the tree, or has another size.
is_stale() {
  digest "$ANSWERS"
  locked answers
  [ "$VALUE" = "$DIGEST" ] || return 0
  locked size
  [ "$VALUE" != "$DISK_MIB" ]
}

# find_installed: the disk that was made, for choose_base. STALE is set if it is not what the blueprint says now.
find_installed() {
  locked disk
  if [ -z "$ANSWERS" ] || [ -z "$VALUE" ]; then
    return 0
  fi
  INSTALLED=$VALUE
  if is_stale; then
    STALE=yes
  else
    WANTED=$INSTALLED
    installed_disk "$WANTED"
    SOURCE=$FILE
  fi
}
