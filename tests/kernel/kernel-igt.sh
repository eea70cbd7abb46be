#!/bin/bash
# SPDX-License-Identifier: MIT
# IGT's own tests of PRIME, unmodified, natively and under the shim: root, in a virtual machine made
# by scripts/vm.sh with GPUs in name only; in the build directory. IGT is a directory of tests that
# somebody has built; docs/testing.md says how, and which test wants which machine. Each subtest is
# a process of its own. Under the shim it has to say what it says natively, word for word, with the
# same reason for a skip and the same failed assertion; but for the subtests of differs(), whose
# three results are known. Prints "ok - ..." and "not ok - ..." lines; the caller counts them. Exit
# status 77: there are no tests.
#
#   IGT=DIR [IGT_KEEP=DIR] kernel-igt.sh PROGRAM...
#
# IGT_KEEP gets what each run printed.
set -u
# shellcheck source=tests/lib/promise.sh
. "$(dirname "$0")/../lib/promise.sh" || exit 99
[ $# != 0 ] || { echo 'usage: IGT=DIR kernel-igt.sh PROGRAM...' >&2; exit 2; }
for program; do
	[ -x "${IGT-}/$program" ] || { echo "no $program in IGT=${IGT-}"; exit 77; }
done
lib=$PWD/.libs/libprimeshim.so
[ -e "$lib" ] || { echo "not ok - $PWD is no build directory"; exit 1; }
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
kept=${IGT_KEEP:-$tmp}

# differs PROGRAM SUBTEST: prints what comes of it natively, in redirect and in rescue, if that is
# not thrice the same. The aperture of i915 in name only does not translate, so what the CPU reads
# through the GTT is nobody's memory: there, the exporter's own map through it fails in every mode,
# and an import's fails where the shim leaves it alone.
differs() {
	case "$1 $2" in
	'prime_nv_test nv_write_i915_cpu_mmap_read') echo SIGBUS SUCCESS SUCCESS ;;
	'prime_nv_test nv_write_i915_gtt_mmap_read') echo SIGBUS FAIL FAIL ;;
	'prime_nv_test i915_import_gtt_mmap') echo FAIL SUCCESS FAIL ;;
	esac
}

# first_cards DRIVER...: gives the drivers' devices the first numbers, as prime_nv_* look no further
# than the first card that is not on PCI
first_cards() {
	local driver device
	rmmod vgem || return
	for driver; do
		for device in /sys/bus/pci/drivers/"$driver"/0000:*; do
			echo "${device##*/}" >"/sys/bus/pci/drivers/$driver/unbind" &&
				echo "${device##*/}" >"/sys/bus/pci/drivers/$driver/bind" || return
		done
	done
	modprobe vgem
}

# run MODE PROGRAM SUBTEST: runs it, and prints its result, the results of its dynamic subtests, and
# why it was skipped, failed or died. MODE native is without the shim.
run() {
	local log=$kept/$2.$3.$1 preload=$lib status
	[ "$1" != native ] || preload=
	timeout -k 10 170 env LD_PRELOAD="$preload" PRIMESHIM_MODE="${1/native/off}" \
		"$IGT/$2" --run-subtest "$3" >"$log" 2>&1
	status=$?
	awk -v status=$status '
		function say() { said = said $0 "\n" }
		/^(Dynamic s|S)ubtest .*: [A-Z]+ \(/ { sub(/ \([0-9.]*s\)$/, ""); say() }
		/^Received signal/ { say() }
		/^Test requirement/ { sub(/, file .*/, ""); say() }
		/Failed assertion: / && !failed++ { sub(/.*Failed/, "Failed"); say() }
		END { printf "%s", said ? said : "status-" status "\n" }' "$log"
}

# result TEXT: of what run() printed, a word for the subtest: the signal, or what IGT says
result() {
	sed -n 's/^Received signal \(.*\)\./\1/p; s/^Subtest .*: //p; /^status-/p' <<<"$1" |
		grep -vx CRASH | head -n 1
}

# same TEXT...: none is empty, and all are the same
same() {
	local text
	for text; do
		[ -n "$text" ] && [ "$text" = "$1" ] || return
	done
}

for program; do
	[[ $program != prime_nv_* ]] || [ -n "${moved-}" ] || {
		moved=yes
		promise 'nouveau and i915 are the first cards' first_cards nouveau i915 2>/dev/null
	}
	subtests=$("$IGT/$program" --list-subtests)
	promise "$program has subtests" [ -n "$subtests" ]
	for subtest in $subtests; do
		# It hands libdrm a pointer that it never set, so anything can come of it.
		[ "$program $subtest" != 'prime_nv_test i915_nv_sharing' ] || continue
		said=() words=()
		for mode in native redirect rescue; do
			got=$(run $mode "$program" "$subtest")
			said+=("$got") words+=("$(result "$got")")
		done
		want=$(differs "$program" "$subtest")
		text="$program, $subtest: native, redirect, rescue: ${words[*]}"
		if [ -n "$want" ]; then
			promise "$text; expected: $want" [ "${words[*]}" = "$want" ]
		else
			promise "$text" same "${said[@]}"
		fi
		# Why not everything was asked for.
		[ "${words[0]}" != SKIP ] ||
			sed -n 's/^Test requirement: /	wanted: /p' <<<"${said[0]}"
	done
done
