# WAITS: in each line an add-on and what is asked about it. Most run on workers only: until the first has joined, this is
# tried again. What does not come within two minutes does not keep the others waiting as long.

limit=120
missing=
while read -r name question; do
  # shellcheck disable=SC2086
  if ! kubectl $question --timeout "${limit}s" </dev/null; then
    limit=5
    case " $missing " in
      *" $name "*) ;;
      *) missing="$missing $name" ;;
    esac
  fi
done <<END
$WAITS
END
if [ -n "$missing" ]; then
  # Why pods have no machine to run on.
  kubectl get pods --all-namespaces --field-selector status.phase=Pending --output \
    'jsonpath={range .items[*]}{.metadata.name}: {.status.conditions[?(@.reason=="Unschedulable")].message}{"\n"}{end}' || :
  echo "not well yet:$missing" >&2
  exit 1
fi
