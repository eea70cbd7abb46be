#!/bin/sh
# SPDX-License-Identifier: MIT
# PRIMESHIM_* in a program's environment: a wrong value or name costs one line on stderr and nothing
# else.
set -u
lib=$(cd "${top_builddir:-.}" && pwd -P)/.libs/libprimeshim.so
tmp=$(mktemp -d) || exit 99
trap 'rm -rf "$tmp"' EXIT
trap 'exit 1' HUP INT TERM
fail=0

# says PATTERN [VARIABLE=VALUE]...: with these settings cat works, and stderr is one line that
# matches, or nothing if the pattern is empty
says() {
	pattern=$1
	shift
	echo hello | env "$@" LD_PRELOAD="$lib" cat >"$tmp/out" 2>"$tmp/err"
	status=$?
	want=${pattern:+1}
	if [ $status = 0 ] && [ "$(cat "$tmp/out")" = hello ] &&
		[ "$(wc -l <"$tmp/err")" = "${want:-0}" ] && grep -c "$pattern" "$tmp/err" |
		grep -qx "${want:-0}"; then
		echo "ok - $*"
	else
		echo "not ok - $*: status $status, stderr: $(cat "$tmp/err")"
		fail=1
	fi
}

says '' PRIMESHIM_MODE=redirect
says '' PRIMESHIM_MODE=observe PRIMESHIM_SYNC=off
says '' PRIMESHIM_MODE= PRIMESHIM_LOG=0
says '' PRIMESHIM_MODE=rescue PRIMESHIM_EXPORT=keep
says '' PRIMESHIM_MODE=deny PRIMESHIM_EXPORT=write
says '' PRIMESHIM_DRIVERS=etnaviv,-i915
says '' PRIMESHIM_DRIVERS=vgem,imagination,powervr
says 'PRIMESHIM_DRIVERS: no driver "etna" is known' PRIMESHIM_DRIVERS=etnaviv,-etna
says 'PRIMESHIM_DRIVERS is longer than 255 bytes' \
	PRIMESHIM_DRIVERS="$(printf '%300s' '' | tr ' ' ,)"
says '' PRIMESHIM_DIRECT=sync
says 'PRIMESHIM_DIRECT=on is not known, off is used' PRIMESHIM_DIRECT=on
says 'PRIMESHIM_EXPORT=no is not known, write is used' PRIMESHIM_EXPORT=no
says 'PRIMESHIM_MODE=rediret is not known, redirect is used' PRIMESHIM_MODE=rediret
says 'PRIMESHIM_SYNC=yes is not known, driver is used' PRIMESHIM_SYNC=yes
says 'PRIMESHIM_LOG=verbose is not known, 0 is used' PRIMESHIM_LOG=verbose
says 'there is no setting PRIMESHIM_MODUS' PRIMESHIM_MODUS=off
for bytes in off 0 4096 64K 128M 1G 99999999999999999999G; do
	says '' PRIMESHIM_KEEP=$bytes
done
for bytes in on -1 M 1T 1KM '1 M' 0x10 64k offf; do
	says "PRIMESHIM_KEEP=$bytes is not known, [0-9]*M is used" PRIMESHIM_KEEP="$bytes"
done
says '' PRIMESHIM_DIR=/nowhere/reports
says 'PRIMESHIM_DIR=reports is not a path from the root' PRIMESHIM_DIR=reports
# A program that is left out, and --quiet, say nothing of what is wrong.
says '' PRIMESHIM_MODE=rediret PRIMESHIM_EXCEPT=dog,cat
says '' PRIMESHIM_MODE=rediret PRIMESHIM_ONLY=cats,dog
says '' PRIMESHIM_MODE=rediret PRIMESHIM_ONLY=cat PRIMESHIM_EXCEPT=cat
says 'PRIMESHIM_MODE=rediret is not known' PRIMESHIM_MODE=rediret PRIMESHIM_ONLY=,dog,,cat,
says 'PRIMESHIM_MODE=rediret is not known' PRIMESHIM_MODE=rediret PRIMESHIM_ONLY= PRIMESHIM_EXCEPT=
says 'PRIMESHIM_MODE=rediret is not known' PRIMESHIM_MODE=rediret PRIMESHIM_EXCEPT=ca,cats,at
says '' PRIMESHIM_LOG=quiet PRIMESHIM_MODE=rediret PRIMESHIM_SYNC=yes PRIMESHIM_MODUS=1
# coreutils close stderr, and dash leaves by _exit(), before the line could be written.
env PRIMESHIM_LOG=1 LD_PRELOAD="$lib" getent passwd 0 >"$tmp/out" 2>"$tmp/err"
if [ "$(grep -c '^primeshim: getent\[[0-9]*\]: exit: 0 imports' "$tmp/err")" = 1 ]; then
	echo "ok - PRIMESHIM_LOG=1 ends with a line of counters"
else
	echo "not ok - PRIMESHIM_LOG=1: $(cat "$tmp/err")"
	fail=1
fi
exit $fail
