#!/bin/bash
# SPDX-License-Identifier: MIT
# PRIMESHIM_SYNC=trap over the fake kernel. trap.c checks what a program sees; this script checks
# what the log says of its touches, and how it ends.
set -u
# shellcheck source=tests/lib/wait.sh
. "$(dirname "$0")/../lib/wait.sh" || exit 99
# shellcheck source=tests/lib/promise.sh
. "$(dirname "$0")/../lib/promise.sh" || exit 99
build=$(cd "${top_builddir:-.}" && pwd -P)
shim=$build/.libs/libprimeshim.so fake=$build/tests/fake/.libs/libfake.so
tmp=$(mktemp -d) || exit 99
trap 'rm -rf "$tmp"' EXIT

[ -e "$fake" ] || exit 77

# run [ARGUMENT]: its status, and what the shim has told in $tmp/err
run() {
	(
		ulimit -c 0
		timeout "$hang" env LD_PRELOAD="$shim:$fake" PRIMESHIM_SYNC=trap \
			${EMULATOR:+"$EMULATOR"} "$build/tests/process/trap" "$@" 2>"$tmp/err"
	)
}

run || fail=1
# Without the kernel to tell, the user mode of QEMU does not know which.
wrote=wrote
[ -z "${EMULATOR-}" ] || wrote='[a-z]+'
promise 'a touch is told, and of what' \
	grep -qE "trap\[[0-9]+\]: $wrote page 0 of a dma-buf of fake,\
 inode [0-9]+, which is the device's: no begin\$" "$tmp/err"
promise 'one of a busy buffer, too' grep -q 'which is busy: mapped, and not waited for$' "$tmp/err"
promise 'with where it was, by name' \
	grep -qE "#0 .*/trap\+0x[0-9a-f]+ \(touch_without_a_begin\+0x" "$tmp/err"
# musl has no backtrace().
if grep -q '#1 ' "$tmp/err"; then
	promise 'and who called it' grep -qE '#[1-9] .*/trap\+0x' "$tmp/err"
fi
promise 'each place once' test "$(grep -c '#0 ' "$tmp/err")" -lt 40
promise 'and how many there were at the end' grep -qE \
	'trap: [1-9][0-9]+ touches without a begin or a wait, at [1-9][0-9]* places$' "$tmp/err"

for how in null ignored blocked killed read-only; do
	run $how 2>/dev/null
	promise "$how: that ends it by SIGSEGV" test $? = 139
done
# The handler returns, the fault comes again, and finds none.
run reset 2>/dev/null
promise 'reset: a handler for once is one for once' test $? = 139
exit $fail
