#!/bin/bash
# SPDX-License-Identifier: MIT
# A program that makes every hooked call on several threads (hooked.c), under the shim, over the
# fake kernel: with other allocators preloaded before and behind the shim, under valgrind, and built
# with sanitizers, by the launcher. Skips what is not installed.
set -u
# shellcheck source=tests/lib/wait.sh
. "$(dirname "$0")/../lib/wait.sh" || exit 99
src=${top_srcdir:-.}
build=$(cd "${top_builddir:-.}" && pwd -P)
shim=$build/.libs/libprimeshim.so fake=$build/tests/fake/.libs/libfake.so
launcher=$build/scripts/run-with-shim.sh
tmp=$(mktemp -d) || exit 99
trap 'rm -rf "$tmp"' EXIT
fail=0

# compile NAME OPTION...
compile() {
	# shellcheck disable=SC2086
	${CC:-cc} ${CPPFLAGS-} ${LIBDRM_CFLAGS-} -D_FILE_OFFSET_BITS=64 -I"$src/tests" \
		-g "${@:2}" -o "$tmp/$1" \
		"$src/tests/process/hooked.c" -ldl -pthread
}

# promise TEXT STATUS SAID
promise() {
	if [ "$2" = 0 ]; then
		echo "ok - $1"
	else
		echo "not ok - $1: $3"
		fail=1
	fi
}

# right TEXT COMMAND...: it says "all right", on stderr nothing else, and does not hang
right() {
	local said
	said=$(timeout "$hang" "${@:2}" 2>&1)
	[ "$said" = 'all right' ]
	promise "$1" $? "$said"
}

[ -e "$fake" ] || exit 77
compile hooked || exit 99
for name in jemalloc tcmalloc_minimal mimalloc; do
	file=$(ldconfig -p | sed -n "s/^\tlib$name\.so.* => //p" | head -n 1)
	[ -n "$file" ] || { echo "# skipped: there is no lib$name"; continue; }
	right "$name after the shim" env LD_PRELOAD="$shim:$fake:$file" "$tmp/hooked"
	right "$name before it, by the launcher" \
		env LD_PRELOAD="$file:$fake" "$launcher" "$tmp/hooked"
	# tcmalloc keeps mmap for itself: then the program gets what it would get without the shim.
	if nm -D "$file" 2>/dev/null | grep -q ' T mmap64$'; then
		said=$(LD_PRELOAD="$file:$shim:$fake" "$tmp/hooked" 2>&1)
		[ "$said" = 'the map ioctl (errno 22)' ]
		promise "$name before it: the native refusal" $? "$said"
	else
		right "$name before it" env LD_PRELOAD="$file:$shim:$fake" "$tmp/hooked"
	fi
done

if command -v valgrind >/dev/null; then
	right 'under valgrind, without errors' env LD_PRELOAD="$shim:$fake" \
		valgrind -q --error-exitcode=1 "$tmp/hooked"
else
	echo '# skipped: there is no valgrind'
fi

for name in address thread; do
	compile $name -fsanitize=$name || { echo "# skipped: $name sanitizer"; continue; }
	right "built with -fsanitize=$name, by the launcher" \
		env LD_PRELOAD="$fake" "$launcher" "$tmp/$name"
done
exit $fail
