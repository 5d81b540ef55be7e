# What /etc/bpc/addons/$NAME says about a pinned manifest, or instead of one.

folder=${BPC_ROOT:-}/etc/bpc/addons/$NAME
objects=$folder/manifest.yaml
if [ -n "$URL" ]; then
  fetch "$URL" "$SHA256" "$folder/upstream.yaml"
fi
if [ -e "$folder/kustomization.yaml" ]; then
  objects=$applied/$NAME.yaml
  mkdir -p "$applied"
  kubectl kustomize "$folder" >"$objects.new"
  # kustomize says nothing about a patch with a selector that finds nothing.
  while IFS= read -r expected; do
    if ! grep -Fq -e "$expected" "$objects.new"; then
      echo "$NAME: the patches do not go with the manifest, which then lacks: $expected" >&2
      exit 1
    fi
  done <<END
$EXPECTED
END
  mv -f "$objects.new" "$objects"
fi
apply "$NAME" "$objects"
if [ -n "$WAIT" ]; then
  # shellcheck disable=SC2086
  kubectl $WAIT --timeout 120s
fi
