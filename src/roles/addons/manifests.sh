# The manifests of the blueprint, in its order. One that is refused does not keep the later ones from being applied.

refused=
for name in $MANIFESTS; do
  apply "manifest-$name" "${BPC_ROOT:-}/etc/bpc/manifests/$name.yaml" || refused="$refused $name"
done
if [ -n "$refused" ]; then
  echo "not applied:$refused" >&2
  exit 1
fi
