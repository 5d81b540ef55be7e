# Downloads what there is, from where `--output` breaks off.
output='' last=''
for word; do
  case $last in
    --output | -o) output=$word ;;
  esac
  last=$word
done
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
