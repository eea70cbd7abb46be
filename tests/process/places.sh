#!/bin/bash
# SPDX-License-Identifier: MIT
# What happens to the place of a mapping, over the fake kernel; places.c says what is expected.
set -u
build=$(cd "${top_builddir:-.}" && pwd -P)
shim=$build/.libs/libprimeshim.so fake=$build/tests/fake/.libs/libfake.so
fail=0

[ -e "$fake" ] || exit 77
for mode in redirect rescue observe; do
	for part in fixed moves protections; do
		[ $mode != observe ] || [ $part = protections ] || continue
		# What is kept counts as the process's addresses (/proc/self/statm).
		keep=
		[ $part != fixed ] || keep=off
		LD_PRELOAD=$shim:$fake PRIMESHIM_MODE=$mode PRIMESHIM_KEEP=$keep \
			${EMULATOR:+"$EMULATOR"} "$build/tests/process/places" $mode $part || fail=1
	done
done
exit $fail
