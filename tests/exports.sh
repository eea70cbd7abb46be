#!/bin/sh
# SPDX-License-Identifier: MIT
# The object exports exactly the symbols of the checked-in list, and needs nothing but libc.
set -u
src=${top_srcdir:-.} lib=${top_builddir:-.}/.libs/libprimeshim.so
command -v nm >/dev/null && command -v objdump >/dev/null || exit 77
tmp=$(mktemp -d) || exit 99
trap 'rm -rf "$tmp"' EXIT

nm -D --defined-only "$lib" | awk '{ print $3 }' | LC_ALL=C sort >"$tmp/have"
LC_ALL=C sort "$src/src/exported-symbols.txt" >"$tmp/want"
diff -u "$tmp/want" "$tmp/have" || { echo "exported symbols differ from the list"; exit 1; }

needed=$(objdump -p "$lib" | awk '/NEEDED/ { print $2 }')
case $needed in
libc.so.6 | libc.so | libc.musl-*) ;;
*) echo "linked with more than libc: $needed"; exit 1 ;;
esac

# The chain of ldd, too, names libc, the loader and the kernel's vdso alone.
more=$(ldd "$lib" | grep -vE 'linux-(vdso|gate)|libc\.so|ld-linux|ld-musl')
[ -z "$more" ] || { echo "ldd names more than libc: $more"; exit 1; }
