#!/bin/sh
# SPDX-License-Identifier: MIT
# No function below preload.c calls what preload.c defines, except through next.c: it would come
# back to ourselves. next.c itself knows them by name only. Nobody calls malloc: a hook may run
# inside an allocator.
set -u
command -v "${NM:=nm}" >/dev/null || exit 77
src=${top_srcdir:-.} build=${top_builddir:-.}
fail=0 seen=0

for obj in "$build"/src/.libs/*.o "$build"/src/drivers/.libs/*.o; do
	seen=$((seen + 1))
	for sym in $("$NM" -u "$obj" | awk '{ print $2 }'); do
		if grep -qxE "$sym( 32)?" "$src/src/exported-symbols.txt"; then
			echo "$obj calls $sym, which preload.c defines"
			fail=1
		fi
		case $sym in
		malloc | calloc | realloc | free | strdup | asprintf | fopen | strerror)
			echo "$obj calls $sym"
			fail=1
			;;
		esac
	done
done
[ "$seen" -gt 10 ] || { echo "only $seen objects found"; exit 1; }
exit $fail
