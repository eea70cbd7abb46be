#!/bin/bash
# SPDX-License-Identifier: MIT
# Proves that scripts/audit.sh can fail, with lists that lack a symbol and with libraries that
# import one more; from its cache, in seconds. Prints "ok - ..." and "not ok - ..." lines; the
# caller counts them.
set -u
# shellcheck source=tests/lib/promise.sh
. "$(dirname "$0")/../lib/promise.sh" || exit 99
export LC_ALL=C
top=$(cd "$(dirname "$(readlink -f "$0")")/../.." && pwd -P)
audit=$top/scripts/audit.sh list=$top/src/exported-symbols.txt
layout=$(sed -n 's/^layout=//p' "$audit")
cache=${XDG_CACHE_HOME:-$HOME/.cache}/primeshim/audit-$layout
tmp=$(mktemp -d) || exit 2
trap 'rm -rf "$tmp"' EXIT

# try [OPTION]...: runs the audit: what it says is in $tmp/out and $tmp/err, how it ends in $status
try() {
	"$audit" "$@" >"$tmp/out" 2>"$tmp/err"
	status=$?
}

# without SYMBOL: the audit with a list that lacks it
without() {
	awk -v symbol="$1" '$1 != symbol' "$list" >"$tmp/list"
	try --symbols "$tmp/list"
}

# imports SYMBOL FILE: how many libraries in that text import it
imports() {
	grep -cE " $1(@[^ ]*)?( |\$)" "$2"
}

# named SYMBOL: the audit failed, and named each library that imports the symbol, and no other
named() {
	local file where release
	[ $status = 1 ] || return
	for file in "$cache"/*-*; do
		where=${file##*/} release=${where%-*} where="${where%-*} ${where#*-}"
		[ "$(imports "$1" "$file")" = \
			"$(grep -cE "^missing: $where [^ ]+ [^ ]+: [^ ]+: $1\$" "$tmp/out")" ] ||
			return
		if [ "$(imports "$1" "$file")" = 0 ]; then
			grep -qE "^ok - .*\($release\) ${where#* }:" "$tmp/out" || return
		else
			grep -qE "^not ok - .*\($release\) ${where#* }:.* $1( |\$)" "$tmp/out" ||
				return
		fi
	done
}

# failing: prints which verdicts are bad ones
failing() {
	sed -nE 's/^not ok - [^(]*\(([^)]*)\) ([^:]*):.*/\1 \2/p' "$tmp/out" | paste -sd ,
}

try
if [ $status = 77 ]; then
	tail -n 1 "$tmp/err"
	exit 77
fi
promise 'the audit ran: there is a cache' [ -e "$cache/trixie-armhf" ]
promise 'it finds nothing with the list as it is' [ $status = 0 ]

removed=0
while read -r symbol _; do
	case $symbol in '' | \#*) continue ;; esac
	grep -qE " $symbol(@[^ ]*)?( |\$)" "$cache"/*-* || continue
	removed=$((removed + 1))
	without "$symbol"
	promise "without $symbol it fails, and names it wherever it is imported" named "$symbol"
done <"$list"
promise 'there were such symbols' [ $removed -gt 0 ]

# Libraries of C are built with a 64-bit time_t there. The one that imports ioctl too is
# libvulkan_nouveau: Rust's standard library in it asks for FIONBIO on sockets and pipes.
without __ioctl_time64
promise 'without __ioctl_time64 it is Debian 13 armhf that fails' [ "$(failing)" = 'trixie armhf' ]
grep '^libdrm libdrm2 ' "$cache/trixie-armhf" >"$tmp/libdrm"
promise 'libdrm.so.2 makes its ioctls through that there, and not through ioctl' \
	[ "$(imports __ioctl_time64 "$tmp/libdrm") $(imports ioctl "$tmp/libdrm")" = '1 0' ]

sed -E 's/^mmap64$/mmap64 32/' "$list" >"$tmp/list"
try --symbols "$tmp/list"
promise 'what is defined on 32-bit machines only is missing on the others' [ "$(failing)" = \
	'bookworm amd64,bookworm arm64,trixie amd64,trixie arm64' ]

# From here on it reads a copy of the cache.
export XDG_CACHE_HOME=$tmp/cache
copy=$XDG_CACHE_HOME/primeshim/audit-$layout
mkdir -p "$copy"
for symbol in __ioctl_time128@GLIBC_2.99 __mmap2@GLIBC_2.99 __munmap@GLIBC_2.99 \
	mremap2@GLIBC_2.99 remap_file_pages2@GLIBC_2.99 dup4@GLIBC_2.99 __fcntl2@GLIBC_2.99 \
	__close_nocancel@GLIBC_PRIVATE pidfd_getfd@GLIBC_2.36 mq_close@GLIBC_2.34 ioctl2; do
	cp "$cache"/*-* "$copy"
	sed -i "/^libdrm libdrm2 /s/\$/$symbol /" "$copy/trixie-arm64"
	try
	promise "an import of $symbol makes it fail, and is named" \
		grep -qE "^missing: trixie arm64 libdrm2 .*: libdrm.so.*: ${symbol%@*}\$" "$tmp/out"
	promise 'there alone' [ "$status $(failing)" = '1 trixie arm64' ]
done

for source in libdrm mesa; do
	cp "$cache"/*-* "$copy"
	sed -i "/^$source /d" "$copy/bookworm-i386"
	try
	promise "it is no success if nothing of $source was read" \
		[ "$status $(failing)" = '1 bookworm i386' ]
done

for option in --nonsense word --symbols --symbols=/nonexistent; do
	try $option
	promise "$option is bad use: status 2 and a line that says so" \
		[ "$status $(wc -l <"$tmp/err")" = '2 1' ]
done
for line in 'ioctl 64' 'ioctl 32 32' 'no-name'; do
	{ cat "$list" && echo "$line"; } >"$tmp/list"
	try --symbols "$tmp/list"
	promise "a list with the line '$line' is bad use" [ "$status $(wc -l <"$tmp/err")" = '2 1' ]
done

rm -r "$copy"
printf 'Dir::Etc::%s "/dev/null";\n' SourceList SourceParts >"$tmp/apt.conf"
APT_CONFIG=$tmp/apt.conf try
promise 'without a cache and without a mirror it ends with status 2' [ $status = 2 ]
promise 'and leaves no text behind' [ -z "$(find "$copy" -type f -size +0)" ]
