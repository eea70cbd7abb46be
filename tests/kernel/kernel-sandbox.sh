#!/bin/bash
# SPDX-License-Identifier: MIT
# Programs under seccomp filters on the real vgem: as root, in a virtual machine made by
# scripts/vm.sh; in the build directory. Prints "ok - ..." and "not ok - ..." lines; the caller
# counts them.
set -u
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

if [ ! -x tests/kernel/sandbox-real ]; then
	echo "not ok - $PWD is no build directory"
	exit 1
fi
tests/kernel/sandbox-real "$tmp" "$PWD/.libs/libprimeshim.so"
