#!/bin/sh
# SPDX-License-Identifier: MIT
# The fuzzer: random calls against a model, over the fake kernel, and every fault at every call
# site. In "make check" 100,000 steps; "make fuzz" gives the programs and a million. With fewer than
# 100,000 the faults have fewer errors, once.
#   fuzz.sh [STEPS [PROGRAM]...]
set -u
build=${top_builddir:-.}
steps=${1:-100000}
[ $# -gt 0 ] && shift
[ $# -gt 0 ] || set -- "$build/tests/fuzz/fuzz" "$build/tests/fuzz/faults" \
	"$build/tests/fuzz/caches"
TSAN_OPTIONS="die_after_fork=0 exitcode=66 suppressions=${top_srcdir:-.}/tests/fuzz/tsan.supp"
# A child of a threaded program has its parent's thread list: leaks are told where none is. The shim
# has no memory of malloc().
ASAN_OPTIONS=detect_leaks=0
export TSAN_OPTIONS ASAN_OPTIONS
fail=0
dir=$(mktemp -d) || exit 99
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' HUP INT TERM

# try TEXT COMMAND...
try() {
	text=$1
	shift
	if said=$("$@" 2>&1); then
		said=$(echo "$said" | tail -n 1)
		echo "ok - $text: ${said##*: all right; }"
	else
		echo "not ok - $text: $*: status $?"
		echo "$said" | tail -n 60
		fail=1
	fi
}

# noticed: caches notices every fault in the table of turns, which it has by their numbers
noticed() {
	number=1
	while :; do
		seed=1 status=0
		while [ $seed -le 8 ] && [ $status = 0 ]; do
			"$program" --fault $number --seed $seed --steps 20000 >/dev/null 2>&1
			status=$?
			seed=$((seed + 1))
		done
		case $status in
		1) echo "ok - $name: fault $number in the table is noticed" ;;
		2) return ;;	# there are no more
		0)
			echo "not ok - $name: fault $number in the table is not noticed"
			fail=1
			;;
		*)
			echo "not ok - $name: fault $number in the table: status $status"
			fail=1
			return
			;;
		esac
		number=$((number + 1))
	done
}

for program; do
	name=${program##*/}
	case $name in
	faults*)
		if [ "$steps" -ge 100000 ]; then
			try "$name: every fault at every call site" "$program"
			try "$name: the same in mode rescue" env PRIMESHIM_MODE=rescue "$program"
		fi
		# What a status file says of maps that cannot be made must not be another fault.
		try "$name: every call site, fewer errors, with a status file" \
			env PRIMESHIM_DIR="$dir" "$program" --quick
		;;
	caches*)
		for seed in 1 2 3 4; do
			try "$name: $((steps / 8)) steps of one thread, whose bytes all arrive" \
				"$program" --seed $seed --steps $((steps / 8))
		done
		try "$name: $((steps / 2)) steps of four threads" \
			"$program" --seed 5 --threads 4 --steps $((steps / 2))
		noticed
		;;
	*)
		# Faults and unseen calls with one thread: what one hides, another cannot know.
		try "$name: $((steps / 4)) steps of one thread, with faults and unseen calls" \
			"$program" --threads 1 --seed 1 --steps $((steps / 4))
		try "$name: $((steps / 2)) steps of four threads" \
			"$program" --clean --threads 4 --seed 2 --steps $((steps / 2))
		try "$name: $((steps / 8)) steps of one thread, with few descriptors for the shim" \
			"$program" --few 3 --threads 1 --seed 6 --steps $((steps / 8))
		try "$name: $((steps / 8)) steps of three threads, with none" \
			"$program" --few 0 --clean --threads 3 --seed 7 --steps $((steps / 8))
		try "$name: $((steps / 8)) steps of three threads, with a status file" \
			env PRIMESHIM_DIR="$dir" \
			"$program" --clean --threads 3 --seed 4 --steps $((steps / 8))
		try "$name: $((steps / 8)) steps of three threads, with one, in mode observe" \
			env PRIMESHIM_DIR="$dir" PRIMESHIM_MODE=observe \
			"$program" --clean --threads 3 --seed 5 --steps $((steps / 8))
		# Another process writes rubbish into the status file meanwhile.
		if [ -x "$build/tests/process/status-writer" ]; then
			mkdir -m 700 "$dir/written"
			"$build/tests/process/status-writer" "$dir/written" rest >"$dir/words" &
			writer=$!
			try "$name: $((steps / 8)) steps of three threads, others write the file" \
				env PRIMESHIM_DIR="$dir/written" FUZZ_STATUS_WRITTEN=1 \
				"$program" --clean --threads 3 --seed 6 --steps $((steps / 8))
			kill $writer
			wait $writer
			echo "# $name: $(tail -n 1 "$dir/words")"
			rm -r "$dir/written"
		fi
		# Dma-bufs that the program maps by their own descriptors, too.
		try "$name: $((steps / 4)) steps of one thread, which maps dma-bufs itself" \
			env PRIMESHIM_DIRECT=sync \
			"$program" --threads 1 --seed 8 --steps $((steps / 4))
		try "$name: $((steps / 4)) steps of three threads, which do" \
			env PRIMESHIM_DIRECT=sync \
			"$program" --clean --threads 3 --seed 9 --steps $((steps / 4))
		for mode in observe rescue; do
			try "$name: $((steps / 8)) steps of two threads, in mode $mode" \
				env PRIMESHIM_MODE=$mode \
				"$program" --clean --threads 2 --seed 3 --steps $((steps / 8))
		done
		;;
	esac
done
exit $fail
