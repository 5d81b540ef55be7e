# What is looked at before anything is changed: all of it in one run.

# Set by doctor.sh, which also shows what is well.
SHOW_GOOD=
PROBLEMS=0
# Where VirtualBox allows host-only networks, besides 192.168.56.0/21; another file for tests.
NETWORKS_CONF=${BPC_NETWORKS_CONF:-/etc/vbox/networks.conf}

good() {
  [ -z "$SHOW_GOOD" ] || printf 'ok       %s\n' "$*"
}

warning() {
  printf 'warning  %s\n' "$*" >&2
}

problem() {
  PROBLEMS=$((PROBLEMS + 1))
  printf 'problem  %s\n' "$*" >&2
}

# strain TEXT...: a problem, unless --force was said or nothing is done.
strain() {
  if chosen --force || [ -n "$DRY_RUN" ]; then
    warning "$*"
  else
    problem "$*; --force goes on all the same"
  fi
}

# preflight MACHINE...: looks at everything; ends here if there is a problem.
preflight() {
  check_version
  check_processor
  check_tree
  check_certificates
  check_networks
  check_names "$@"
  check_states "$@"
  check_host "$@"
  check_ports "$@"
  check_host_only "$@"
  check_base "$@"
  check_bound "$@"
  MACHINE=
}

# verdict: ends here if there was a problem.
verdict() {
  [ "$PROBLEMS" -eq 0 ] || fail "nothing was changed: see to the problem$([ "$PROBLEMS" -eq 1 ] || echo s) above first"
}

check_version() {
  # That it is missing has been said.
  [ "$VBOX" != no_vbox ] || return 0
  ask "say its version" --version
  # Warnings come before it.
  version=$(printf '%s\n' "$ANSWER" | tail -n 1)
  case $version in
    [0-6].*) problem "VirtualBox $version is too old: install 7.0 or later" ;;
    7.0.*)
      if [ "$ARCHITECTURE" = arm64 ]; then
        problem "VirtualBox $version has no ARM machines: install 7.1 or later"
      else
        good "VirtualBox $version"
      fi
      ;;
    [0-9]*.[0-9]*) good "VirtualBox $version" ;;
    *) problem "VBoxManage does not say its version but '$version': see to it that it works" ;;
  esac
}

# The processor runs the machines, and VirtualBox may use it.
check_processor() {
  case $(uname -m) in
    aarch64 | arm64) host=arm64 ;;
    *) host=amd64 ;;
  esac
  if [ "$host" != "$ARCHITECTURE" ]; then
    strain "this host is $host and runs no $ARCHITECTURE machines: 'image: {architecture: $host}' makes others"
  fi
  case $VBOX:$(uname -s) in
    *.exe:*) return 0 ;;
    *:Linux) ;;
    *) return 0 ;;
  esac
  if [ ! -c "${BPC_VBOXDRV:-/dev/vboxdrv}" ]; then
    text="VirtualBox's kernel driver is not loaded: 'sudo /sbin/vboxconfig', or your distribution's package of it"
    if chosen --no-start || [ -n "$DRY_RUN" ]; then
      warning "$text; without it no machine starts"
    else
      problem "$text"
    fi
  fi
  # Since Linux 6.12 KVM takes the processor when it is loaded, not with its first machine.
  for module in kvm_intel kvm_amd; do
    if [ -d "/sys/module/$module" ] && kernel_is_at_least 6 12; then
      warning "the kernel module $module may keep the processor from VirtualBox (VERR_VMX_IN_VMX_ROOT_MODE):
         'sudo modprobe -r $module', or start the kernel with kvm.enable_virt_at_load=0"
    fi
  done
}

# kernel_is_at_least MAJOR MINOR
kernel_is_at_least() {
  release=$(uname -r)
  major=${release%%.*}
  minor=${release#*.}
  minor=${minor%%[!0-9]*}
  [ "$major" -gt "$1" ] || { [ "$major" -eq "$1" ] && [ "$minor" -ge "$2" ]; }
}

# Every file of the tree is as it was built.
check_tree() {
  if command -v sha256sum >/dev/null 2>&1; then
    set -- sha256sum
  else
    set -- shasum -a 256
  fi
  if (cd "$TREE" && "$@" -c SHA256SUMS) >"$WORK/digests" 2>/dev/null; then
    good "all files of $TREE are as they were built"
  else
    problem "files of $TREE are not as they were built: build the blueprint again
$(grep -v ': OK$' "$WORK/digests" | sed 's/^/         /')"
  fi
}

# check_names MACHINE...: no machine of somebody else's has the name of one of ours, nor its place.
check_names() {
  for machine; do
    look "$machine"
    other_of_that_name
    mark owner
    if [ -n "$OTHER" ]; then
      problem "VirtualBox has a machine '$VM' that is not ours ($OTHER): rename one of the two"
    elif [ "$STATE" != absent ] && [ -n "$VALUE" ] && [ "$VALUE" != "$OWNER $UUID" ]; then
      problem "the machine '$VM' belongs to another vault: destroy it with the tree that made it"
    elif [ "$STATE" = absent ] && ! is_our_folder; then
      problem "$VM_FOLDER holds another machine: move it away"
    fi
  done
  good "no name is taken"
}

# other_of_that_name: another machine that VirtualBox calls like the one that was looked at, in OTHER.
other_of_that_name() {
  OTHER=$(printf '%s\n' "$KNOWN" | grep -F "\"$VM\" {" | grep -v "{$UUID}") || OTHER=
}

# check_states MACHINE...: whatever has to change can.
check_states() {
  for machine; do
    look "$machine"
    case $STATE in
      saved | aborted-saved)
        is_current || problem "$machine has changed, and its memory is saved, so VirtualBox lets nobody change it:
         start it in VirtualBox and shut it down, or 'VBoxManage discardstate $VM', as if its power had failed"
        ;;
    esac
  done
  for machine in $GATEWAYS; do
    look "$machine"
    among "$machine" "$*" || is_running ||
      warning "$machine is off: without it the others have no names and no way out"
  done
}

# check_host MACHINE...: memory, processors and disk.
check_host() {
  need=0 cpus=0 new=0 largest=0
  for machine; do
    look "$machine"
    is_running || need=$((need + MEMORY))
    [ "$CPUS" -le "$cpus" ] || cpus=$CPUS largest=$machine
    mark system
    if [ -z "$VALUE" ] || chosen --recreate; then
      new=$((new + 1))
    fi
  done
  NEW=$new
  check_memory "$need"
  online=$(printf '%s\n' "$ANSWER" | sed -n 's/^Processor online count: *\([0-9]*\).*/\1/p')
  # Without its driver VirtualBox counts no processors.
  if [ "${online:-0}" -eq 0 ]; then
    online=$(getconf _NPROCESSORS_ONLN 2>/dev/null) || online=$cpus
  fi
  if [ "$cpus" -gt "$online" ]; then
    strain "$largest has $cpus processors, the host $online: give it fewer in the blueprint"
  else
    good "$online processors"
  fi
}

# check_memory MIB: so much is free. What VirtualBox says of the host is in ANSWER then.
check_memory() {
  ask "describe the host" list hostinfo
  available=$(printf '%s\n' "$ANSWER" | sed -n 's/^Memory available: *\([0-9]*\) MByte.*/\1/p')
  # Linux knows it without VirtualBox.
  [ -n "$available" ] ||
    available=$(awk '/^MemAvailable:/ { print int($2 / 1024) }' "${BPC_MEMINFO:-/proc/meminfo}" 2>/dev/null) || available=
  if [ -z "$available" ]; then
    warning "nobody knows how much memory is free: the machines to start need $1 MiB"
  elif [ "$1" -gt "$available" ] && ! chosen --no-start; then
    strain "the machines to start need $1 MiB of memory, $available MiB are free"
  else
    good "$1 MiB of memory for the machines to start, of $available MiB"
  fi
}

# check_ports MACHINE...: ports of the host that machines publish which do not run yet.
check_ports() {
  if command -v ss >/dev/null 2>&1; then
    listening=$(ss -Hltn 2>/dev/null | awk '{ print $4 }')
  elif command -v netstat >/dev/null 2>&1; then
    listening=$(netstat -an 2>/dev/null | awk '/LISTEN/ { print $4 }')
  else
    warning "neither ss nor netstat is there: nobody looks for busy ports of the host"
    return 0
  fi
  for machine; do
    look "$machine"
    ! is_running || continue
    for rule in $FORWARDS; do
      # NAME,tcp,ADDRESS,PORT,,PORT
      port=${rule#*,*,*,}
      port=${port%%,*}
      # macOS writes 127.0.0.1.2222.
      if printf '%s\n' "$listening" | grep -q "[:.]$port\$"; then
        problem "port $port of the host is busy, and $machine publishes it: stop what listens there, or choose another"
      fi
    done
  done
  good "the ports of the host are free"
}

# check_host_only MACHINE...: VirtualBox allows the ranges of host-only networks.
check_host_only() {
  seen=
  for machine; do
    look "$machine"
    for entry in $HOST_ONLY; do
      address=${entry#*=*=}
      number_of "${address%/*}"
      size_of "${address#*/}"
      dotted $((NUMBER / SIZE * SIZE))
      network=$DOTTED/${address#*/}
      among "$network" "$seen" || seen="$seen $network"
    done
  done
  case $VBOX in
    *.exe) return 0 ;;
  esac
  for network in $seen; do
    if is_allowed "$network"; then
      good "host-only networks may be in $network"
    else
      problem "VirtualBox allows no host-only network in $network: add the line '* $network' to $NETWORKS_CONF"
    fi
  done
}

# is_allowed ADDRESS/LENGTH: whether VirtualBox makes a host-only network there. A file without ranges forbids all.
is_allowed() {
  if [ ! -e "$NETWORKS_CONF" ]; then
    within "${1%/*}" 192.168.56.0/21
    return
  fi
  while read -r star ranges || [ -n "$star" ]; do
    [ "$star" = '*' ] || continue
    for range in $ranges; do
      case $range in
        *:*) continue ;;
      esac
      ! within "${1%/*}" "$range" || return 0
    done
  done <"$NETWORKS_CONF"
  return 1
}

# within ADDRESS NETWORK/LENGTH
within() {
  number_of "$1"
  size_of "${2#*/}"
  address=$((NUMBER / SIZE))
  number_of "${2%/*}"
  [ "$address" -eq $((NUMBER / SIZE)) ]
}

# check_base MACHINE...: the file of the base disk is there and the right one, and there is room for it.
check_base() {
  choose_base
  if [ -z "$WANTED" ]; then
    if [ "$NEW" -gt 0 ]; then
      problem "$(no_disk)"
    elif [ -n "$STALE" ]; then
      warning "$(no_disk)"
    fi
    return 0
  fi
  # With the last machine that is linked to it, VirtualBox deletes the base disk. One that was installed is looked at
  # before anything is made of it, for nobody could make the same once more.
  if [ "$NEW" -eq 0 ] || { [ -e "$BASE" ] && [ -z "$INSTALLED" ] && ! chosen --recreate; }; then
    good "the base disk is there"
  elif [ -z "$SOURCE" ]; then
    problem "the base disk is gone, and nothing says what it was made of: call up.sh --disk=FILE"
  elif [ ! -e "$SOURCE" ] && [ -n "$INSTALLED" ]; then
    problem "the system disk that base-image.sh made is gone, $SOURCE: call base-image.sh ISO, which makes another"
  elif [ ! -e "$SOURCE" ]; then
    if [ -n "$DISK_URL" ] && [ -z "$DISK" ]; then
      good "$SOURCE will be downloaded"
    else
      problem "there is no $SOURCE: put the system disk there, or call up.sh --disk=FILE"
    fi
  else
    check_source
  fi
  for machine; do
    look "$machine"
    mark system
    if [ -n "$VALUE" ] && [ "$VALUE" != "$BASE_ID" ] && ! chosen --recreate; then
      warning "$machine keeps its system disk, which is not of what the blueprint names now:
         'up.sh --recreate $machine' makes the machine anew, and what is on its disks is lost"
    fi
  done
}

# no_disk: prints why there is no system disk, and what to do.
no_disk() {
  if [ -n "$STALE" ]; then
    echo "base-image.sh made the system disk by what the blueprint said of it before: call base-image.sh ISO, which makes
         another for new machines, or up.sh --disk=FILE"
  else
    if [ -n "$ANSWERS" ]; then
      echo "there is no system disk for the machines, and the blueprint says how it is divided: call
         base-image.sh ISO, which has the installer of $DISTRIBUTION $RELEASE make one. ISO: $MEDIUM
         from $MEDIA"
    else
      echo "there is no system disk for the machines: download the cloud image of $DISTRIBUTION $RELEASE for $ARCHITECTURE,
         $CLOUD_IMAGE
         and call up.sh --disk=${CLOUD_IMAGE##*/}; or name a file as image.disk_file in the blueprint"
    fi
  fi
}

# room: the MiB that are left for machines, in FREE, and where, in PLACE.
room() {
  PLACE=$FOLDER
  while [ ! -d "$PLACE" ]; do
    PLACE=$(dirname "$PLACE")
  done
  FREE=$(df -Pk "$PLACE" | awk 'NR == 2 { print int($4 / 1024) }')
}

check_source() {
  sha256 "$SOURCE"
  if [ -n "$INSTALLED" ]; then
    disk="the disk that base-image.sh made"
  elif [ -z "$DISK_FILE" ]; then
    disk="the disk that --disk names"
  else
    disk="the disk that the blueprint names"
  fi
  if [ "$DIGEST" = "$WANTED" ] && ! is_plain "$SOURCE"; then
    good "$SOURCE is $disk"
  elif [ "$DIGEST" = "$WANTED" ]; then
    problem "$(plain "$SOURCE")"
  else
    problem "$SOURCE is not $disk: its SHA-256 is
         $DIGEST, not
         $WANTED${INSTALLED:+
         Something has written to it: call base-image.sh ISO, which makes another}"
  fi
  copies=1
  [ "$SYSTEM_DISK" = linked ] || copies=$((NEW + 1))
  # The first one is the same file.
  [ -z "$INSTALLED" ] || copies=$((copies - 1))
  room
  size=$(($(wc -c <"$SOURCE") * copies / 1048576))
  if [ "$size" -gt "$FREE" ]; then
    strain "$copies copies of $SOURCE need $size MiB at least, $PLACE has $FREE MiB left"
  elif [ $((DISK_MIB * NEW)) -gt "$FREE" ]; then
    warning "the disks of new machines can grow to $((DISK_MIB * NEW)) MiB together, $PLACE has $FREE MiB left"
  else
    good "$FREE MiB left in $PLACE"
  fi
}
