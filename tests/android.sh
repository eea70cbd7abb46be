#!/bin/sh
# SPDX-License-Identifier: MIT
# Android.bp builds what Makefile.am does, with what src/bionic.h knows of.
set -u
src=${top_srcdir:-.}
tmp=$(mktemp -d) || exit 99
trap 'rm -rf "$tmp"' EXIT

sed -n 's/^ *"\(src\/.*\.c\)",$/\1/p' "$src/Android.bp" | LC_ALL=C sort >"$tmp/bp"
{
	echo src/preload.c
	sed -n '/^shim_sources/,/^$/p' "$src/Makefile.am" | grep -o 'src/[^ ]*\.c'
} | LC_ALL=C sort >"$tmp/am"
[ "$(wc -l <"$tmp/am")" -gt 50 ] || { echo 'not ok - the list of Makefile.am was not found'; exit 1; }
if diff -u "$tmp/am" "$tmp/bp"; then
	echo 'ok - Android.bp has the files of Makefile.am'
else
	echo 'not ok - Android.bp has the files of Makefile.am'
	exit 1
fi
