#!/bin/sh
# SPDX-License-Identifier: MIT
# The object exports exactly the symbols of the checked-in list, and needs nothing but libc.
set -u
src=${top_srcdir:-.} lib=${top_builddir:-.}/.libs/libprimeshim.so
command -v "${NM:=nm}" >/dev/null && command -v "${OBJDUMP:=objdump}" >/dev/null || exit 77
tmp=$(mktemp -d) || exit 99
trap 'rm -rf "$tmp"' EXIT
trap 'exit 1' HUP INT TERM

"$NM" -D --defined-only "$lib" | awk '{ print $3 }' | LC_ALL=C sort >"$tmp/have"
sed -n "s/^\([^# ]*\)\( ${LONG_BITS:-64}\)*\$/\1/p" "$src/src/exported-symbols.txt" |
	LC_ALL=C sort >"$tmp/want"
diff -u "$tmp/want" "$tmp/have" || { echo "exported symbols differ from the list"; exit 1; }
[ -s "$tmp/want" ] || { echo "the list is empty"; exit 1; }

# libdl is a part of glibc, and its dlsym() in glibc before 2.34.
for needed in $("$OBJDUMP" -p "$lib" | awk '/NEEDED/ { print $2 }'); do
	case $needed in
	libc.so.6 | libdl.so.2 | libc.so | libc.musl-*) ;;
	*) echo "linked with more than libc: $needed"; exit 1 ;;
	esac
done

# The chain of ldd, too, names libc, the loader and the kernel's vdso alone.
more=$(ldd "$lib" 2>/dev/null |
	grep -vE 'linux-(vdso|gate)|libc\.so|libdl\.so|ld-linux|ld-musl|not found')
[ -z "$more" ] || { echo "ldd names more than libc: $more"; exit 1; }

# It opens no connection, starts no program and makes no process.
more=$("$NM" -D --undefined-only "$lib" | awk '{ print $2 }' |
	grep -E -e '^_*(v?fork|clone|posix_spawn|exec|fexec|popen|system)' \
		-e '^_*(socket|connect|bind|accept|getaddrinfo)')
[ -z "$more" ] || { echo "calls what it should not: $more"; exit 1; }

# It loads into runtimes as old as glibc 2.17, or the first one of the machine.
oldest=17
! "$OBJDUMP" -f "$lib" | grep -q riscv || oldest=27
newer=$("$OBJDUMP" -T "$lib" | sed -n 's/.*(*GLIBC_\([0-9.]*\))* *\([^ ]*\)$/\1 \2/p' |
	awk -F '[. ]' -v oldest=$oldest '$1 > 2 || $1 == 2 && $2 > oldest')
[ -z "$newer" ] || { echo "needs a glibc newer than 2.$oldest: $newer"; exit 1; }
! "$OBJDUMP" -T "$lib" | grep GLIBC_PRIVATE || { echo "needs glibc's private symbols"; exit 1; }
