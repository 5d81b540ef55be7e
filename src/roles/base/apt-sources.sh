# The blueprint's mirror is in bpc.sources: the sources that came with the image are set aside.

for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources; do
  case $file in
    */bpc.sources) continue ;;
  esac
  if [ -e "$file" ]; then
    mv "$file" "$file.disabled"
  fi
done
