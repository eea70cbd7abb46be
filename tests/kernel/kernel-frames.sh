#!/bin/bash
# SPDX-License-Identifier: MIT
# Frames of a producer that holds a fence while it draws, as a program sees them that maps an import
# once and only asks for its offset before each use (Mesa's kms_swrast on a dock): root, in a
# virtual machine made by scripts/vm.sh, on each IMPORTER, which has dumb buffers. Run in the build
# directory.
# Prints "ok - ..." and "not ok - ..." lines; the caller counts them.
#
#   kernel-frames.sh IMPORTER...
set -u
# shellcheck source=tests/lib/promise.sh
. "$(dirname "$0")/../lib/promise.sh" || exit 99
lib=$PWD/.libs/libprimeshim.so

# with MODE SYNC COMMAND...: under the shim
with() {
	PRIMESHIM_MODE=$1 PRIMESHIM_SYNC=$2 LD_PRELOAD=$lib "${@:3}"
}

for importer; do
	for mode in redirect rescue; do
		for sync in driver map trap; do
			stale=$(with $mode $sync tests/kernel/sync frames "$importer" 4)
			at="$importer: $mode, --sync $sync"
			promise "$at: of 4 frames $stale are the one before" [ "$stale" = 0 ]
			with $mode $sync tests/kernel/sync own "$importer" |
				sed "s/: /: $mode, --sync $sync: /"
			promise "$at: a program with a fence of its own ends" \
				[ "${PIPESTATUS[0]}" = 0 ]
		done
	done
	stale=$(with redirect off tests/kernel/sync frames "$importer" 4)
	promise "$importer: without brackets nobody waits: $stale of 4 are" [ "$stale" -ge 3 ]
done
