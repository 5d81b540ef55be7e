# What the cluster runs: one machine says so to all of them.

eval "set -- $MEMBERS"
if ! await 60 online "$@"; then
  log "not all of $* are online"
  if [ "$ALONE" = no ]; then
    exit 1
  fi
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# crm refuses to replace what runs, so the plan is composed in a file of its own.
sed '/^#/d' "${BPC_ROOT:-}/etc/bpc/cluster.crm" >"$work/cluster.crm"
cibadmin --empty >"$work/planned.xml"
CIB_file=$work/planned.xml crm --display plain --force configure load replace "$work/cluster.crm"

# It takes the place of all resources and constraints; what the cluster notes about itself stays.
cibadmin --query >"$work/now.xml"
cp "$work/now.xml" "$work/merged.xml"
for section in crm_config rsc_defaults resources constraints; do
  case $section in
    resources | constraints) set -- --replace ;;
    *) set -- --modify --allow-create ;;
  esac
  CIB_file=$work/planned.xml cibadmin --query --scope "$section" >"$work/section.xml"
  CIB_file=$work/merged.xml cibadmin "$@" --scope "$section" --xml-file "$work/section.xml"
done
for state in now merged; do
  CIB_file=$work/$state.xml cibadmin --query --scope configuration >"$work/$state.configuration"
done
if ! cmp -s "$work/now.configuration" "$work/merged.configuration"; then
  crm_verify --xml-file "$work/merged.xml"
  cibadmin --replace --scope configuration --xml-file "$work/merged.configuration"
fi

held() {
  crm_resource --resource floating-address --locate | grep 'is running on'
}
if ! await 60 held; then
  crm_mon --one-shot
  exit 1
fi
