#!/bin/bash
# SPDX-License-Identifier: MIT
# Does the fake kernel of the tests answer like the running one? As root on a kernel with vgem and
# the system heap, in the build directory. Prints "ok - ..." and "not ok - ..." lines; the caller
# counts them.
set -u
# shellcheck source=tests/lib/promise.sh
. "$(dirname "$0")/../lib/promise.sh" || exit 99
fake=$PWD/tests/fake/.libs/libfake.so
tmp=$(mktemp -d) || exit 2
trap 'rm -rf "$tmp"' EXIT

for file in tests/kernel/matrix tests/kernel/conform "$fake"; do
	[ -x "$file" ] || { echo "conform.sh: $PWD/$file is not built" >&2; exit 2; }
done
card=$(tests/kernel/matrix card vgem) || { echo "conform.sh: there is no vgem" >&2; exit 2; }
[ -e /dev/dma_heap/system ] || { echo "conform.sh: there is no system heap" >&2; exit 2; }

tests/kernel/conform "$card" >"$tmp/real"
promise "conform runs on kernel $(uname -r)" [ $? = 0 ]
LD_PRELOAD="$fake" tests/kernel/conform /dev/dri/card0 >"$tmp/fake"
promise 'conform runs on the fake kernel' [ $? = 0 ]
promise 'there are answers to compare' [ "$(wc -l <"$tmp/real")" -ge 60 ]
promise 'the fake kernel answers as the real one' diff "$tmp/real" "$tmp/fake"
