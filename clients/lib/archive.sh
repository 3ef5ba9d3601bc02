#!/bin/sh
# Makes a static library that shows only the names of a version script:
#   archive.sh OUTPUT MAP LIBRARY ARCHIVE...
# LIBRARY goes in whole; of the others, what it needs.
set -eu
output=$1 map=$2 library=$3
shift 3
folder=$(dirname "$output")
mkdir -p "$folder"
sed -n '/global:/,/local:/s/^[[:space:]]*\(zwy_[a-z_*]*\);$/\1/p' "$map" >"$folder/names"
ld -r -o "$folder/zwy.o" --whole-archive "$library" --no-whole-archive "$@"
objcopy --wildcard --keep-global-symbols="$folder/names" "$folder/zwy.o"
rm -f "$output"
ar crs "$output" "$folder/zwy.o"
