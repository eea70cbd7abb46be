#!/bin/bash
# SPDX-License-Identifier: MIT
# A program that makes every hooked call, compiled in each way that makes it call other symbols of
# libc. It works under the shim over the fake kernel, and fails without the shim.
set -u
src=${top_srcdir:-.}
build=$(cd "${top_builddir:-.}" && pwd -P)
shim=$build/.libs/libprimeshim.so fake=$build/tests/fake/.libs/libfake.so
tmp=$(mktemp -d) || exit 99
trap 'rm -rf "$tmp"' EXIT
fail=0

# compile NAME SOURCE OPTION...
compile() {
	# shellcheck disable=SC2086
	${CC:-cc} ${CPPFLAGS-} ${LIBDRM_CFLAGS-} -I"$src/tests" -o "$tmp/$1" \
		"$src/tests/process/$2" "${@:3}" -ldl -pthread
}

says() {
	if [ "$2" = "$3" ]; then
		echo "ok - $1"
	else
		echo "not ok - $1: $2"
		fail=1
	fi
}

# try TEXT OPTION...
try() {
	text=$1
	shift
	compile hooked hooked.c "$@" || { echo "not ok - $text: does not compile"; fail=1; return; }
	says "$text" "$(LD_PRELOAD=$shim:$fake ${EMULATOR:+"$EMULATOR"} "$tmp/hooked" 2>&1)" \
		'all right'
}

[ -e "$fake" ] || exit 77
# Where off_t has 32 bits our offsets do not fit, nor would many of a 64-bit kernel's own.
if [ "${LONG_BITS:-64}" = 32 ]; then
	try 'hooked calls, large files' -D_FILE_OFFSET_BITS=64
	try 'hooked calls, large files and 64-bit time' -D_FILE_OFFSET_BITS=64 -D_TIME_BITS=64
	# musl has no small ones.
	if [[ ${CPPFLAGS-} != *_FILE_OFFSET_BITS* ]] &&
		printf '#include <features.h>\n__GLIBC__\n' |
		${CC:-cc} -E - | tail -n 1 | grep -qx '[0-9]*'; then
		compile narrow hooked.c
		says 'hooked calls, small files: the offset is refused by the program itself' \
			"$(LD_PRELOAD=$shim:$fake ${EMULATOR:+"$EMULATOR"} "$tmp/narrow" 2>&1)" \
			'an offset beyond off_t (errno 0)'
	fi
else
	try 'hooked calls'
	try 'hooked calls, by the names for large files' -D_FILE_OFFSET_BITS=64
fi
try 'hooked calls, optimised and fortified' -O2 -D_FORTIFY_SOURCE=2 -D_FILE_OFFSET_BITS=64
says 'without the shim the import cannot be mapped' \
	"$(LD_PRELOAD=$fake ${EMULATOR:+"$EMULATOR"} "$tmp/hooked" 2>&1)" 'the map ioctl (errno 22)'
says 'with the shim twice it can' \
	"$(cp "$shim" "$tmp/again.so" && LD_PRELOAD=$shim:$tmp/again.so:$fake \
		${EMULATOR:+"$EMULATOR"} "$tmp/hooked" 2>&1)" \
	'all right'

compile early.so early.c -shared -fPIC
says "calls from a constructor that runs before the shim's" \
	"$(LD_PRELOAD=$shim:$fake:$tmp/early.so ${EMULATOR:+"$EMULATOR"} "$tmp/hooked" 2>&1)" \
	'all right'
exit $fail
