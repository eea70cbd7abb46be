#!/bin/bash
# SPDX-License-Identifier: MIT
# Threads, signal handlers, children and limits: safety.c over the fake kernel, natively and under
# the shim, with the same answers.
#
#   safety.sh [PART [COUNT]]
#   safety.sh asan [COUNT]	what tests/process/safety-asan can do, which has the shim linked in
set -u
# shellcheck source=tests/lib/promise.sh
. "$(dirname "$0")/../lib/promise.sh" || exit 99
build=$(cd "${top_builddir:-.}" && pwd -P)
shim=$build/.libs/libprimeshim.so fake=$build/tests/fake/.libs/libfake.so
tmp=$(mktemp -d) || exit 99
trap 'rm -rf "$tmp"' EXIT
unset PRIMESHIM_MODE PRIMESHIM_SYNC PRIMESHIM_LOG PRIMESHIM_DIR
ulimit -c 0
fail=0 trace=

# run native|shim PART [COUNT]; with $trace under strace
run() {
	local objects=$fake status
	[ "$1" = native ] || objects=$shim:$fake
	$trace env LD_PRELOAD="$objects" ${EMULATOR:+"$EMULATOR"} "$build/tests/process/safety" \
		"$@" \
		>"$tmp/out"
	status=$?
	cat "$tmp/out"
	[ $status = 0 ] || fail=1
	# Killed before it could say so.
	[ $status = 0 ] || grep -q '^not ok' "$tmp/out" || echo "not ok - $1: $2: status $status"
}

# calls FROM TO: the program's system calls between two marks, in $file
calls() {
	awk -v from="getpgid\\(-$1[ )]" -v to="getpgid\\(-$2[ )]" '$0 ~ to { pid = "" }
		$1 == pid && !/resumed>/ { n++ } $0 ~ from { pid = $1 } END { print n + 0 }' "$file"
}

# counted PART COUNT: both ways under strace, without the calls that the fake kernel makes
counted() {
	for file in native shim; do
		trace="strace -f -o $tmp/$file -e trace=!sendmsg,recvmsg,rt_sigprocmask,futex,ppoll"
		run $file "$@"
		trace=
	done
}

# costs TEXT FROM TO AT-MOST: more than natively between two marks
costs() {
	local native more
	file=$tmp/native native=$(calls "$2" "$3")
	file=$tmp/shim more=$(($(calls "$2" "$3") - native))
	promise "$1: $native system calls natively, $more more, at most $4" \
		[ "$native" -gt 0 -a "$more" -gt -"$native" -a "$more" -le "$4" ]
}

# steps N: how often kcmp is asked at most, to find a file among N that are in order
steps() {
	awk -v n="$1" 'BEGIN { for (s = 0; 2 ^ s <= n; s++); print s }'
}

# one PART [COUNT]
one() {
	case $1 in
	limits)
		run native "$@"
		: >"$tmp/log"
		PRIMESHIM_LOG=$tmp/log run shim "$@"
		begun=$(sed -n 's/^# begun: \([0-9]*\) of [0-9]*$/\1/p' "$tmp/out")
		all=$(sed -n 's/^# begun: [0-9]* of \([0-9]*\)$/\1/p' "$tmp/out")
		without=$(sed -n 's/.* \([0-9]*\) without a descriptor.*/\1/p' "$tmp/log" |
			sort -n | tail -n 1)
		promise "shim: ${begun:-?} of ${all:-?} begun, ${without:-?} told to be not" \
			[ "$((${begun:-0} + ${without:-0}))" = "${all:--1}" ]
		;;
	left-out | touches)
		run native "$@"
		run shim "$@"
		PRIMESHIM_SYNC='trap' run shim "$@"
		;;
	jumps)
		run native "$@"
		for SAFETY_SIGNAL in '' signal bsd_signal ssignal sigset; do
			[ -n "$SAFETY_SIGNAL" ] || unset SAFETY_SIGNAL
			export SAFETY_SIGNAL
			run shim "$@"
		done
		unset SAFETY_SIGNAL
		;;
	ioctls)
		n=${2-300}
		counted ioctls "$n"
		# The first call looks for the file, as below; the others ask nothing.
		costs '200 calls on a file without an import' 1 2 40
		# For each file fstat() and F_GETFL, of which the fake kernel makes six calls,
		# getpid() for the search and in close(); and kcmp() for each step of the search.
		costs '100 files, opened and asked' 2 3 $((850 + 100 * $(steps 2)))
		costs "200 calls, with $n duplicates of one that has an import" 4 5 40
		costs "100 files, with $n duplicates" 5 6 $((850 + 100 * $(steps 2)))
		costs "200 calls, with $n files that have an import" 7 8 40
		costs "100 files, with $n files" 8 9 $((850 + 100 * $(steps $((n + 2)))))
		;;
	opens)
		n=${2-600}
		counted opens "$n"
		# That, without a close(); fstat() of the file and of the dma-buf when it is
		# imported, DRM_IOCTL_VERSION, and a page for the imports: 23 calls with those that
		# the fake kernel makes. And the search.
		costs '100 files with an import each, of few' 1 2 $((2400 + 100 * $(steps 200)))
		costs "100 files with an import each, of $n" 3 4 $((2400 + 100 * $(steps "$n")))
		;;
	*)
		run native "$@"
		run shim "$@"
		;;
	esac
}

if [ "${1-}" = asan ]; then
	for part in numbers handler closed-raw last alone left-out jumps leaves begins blocked; do
		ASAN_OPTIONS=detect_leaks=0 "$build/tests/process/safety-asan" shim $part \
			${2+"$2"} |
			sed 's/ - shim: / - asan: /'
		[ "${PIPESTATUS[0]}" = 0 ] || fail=1
	done
	exit $fail
fi
[ -e "$fake" ] || exit 77
cd "$tmp" || exit 99
parts=(numbers slow handler closed-raw limits last beyond tight children alone amid left-out
	touches exits jumps leaves quick begins blocked cancelled imports files ioctls opens)
[ $# = 0 ] || parts=("$1")
for part in "${parts[@]}"; do
	case $part in
	ioctls | opens)
		strace -o /dev/null true 2>/dev/null || {
			echo "# skipped: $part: there is no strace, or it may not"
			continue
		} ;;
	esac
	one "$part" ${2+"$2"}
done
exit $fail
