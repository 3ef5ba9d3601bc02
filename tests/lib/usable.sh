#!/bin/sh
# libzwy as somebody else's program meets it: installed, found by pkg-config, linked
# shared and static, from C and from C++, with no names but its own.
#   usable.sh BUILD_FOLDER
set -eu
build=$1
here=$(dirname "$0")
stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT
flags=
grep -q '^ZWY_ASAN:BOOL=ON' "$build/CMakeCache.txt" && flags=-fsanitize=address,undefined
grep -q '^ZWY_TSAN:BOOL=ON' "$build/CMakeCache.txt" && flags=-fsanitize=thread
cmake --install "$build" --prefix "$stage" --component libzwy >/dev/null
PKG_CONFIG_PATH=$(dirname "$(find "$stage" -name zwy.pc)")
lib=$(dirname "$PKG_CONFIG_PATH")
export PKG_CONFIG_PATH LD_LIBRARY_PATH="$lib"

cat >"$stage/use.c" <<'C'
#include <zwy.h>
#include <stdio.h>
#include <string.h>

int
main(void)
{
	struct zwy_client *client = NULL;
	struct zwy_error error;
	struct zwy_bytes record;
	char *text = NULL;
	if (zwy_client_new(&client, "unix:/nonexistent/zwy", NULL, NULL) != 0)
		return 1;
	zwy_client_free(client);
	static const char json[] = "{\"purpose\": \"test\"}";
	struct zwy_bytes from = {json, strlen(json)};
	if (zwy_message_parse("zwy.v1.Application", from, ZWY_JSON, &record, &error) != 0)
		return 2;
	if (zwy_message_print("zwy.v1.Application", record, ZWY_TEXT, &text, &error) != 0)
		return 3;
	return strcmp(text, "purpose=test\n") == 0 && zwy_version()[0] ? 0 : 4;
}
C
cp "$stage/use.c" "$stage/use.cc"

warn="-Wall -Wextra -Werror $flags"
cc -std=c99 -pedantic $warn $(pkg-config --cflags zwy) -o "$stage/c-shared" "$stage/use.c" $(pkg-config --libs zwy)
ASAN_OPTIONS=detect_leaks=0 "$stage/c-shared"
mkdir "$stage/static"
cp "$lib/libzwy.a" "$stage/static"
cc -std=c99 $warn $(pkg-config --cflags zwy) -o "$stage/c-static" "$stage/use.c" -L"$stage/static" \
	$(pkg-config --static --libs zwy | sed "s, *-L[^ ]*,,g")
ASAN_OPTIONS=detect_leaks=0 "$stage/c-static"
! ldd "$stage/c-static" | grep -q libzwy || { echo "the static program needs libzwy.so"; exit 1; }
if command -v c++ >/dev/null; then
	c++ -std=c++17 $warn $(pkg-config --cflags zwy) -o "$stage/cc-shared" "$stage/use.cc" $(pkg-config --libs zwy)
	ASAN_OPTIONS=detect_leaks=0 "$stage/cc-shared"
fi

soname=$(readelf -d "$lib/libzwy.so" | sed -n 's/.*SONAME.*\[\(.*\)\]/\1/p')
test "$soname" = libzwy.so.1 || { echo "soname is $soname"; exit 1; }
# Names and their versions, as programs were linked with them: only additions are allowed.
nm -D --defined-only --with-symbol-versions "$lib/libzwy.so" | sed -n 's/.* \(zwy_.*\|ZWY_.*\)/\1/p' | LC_ALL=C sort >"$stage/abi"
LC_ALL=C diff -u "$here/libzwy.abi" "$stage/abi" || { echo "tests/lib/libzwy.abi and libzwy.so differ"; exit 1; }
grep -o '\bzwy_[a-z_]*(' "$stage/include/zwy.h" | tr -d '(' | sort -u >"$stage/declared"
nm -D --defined-only "$lib/libzwy.so" | sed -n 's/.* T \([^@]*\).*/\1/p' | sort -u >"$stage/shared"
nm -g --defined-only "$lib/libzwy.a" | sed -n 's/.* [A-Z] \(.*\)/\1/p' | sort -u >"$stage/archived"
grep '_' "$stage/declared" | grep -v -x -f "$stage/shared" && { echo "declared but not exported"; exit 1; }
grep -v -x -f "$stage/declared" "$stage/shared" && { echo "exported but not declared"; exit 1; }
grep -v '^zwy_' "$stage/archived" && { echo "libzwy.a shows names that are not its own"; exit 1; }
exit 0
