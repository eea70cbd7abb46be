#!/bin/bash
# SPDX-License-Identifier: MIT
# Programs of two ABIs in one process tree, with primeshim installed for both as Debian's multiarch
# has it: each gets its own. Takes a build directory of amd64 and one of i386.
set -u
# shellcheck source=tests/lib/promise.sh
. "$(dirname "$0")/../lib/promise.sh" || exit 99
big=${1-} small=${2-}
if [ ! -e "$big/.libs/libprimeshim.so" ] || [ ! -e "$small/.libs/libprimeshim.so" ]; then
	echo "Usage: mixed.sh BUILD-DIRECTORY-OF-AMD64 BUILD-DIRECTORY-OF-I386" >&2
	exit 2
fi
tmp=$(mktemp -d) || exit 2
trap 'rm -rf "$tmp"' EXIT

# Where the loaders look: lib/i386-linux-gnu, or lib32 of a package for amd64.
lib=$tmp/usr
for i in 64:/lib64/ld-linux-x86-64.so.2 32:/lib/ld-linux.so.2; do
	dir=$(${i#*:} --list-diagnostics | sed -n 's/^dl_dst_lib="\(.*\)"$/\1/p')
	[ -n "$dir" ] || { echo "mixed.sh: ${i#*:} does not say what its \$LIB is" >&2; exit 2; }
	declare "lib${i%%:*}=$dir/primeshim/libprimeshim.so"
	mkdir -p "$lib/$dir/primeshim"
done
mkdir "$lib/bin"
# shellcheck disable=SC2154 # declared above
cp "$big/.libs/libprimeshim.so" "$lib/$lib64" && cp "$small/.libs/libprimeshim.so" "$lib/$lib32"
sed "s|^libdir=.*|libdir=$lib/${lib64%/*/*}|" "$big/scripts/run-with-shim.sh" >"$tmp/usr/bin/run"
chmod +x "$tmp/usr/bin/run"
cp "$big/tools/primeshim" "$tmp/usr/bin"
cat >"$tmp/which.c" <<'END'
#include <stdio.h>
#include <string.h>
int main(void)
{
	char line[4096], last[4096] = "none\n";
	FILE *f = fopen("/proc/self/maps", "r");
	while (fgets(line, sizeof(line), f))
		if (strstr(line, "/libprimeshim.so"))
			strcpy(last, strstr(line, "/usr/lib") + 5);
	fputs(last, stdout);
	return 0;
}
END
gcc -o "$tmp/which64" "$tmp/which.c" &&
	gcc -m32 -idirafter /usr/include -idirafter "/usr/include/$(gcc -print-multiarch)" \
		-o "$tmp/which32" "$tmp/which.c" || exit 2

# shellcheck disable=SC2016
"$tmp/usr/bin/run" sh -c '"$0"/which64; "$0"/which32' "$tmp" >"$tmp/out" 2>"$tmp/err"
promise 'a script has programs of both kinds with their own object' \
	diff "$tmp/out" - <<-EOT
	$lib64
	$lib32
	EOT
promise 'and ld.so has nothing to say' [ ! -s "$tmp/err" ]
promise 'a program of the other kind is run by itself, too' \
	[ "$("$tmp/usr/bin/run" "$tmp/which32" 2>&1)" = "$lib32" ]
# shellcheck disable=SC2016 # it is the inner shell's
again=$("$tmp/usr/bin/run" "$tmp/usr/bin/run" sh -c 'echo "$LD_PRELOAD"' 2>&1)
# shellcheck disable=SC2016 # it is ld.so's
promise 'a launcher in a launched program adds nothing' \
	[ "$again" = "$tmp"'/usr/$LIB/primeshim/libprimeshim.so' ]
rm "$lib/$lib32"
"$tmp/usr/bin/run" "$tmp/which32" >"$tmp/out" 2>"$tmp/err"
promise 'without the other object, its programs are refused' [ $? = 2 ]
promise 'and it is said why' \
	grep -q 'is a program for i386, and the library is for x86-64' "$tmp/err"
promise 'those of this kind are not' \
	[ "$("$tmp/usr/bin/run" "$tmp/which64" 2>&1)" = "$lib64" ]
exit $fail
