# Downloads what there is, from where `--output` breaks off; asks an API server, and etcd about its members.
cluster=$lasting/cluster
output='' asked='' last=''
for word; do
  case $last in
    --output | -o) output=$word ;;
    --data) asked=$word ;;
  esac
  last=$word
done
case $last in
  https://*:6443/readyz)
    [ -e "$cluster/uid" ] || exit 7
    exit
    ;;
  https://*:2379/v3/cluster/member/list)
    printf '{"header":{"member_id":"7"},"members":[{"ID":"7","peerURLs":["https://192.0.2.7:2380"]}'
    own=$(sed -n 's/^ *"*advertiseAddress"*: //p' /etc/bpc/kubeadm/join.yaml | tr -d '"')
    if [ -e "$cluster/votes" ]; then
      printf ',{"ID":"9","name":"own","peerURLs":["https://%s:2380"],"clientURLs":["https://%s:2379"]}' "$own" "$own"
    elif [ -e "$cluster/learns" ]; then
      printf ',{"ID":"9","name":"own","peerURLs":["https://%s:2380"],"isLearner":true}' "$own"
    fi
    [ ! -s "$cluster/former" ] ||
      printf ',{"ID":"8","name":"it","peerURLs":["https://%s:2380"],"clientURLs":[]}' "$(cat "$cluster/former")"
    echo ']}'
    exit
    ;;
  https://*:2379/v3/cluster/member/remove)
    [ "$asked" = '{"ID": "8"}' ] || unknown
    gone "$cluster/former"
    half
    exit
    ;;
esac
file=/opt/downloads/$(printf '%s' "$last" | tr / _)
[ -e "$file" ] && [ -n "$output" ] || unknown
change
there=0
[ ! -e "$output" ] || there=$(stat -c %s "$output")
tail -c "+$((there + 1))" "$file" | head -c 20 >>"$output"
half
there=$(stat -c %s "$output")
tail -c "+$((there + 1))" "$file" >>"$output"
printf 200
