#!/bin/bash
# SPDX-License-Identifier: MIT
# Programs of random calls (same.c) run natively over the fake kernel and under the shim, and have
# the same transcripts, ends and silence. If they differ, the test leaves out all steps that are not
# needed for that, and shows the others.
#   same.sh [--all] [--strict] [--seeds N] [--first N] [--threads N] [--way NAME] [--tries N]
#	[ARG of same]...
# --all: each program in each way, else in two of them by turns. --strict: also what is known to
# differ. --tries: how often a program runs that does not always show the difference.
set -u
# Whatever goes wrong with a signal stays here, and nothing stays behind.
if [ -z "${SAME_INSIDE-}" ] && [ "$(id -u)" = 0 ] &&
	unshare -pf --kill-child --mount-proc true 2>/dev/null; then
	SAME_INSIDE=1 exec unshare -pf --kill-child --mount-proc "$0" "$@"
fi
unset SAME_INSIDE
build=$(cd "${top_builddir:-.}" && pwd -P)
shim=${SAME_SHIM:-$build/.libs/libprimeshim.so} fake=$build/tests/fake/.libs/libfake.so
same=$build/tests/process/same
[ -e "$fake" ] && [ -x "$same" ] || exit 77
tmp=$(mktemp -d) || exit 99
trap 'rm -rf "$tmp"' EXIT
unset PRIMESHIM_MODE PRIMESHIM_SYNC PRIMESHIM_LOG PRIMESHIM_DIR PRIMESHIM_EXPORT
unset PRIMESHIM_DIRECT
ulimit -c 0
# What the runner inherited is none of the programs'.
for fd in "/proc/$$/fd/"*; do
	fd=${fd##*/}
	[ "$fd" -le 2 ] || [ "$fd" = 255 ] || eval "exec $fd>&-"
done
first=1 seeds=150 all=0 way='' threads='' tries=1 args=()
# What is known to differ, and is to be mended.
known=(--avoid 'made-writable,read-only-card,inner,bad-flags,two-handles,unopened')
while [ $# -gt 0 ]; do
	case $1 in
	--all) all=1 ;;
	--strict) known=() ;;
	--seeds) seeds=$2 && shift ;;
	--first) first=$2 && shift ;;
	--threads) threads=$2 && shift ;;
	--tries) tries=$2 && shift ;;
	--way) way=$2 && shift ;;
	*) args+=("$1") ;;
	esac
	shift
done
args=("${known[@]}" "${args[@]}")

# The ways of the shim: a name, same's options, the environment. Exports are as the program says in
# most; in the others each has DRM_RDWR anyway, which the shim would add (documented).
ways=(
	'redirect||PRIMESHIM_EXPORT=keep'
	'default|--writable|'
	'map||PRIMESHIM_EXPORT=keep PRIMESHIM_SYNC=map'
	'unsynced||PRIMESHIM_EXPORT=keep PRIMESHIM_SYNC=off'
	'rescue||PRIMESHIM_EXPORT=keep PRIMESHIM_MODE=rescue'
	"status|--writable|PRIMESHIM_DIR=$tmp/status"
	"log||PRIMESHIM_EXPORT=keep PRIMESHIM_LOG=$tmp/log"
	"rescue-status||PRIMESHIM_EXPORT=keep PRIMESHIM_MODE=rescue PRIMESHIM_DIR=$tmp/status\
 PRIMESHIM_LOG=$tmp/log"
	'observe|--any-driver|PRIMESHIM_MODE=observe'
	'filter|--filters|PRIMESHIM_EXPORT=keep'
	"filter-status|--filters|PRIMESHIM_EXPORT=keep PRIMESHIM_DIR=$tmp/status\
 PRIMESHIM_LOG=$tmp/log"
	"observe-status|--any-driver|PRIMESHIM_MODE=observe PRIMESHIM_DIR=$tmp/status"
	'direct||PRIMESHIM_EXPORT=keep PRIMESHIM_DIRECT=sync'
	'direct-filter|--filters|PRIMESHIM_EXPORT=keep PRIMESHIM_DIRECT=sync'
)

# run OUT ENVIRONMENT ARG...: transcript, end and what is said on stderr, by thread
run() {
	local out=$1 env=$2
	shift 2
	case " $* " in
	*" --filters "*) env+=" FAKE_SEEN=1" ;;
	esac
	# The shim makes no file for a log.
	: >"$tmp/log"
	# shellcheck disable=SC2086
	{
		# To the end of its children, too: they go on where a filter has killed it.
		timeout -s KILL 300 env $env ${EMULATOR:+"$EMULATOR"} "$same" --threads "$threads" \
			"${args[@]}" "$@" 2>"$tmp/err" | timeout 60 cat >"$tmp/raw"
		echo "status ${PIPESTATUS[0]}" >>"$tmp/raw"
	} 2>/dev/null
	{
		if [ "$threads" = 1 ]; then cat "$tmp/raw"; else sort -s -k 1,1 "$tmp/raw"; fi
		# Who asks for a report is told if there is none (documented).
		grep -v '^primeshim: .*: no report of this process$' "$tmp/err"
	} >"$out"
}

# differs SEED OPTIONS ENVIRONMENT ARG...: natively and under the shim
differs() {
	local seed=$1 options=$2 env=$3 i
	shift 3
	for ((i = 0; i < tries; i++)); do
		# shellcheck disable=SC2086
		run "$tmp/native" "LD_PRELOAD=$fake" --seed "$seed" $options "$@"
		# shellcheck disable=SC2086
		run "$tmp/shimmed" "LD_PRELOAD=$shim:$fake $env" --seed "$seed" $options "$@"
		cmp -s "$tmp/native" "$tmp/shimmed" || return 0
	done
	return 1
}

# shrink SEED OPTIONS ENVIRONMENT: the fewest steps that show it, as far as leaving out goes
shrink() {
	local kept rest size at steps=80 until=$((SECONDS + 120)) skip=''
	# The step of the first line that differs; a child's has two digits more.
	at=$(diff "$tmp/native" "$tmp/shimmed" | sed -n 's/^[<>] [0-9][0-9.x]* \([0-9]*\) .*/\1/p' |
		head -n 1)
	[ -z "$at" ] || [ "$at" -lt 100 ] || at=$((at / 100))
	for size in ${at:+$((at + 1))} 20 40 60; do
		if differs "$@" --steps "$size"; then
			steps=$size
			break
		fi
	done
	mapfile -t kept < <(seq 0 $((steps - 1)))
	for size in 16 8 4 2 1 1; do
		for ((at = ${#kept[@]} - size; at >= 0 && SECONDS < until; at -= size)); do
			rest=("${kept[@]:0:at}" "${kept[@]:at+size}")
			left_out "$steps" "${rest[@]}"
			! differs "$@" --steps "$steps" --skip "$skip" || kept=("${rest[@]}")
		done
	done
	left_out "$steps" "${kept[@]}"
	for ((at = 0; at < 5; at++)); do
		! differs "$@" --steps "$steps" --skip "$skip" || break
	done
	echo "# tests/process/same --threads $threads ${args[*]} --seed $1 $2 --steps $steps" \
		"--skip $skip"
	echo "# natively, and by $3"
	diff -U $((threads > 1 ? 8 : 100)) "$tmp/native" "$tmp/shimmed" | tail -n +4 |
		grep -v '^ .* slot[0-9]:[! ]*$' |
		sed 's/^/# /' | tail -n 60
}

# left_out STEPS KEPT...: $skip is the steps that are not kept
left_out() {
	local i
	skip=''
	for ((i = 0; i < $1; i++)); do
		case " ${*:2} " in
		*" $i "*) ;;
		*) skip+=$i, ;;
		esac
	done
}

fail=0
# all_seeds THREADS SEEDS TRIES
all_seeds() {
	local ran=0 differ=0 threads=$1 seeds=$2 tries=$3 seed w name options env
	for ((seed = first; seed < first + seeds; seed++)); do
		# By what they say of exports and drivers one native run serves several ways.
		local -A native=()
		for ((w = 0; w < ${#ways[@]}; w++)); do
			IFS='|' read -r name options env <<<"${ways[w]}"
			[ -z "$way" ] || [ "$way" = "$name" ] || continue
			[ -n "$way" ] || [ $all = 1 ] || [ $(((seed + w) % 6)) = 0 ] || continue
			if [ -z "${native[x$options]-}" ]; then
				# shellcheck disable=SC2086
				run "$tmp/native-$options" "LD_PRELOAD=$fake" --seed $seed $options
				native[x$options]=1
			fi
			# shellcheck disable=SC2086
			run "$tmp/shimmed" "LD_PRELOAD=$shim:$fake $env" --seed $seed $options
			ran=$((ran + 1))
			cmp -s "$tmp/native-$options" "$tmp/shimmed" && continue
			cp "$tmp/shimmed" "$tmp/seen"
			if ! differs $seed "$options" "$env"; then
				echo "# seed $seed, $name: a difference that is not there again"
				diff "$tmp/native-$options" "$tmp/seen" | head -n 5 | sed 's/^/# /'
				continue
			fi
			differ=$((differ + 1)) fail=1
			echo "not ok - seed $seed, $name: as natively"
			[ $differ -gt "${SAME_SHOW:-5}" ] || shrink $seed "$options" "$env"
		done
		rm -rf "$tmp/status"; : >"$tmp/log"
	done
	if [ $differ = 0 ]; then
		echo "ok - programs of random calls, $threads threads: $ran runs as natively"
	else
		echo "not ok - programs of random calls, $threads threads: $differ of $ran runs" \
			"differ"
	fi
}

if [ "$threads" ]; then
	all_seeds "$threads" "$seeds" "$tries"
else
	all_seeds 1 "$seeds" 1
	all_seeds 3 $((seeds / 4)) 10
fi
exit $fail
