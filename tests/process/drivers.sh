#!/bin/bash
# SPDX-License-Identifier: MIT
# Every driver of the fake kernel, in every mode: a client maps imports, writes them, reads them
# back and unmaps them, as that driver's programs do. drivers.c says what is expected.
set -u
# shellcheck source=tests/lib/promise.sh
. "$(dirname "$0")/../lib/promise.sh" || exit 99
# shellcheck source=tests/lib/settings.sh
. "$(dirname "$0")/../lib/settings.sh" || exit 99
build=$(cd "${top_builddir:-.}" && pwd -P)
shim=$build/.libs/libprimeshim.so fake=$build/tests/fake/.libs/libfake.so
tmp=$(mktemp -d) || exit 99
trap 'rm -rf "$tmp"' EXIT

# run VARIABLE=VALUE... -- ARG...: all went well, and what it says has one line on stderr at most
run() {
	split "$@"
	env "${settings[@]}" ${EMULATOR:+"$EMULATOR"} "$build/tests/process/drivers" "${words[@]}" \
		2>"$tmp/err" | tee "$tmp/out"
	[ "${PIPESTATUS[0]}" = 0 ] || fail=1
}

[ -e "$fake" ] || exit 77

run LD_PRELOAD="$fake" -- native
for mode in redirect rescue observe deny off; do
	run LD_PRELOAD="$shim:$fake" PRIMESHIM_MODE=$mode -- $mode
	promise "$mode: nothing is said" [ ! -s "$tmp/err" ]
done
for mode in redirect rescue; do
	run LD_PRELOAD="$shim:$fake" PRIMESHIM_MODE=$mode PRIMESHIM_EXPORT=keep -- $mode keep
done

# redirected NAME=VALUE...: prints what the program says in mode redirect; the log is in err
redirected() {
	env LD_PRELOAD="$shim:$fake" "$@" ${EMULATOR:+"$EMULATOR"} \
		"$build/tests/process/drivers" redirect 2>"$tmp/err"
}

# The log names a driver that the shim does not know, once.
redirected PRIMESHIM_LOG=1 >"$tmp/out"
promise 'an unknown driver is named once' \
	[ "$(grep -c 'the driver unheard is not known' "$tmp/err")" = 1 ]
promise 'and known ones are not' [ "$(grep -c 'is not known' "$tmp/err")" = 1 ]

# limited LIST DRIVER works|native: what is done about imports there
# shellcheck disable=SC2317
limited() {
	local out
	out=$(redirected PRIMESHIM_DRIVERS="$1" |
		grep "^[a-z ]* - $2,.*redirect: an import shows the buffer")
	case $3 in
	works) [ -n "$out" ] && ! grep -q '^not ok' <<<"$out" ;;
	native) grep -q '^not ok' <<<"$out" && ! grep -q '^ok' <<<"$out" ;;
	esac
}
promise 'PRIMESHIM_DRIVERS=radeon: radeon works' limited radeon radeon works
promise 'and xe does not' limited radeon xe native
promise 'PRIMESHIM_DRIVERS=-radeon: radeon does not' limited -radeon radeon native
promise 'and xe does' limited -radeon xe works
promise 'PRIMESHIM_DRIVERS=imagination, the module: powervr works' limited imagination powervr works
promise 'PRIMESHIM_DRIVERS=unheard: unheard works' limited unheard unheard works
promise 'and is told to be unknown' grep -q 'no driver "unheard" is known' "$tmp/err"
exit $fail
