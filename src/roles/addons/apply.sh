export KUBECONFIG=/etc/kubernetes/admin.conf
applied=${BPC_ROOT:-}/var/lib/bpc/addons

# apply NAME FILE: has the API hold the objects in FILE, unless this cluster, and no earlier one, has got just these.
apply() (
  cluster=$(kubectl get namespace kube-system --output 'jsonpath={.metadata.uid}') || exit 1
  wanted="$(sha256sum <"$2" | cut -d ' ' -f 1) $cluster"
  if [ -s "$applied/$1" ] && [ "$(cat "$applied/$1")" = "$wanted" ]; then
    exit
  fi
  kubectl apply --server-side --force-conflicts --field-manager bpc --filename "$2" || exit 1
  mkdir -p "$applied" && echo "$wanted" >"$applied/$1.new" && mv -f "$applied/$1.new" "$applied/$1"
)

