# The manifests of the blueprint, in its order.

for name in $MANIFESTS; do
  apply "manifest-$name" "${BPC_ROOT:-}/etc/bpc/manifests/$name.yaml"
done
