# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# To be sourced by doctor.sh and doctor-root.sh: a primeshim and a library that every user may read,
# and what one asks of the doctor's findings.
# shellcheck disable=SC2317,SC2086,SC2034,SC2154
top=$(cd "${top_builddir:-.}" && pwd -P)
[ -x "$top/tools/primeshim" ] || exit 77
CC=${CC:-cc}
tmp=$(mktemp -d) || exit 99
trap 'rm -rf "$tmp"' EXIT
trap 'exit 1' HUP INT TERM
chmod 755 "$tmp"
unset LD_PRELOAD PRIMESHIM_MODE PRIMESHIM_ONLY PRIMESHIM_EXCEPT SNAP
export XDG_CONFIG_HOME=/nonexistent
PATH=$PATH:/usr/sbin:/sbin

# A copy, which every user may read.
mkdir -p "$tmp/b/tools" "$tmp/b/.libs"
cp "$top/tools/primeshim" "$tmp/b/tools/"
cp "$top/.libs/libprimeshim.so" "$tmp/b/.libs/"
chmod -R a+rX "$tmp/b"
lib=$tmp/b/.libs/libprimeshim.so
before=''

# doctor [ARG]...: leaves its output and status
doctor() {
	$before "$tmp/b/tools/primeshim" doctor "$@" >"$tmp/out" 2>"$tmp/err"
	status=$?
}

explain() {
	sed 's/^/# /' "$tmp/out" "$tmp/err"
	echo "# status $status"
}

# finds STATE CHECK PATTERN: there is such a line
finds() {
	grep -q "^$1 *$2: .*$3" "$tmp/out"
}

# problem CHECK PATTERN: and the status is 1, and the next line says what to do
problem() {
	[ "$status" = 1 ] && finds problem "$1" "$2" &&
		grep -A 1 "^problem *$1: .*$2" "$tmp/out" | tail -n 1 | grep -q '^  *-> ' &&
		tail -n 1 "$tmp/out" | grep -q '^verdict: it does not work here'
}

# no_more [CHECK]: no problem but that of the devices, which not every machine has
no_more() {
	! grep '^problem' "$tmp/out" | grep -qv '^problem *devices:'
}

# script NAME TEXT
script() {
	printf '%s\n' "$2" >"$tmp/$1"
	chmod +x "$tmp/$1"
}

# compile NAME TEXT [OPTION]...: a program or object of C
compile() {
	name=$1
	echo "$2" >"$tmp/$name.c"
	shift 2
	$CC -o "$tmp/$name" "$tmp/$name.c" "$@" 2>"$tmp/err"
}
