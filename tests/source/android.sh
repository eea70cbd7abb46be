#!/bin/sh
# SPDX-License-Identifier: MIT
# Android.bp builds the same files as src/src.am, with the same version.
set -u
src=${top_srcdir:-.}
tmp=$(mktemp -d) || exit 99
trap 'rm -rf "$tmp"' EXIT
trap 'exit 1' HUP INT TERM

sed -n 's/^ *"\(src\/.*\.c\)",$/\1/p' "$src/Android.bp" | LC_ALL=C sort >"$tmp/bp"
sed -n '/^shim_sources/,$p' "$src/src/src.am" | grep -o 'src/[^ ]*\.c' |
	LC_ALL=C sort >"$tmp/am"
[ "$(wc -l <"$tmp/am")" -gt 50 ] ||
	{ echo 'not ok - the list of src/src.am was not found'; exit 1; }
if diff -u "$tmp/am" "$tmp/bp"; then
	echo 'ok - Android.bp has the files of src/src.am'
else
	echo 'not ok - Android.bp has the files of src/src.am'
	exit 1
fi
if grep -q "^AC_INIT(\[primeshim\], \[$(sed -n 's/.*PACKAGE_VERSION "\(.*\)"$/\1/p' \
	"$src/android/config.h")\])" "$src/configure.ac"; then
	echo 'ok - android/config.h has the version of configure.ac'
else
	echo 'not ok - android/config.h has the version of configure.ac'
	exit 1
fi
