extent=4194304
for last; do :; done

# room GROUP: what no volume has, in bytes.
room() {
  left=0
  for device in $(devices group "$1"); do
    left=$((left + ($(fact filled "$device") / extent - 1) * extent))
  done
  for device in $(devices lv "$1"); do
    left=$((left - $(fact size "$device")))
  done
  printf '  %s\n' "$left"
}

# fill DEVICE: what is on it takes all of it.
fill() {
  if [ "$(fact filled "$1")" != "$(fact size "$1")" ]; then
    change
    set_fact filled "$1" "$(fact size "$1")"
  fi
}

# make TYPE UUID DEVICE
make() {
  has size "$3" || exit 1
  change
  set_fact broken "$3" yes
  set_fact content "$3" "$1 $2"
  half
  set_fact filled "$3" "$(fact size "$3")"
  set_fact fresh "$3" yes
  rm -f "$(of broken "$3")"
}

case "$name $*" in
  'blockdev --getsize64 '*) fact size "$last" ;;
  'wipefs --noheadings --output TYPE,UUID '*) fact content "$last" ;;
  'lsblk --noheadings --nodeps --output PKNAME '*)
    case $last in
      *[0-9]) printf '%s\n' "${last#/dev/}" | tr -d 0-9 ;;
      *) echo ;;
    esac
    ;;
  'blkid --probe --match-tag PART_ENTRY_NUMBER --output value '*) printf '%s\n' "$last" | tr -cd 0-9 ;;
  'growpart '*)
    whole=$(($(fact size "$1") - 1610612736))
    [ "$(fact size "$1$2")" -lt "$whole" ] || exit 1
    change
    set_fact size "$1$2" "$whole"
    ;;
  'pvcreate --yes '*)
    ! has content "$last" || exit 5
    change
    set_fact filled "$last" "$(fact size "$last")"
    set_fact content "$last" 'LVM2_member of-lvm'
    ;;
  'pvs --options vg_name '*' --noheadings --nosuffix --units b') printf '  %s\n' "$(fact group "$3")" ;;
  'pvs --noheadings --options pv_name --select vg_name='*) devices group "${last#vg_name=}" | sed 's/^/  /' ;;
  'pvresize '*) fill "$last" ;;
  'vgcreate '*)
    [ -z "$(devices group "$1")" ] || exit 5
    change
    set_fact group "$2" "$1"
    ;;
  'vgextend '*)
    [ -n "$(devices group "$1")" ] && ! has group "$2" || exit 5
    change
    set_fact group "$2" "$1"
    ;;
  'vgs --options vg_free '*' --noheadings --nosuffix --units b') room "$3" ;;
  'vgs '*) [ $# -eq 1 ] && [ -n "$(devices group "$1")" ] || exit 5 ;;
  'lvs --options vg_name '*' --noheadings --nosuffix --units b')
    has lv "$3" || exit 5
    printf '  %s\n' "$(fact lv "$3")"
    ;;
  'lvs --options lv_size '*' --noheadings --nosuffix --units b') printf '  %s\n' "$(fact size "$3")" ;;
  'lvs '*) [ $# -eq 1 ] && has lv "/dev/$1" || exit 5 ;;
  'lvcreate --yes --wipesignatures y --name '*)
    bytes=${7%b}
    ! has lv "/dev/$8/$5" && [ "$(room "$8")" -ge "$bytes" ] || exit 5
    change
    set_fact lv "/dev/$8/$5" "$8"
    set_fact size "/dev/$8/$5" "$bytes"
    ;;
  'lvextend --size '*)
    bytes=${2%b}
    more=$((bytes - $(fact size "$3")))
    [ "$more" -gt 0 ] && [ "$(room "$(group_of "$3")")" -ge "$more" ] || exit 5
    change
    set_fact size "$3" "$bytes"
    ;;
  'mke2fs -q -F -t ext'*) make "$4" "$6" "$7" ;;
  'mkfs.xfs -q -f -m uuid='*) make xfs "${4#uuid=}" "$5" ;;
  'resize2fs '*) fill "$1" ;;
  'xfs_growfs '*) fill "$(cut -d ' ' -f 1 "$mounts/$(printf %s "$1" | tr / ,)")" ;;
  'findmnt --noheadings --output SOURCE,FSTYPE,UUID --mountpoint '*)
    cat "$mounts/$(printf %s "$last" | tr / ,)" 2>/dev/null || exit 1
    ;;
  'mount /'*)
    [ $# -eq 1 ] && ! [ -e "$mounts/$(printf %s "$1" | tr / ,)" ] || exit 32
    change
    mount_as_listed "$1" || exit
    ;;
  *) unknown ;;
esac
