# A CIB is a text here, the same one in every section. All members are there once Pacemaker runs.
for last; do :; done
cib=${CIB_file:-$lasting/cib}
[ -n "${CIB_file-}" ] || [ -e "$passing/active/pacemaker" ] || case "$name $*" in
  'cibadmin --empty') ;;
  *) exit 102 ;;
esac
case "$name $*" in
  'crm_mon '*)
    sed -n 's/^ *name: \(.*\)/<node name="\1" id="1" online="true" standby="false" pending="false"\/>/p' \
      /etc/corosync/corosync.conf
    ;;
  'crm_verify '*) ;;
  'crm_resource '*) ! grep -q 'floating-address' "$cib" || echo 'resource floating-address is running on: it' ;;
  'crm '*' configure load replace '*) cat "$last" >"$cib" ;;
  'cibadmin --empty') echo nothing ;;
  'cibadmin --query'*) [ ! -e "$cib" ] || cat "$cib" ;;
  'cibadmin --replace '* | 'cibadmin --modify '*)
    if [ -n "${CIB_file-}" ]; then
      cat "$last" >"$cib"
    else
      now "$cib" <"$last"
    fi
    ;;
  *) unknown ;;
esac
