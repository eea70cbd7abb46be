#!/bin/bash
# SPDX-License-Identifier: MIT
# The tests that need no device, on a machine other than the one they were built on: in a virtual
# machine made by scripts/vm.sh --arch, in the build folder. Prints "ok - ..." and "not ok - ..."
# lines; the caller counts them.
set -u
top=$(cd "$(dirname "$(readlink -f "$0")")/.." && pwd -P)
export top_srcdir=$top top_builddir=$PWD CC=gcc LIBDRM_CFLAGS=-I/usr/include/libdrm
machine=$(uname -m)

# promise TEXT COMMAND...: it succeeds
promise() {
	if "${@:2}"; then echo "ok - $1"; else echo "not ok - $1"; fi
}

CK_DEFAULT_TIMEOUT=60 tests/unit
promise "$machine: the unit tests" [ $? = 0 ]
for mode in redirect rescue; do
	PRIMESHIM_MODE=$mode tests/fuzz --threads 1 --seed 1 --steps 20000
	promise "$machine: 20,000 steps of the fuzzer in mode $mode" [ $? = 0 ]
	PRIMESHIM_MODE=$mode tests/fuzz --clean --threads 4 --seed 2 --steps 20000
	promise "$machine: and of four threads" [ $? = 0 ]
done
for test in exports layers settings hooked brackets trap drivers; do
	"$top/tests/$test.sh" >"/tmp/$test" 2>&1
	status=$?
	promise "$machine: $test.sh: $(grep -c '^ok' "/tmp/$test") promises" [ $status = 0 ]
	[ $status = 0 ] || tail -n 5 "/tmp/$test" | sed 's/^/# /'
done
