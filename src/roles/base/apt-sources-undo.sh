# The sources that came with the image are back.

for file in /etc/apt/sources.list.disabled /etc/apt/sources.list.d/*.disabled; do
  if [ -e "$file" ] && ! [ -e "${file%.disabled}" ]; then
    mv "$file" "${file%.disabled}"
  fi
done
