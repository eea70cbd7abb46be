#!/bin/bash
# SPDX-License-Identifier: MIT
# primeshim ab: runs real programs two ways, and over the fake kernel counts what they do.
# shellcheck disable=SC2016,SC2317 # what "sh -c" is given; what promise calls
set -u
# shellcheck source=tests/lib/wait.sh
. "$(dirname "$0")/../lib/wait.sh" || exit 99
# shellcheck source=tests/lib/promise.sh
. "$(dirname "$0")/../lib/promise.sh" || exit 99
build=$(cd "${top_builddir:-.}" && pwd -P)
ab=("$build/tools/primeshim" ab) fake=$build/tests/fake/.libs/libfake.so
[ -x "${ab[0]}" ] && [ -z "${EMULATOR-}" ] && command -v jq script >/dev/null || exit 77
tmp=$(mktemp -d) || exit 99
trap 'rm -rf "$tmp"' EXIT
unset PRIMESHIM_MODE PRIMESHIM_SYNC PRIMESHIM_LOG PRIMESHIM_DIR LD_PRELOAD
mkdir "$tmp/tmp" "$tmp/work"
export TMPDIR=$tmp/tmp
cd "$tmp/work" || exit 99

# run ARG...: its status is $status; stdout in out, stderr in err
run() {
	"${ab[@]}" "$@" >"$tmp/out" 2>"$tmp/err"
	status=$?
}

# json ARG...: the same, quietly and as JSON
json() {
	run -q --json "$@"
}

# is FILTER: the JSON is so
is() {
	[ "$status" = 0 ] && jq -e "$1" "$tmp/out" >/dev/null
}

# gone FILE: the processes whose numbers are in there are no more, whether or not init has noticed
gone() {
	local pid
	[ -s "$1" ] || return
	while read -r pid; do
		grep -q '^State:[[:space:]][^ZX]' "/proc/$pid/status" 2>/dev/null && return 1
	done <"$1"
	:
}

# refuses TEXT ARG...: status 2, one line that has this text, nothing on stdout
refuses() {
	run "${@:2}"
	[ "$status" = 2 ] && [ ! -s "$tmp/out" ] && [ "$(wc -l <"$tmp/err")" = 1 ] &&
		grep -qF -- "$1" "$tmp/err"
}

# How runs end.
json -n 2 -- sh -c 'exit 3'
promise 'an exit status' is '.a.ended == { "exit 3": 2 } and .b.ended == { "exit 3": 2 }'
promise 'both ways are known by their modes' is '.a.mode == "observe" and .b.mode == "redirect"'
promise 'alike ends are compared' is '.alike and .ratio.wall_seconds.estimate > 0'
dies='[ "$PRIMESHIM_MODE" != observe ] || { echo first >&2; echo "cannot map" >&2; kill -SEGV $$; }'
json -n 2 -- sh -c "$dies"
promise 'a death natively is a result, by its name' is '.a.ended == { "SIGSEGV": 2 }'
promise 'and the other side is not hurt' is '.b.ended == { "exit 0": 2 }'
promise 'what does not end alike has no ratio' is '(.alike | not) and .ratio.wall_seconds == null'
promise 'why it died is told' \
	is '.a.stderr == { "run": 1, "line": "cannot map" } and .b.stderr == null'
json -n 2 -- sh -c 'echo >>log; [ "$(wc -l <log)" -lt 3 ] || exit 7'
promise 'runs that end differently are counted' is '.a.ended == { "exit 0": 1, "exit 7": 1 }'
run -n 2 -- sh -c 'echo >>log2; [ "$(wc -l <log2)" -lt 3 ] || exit 7'
promise 'in the table, too' grep -q '^ended  *1x exit [07], 1x exit [07]  *1x exit' "$tmp/out"

# The order, and which environment.
json -n 3 --warmup -- sh -c 'echo "$PRIMESHIM_MODE" >>order'
promise 'the order is A B B A, after a warmup of each' \
	[ "$(tr '\n' ' ' <order)" = 'observe redirect '\
'observe redirect redirect observe observe redirect ' ]
promise 'warmups are not counted' is '.a.runs == 3 and (.a.wall_seconds.values | length) == 3'
env='echo "$PRIMESHIM_MODE $PRIMESHIM_SYNC ${LD_PRELOAD##*/}"'
json -n 1 --keep kept --a rescue/map --b deny/trap -- sh -c "$env"
promise 'mode and sync reach the command' \
	[ "$(cat kept/a1.0.stdout)" = 'rescue map libprimeshim.so' ]
promise 'of both ways' [ "$(cat kept/b1.0.stdout)" = 'deny trap libprimeshim.so' ]
LD_PRELOAD=$build/.libs/libprimeshim.so PRIMESHIM_MODE=deny json -n 1 --keep kept2 --a none -- \
	sh -c 'env | grep -c "PRIMESHIM_\|LD_PRELOAD"'
promise 'none is without the shim, even under it' [ "$(cat kept2/a1.0.stdout)-$status" = 0-0 ]
promise 'and nothing is counted there' is '.a.imports == null and .b.imports.median == 0'
promise 'what is kept has stderr, too' [ -e kept2/b1.stderr ]
promise 'a directory that is not empty is not kept in' refuses 'not empty' --keep kept2 true
promise 'and loses nothing' [ -e kept2/a1.0.stdout ]

PRIMESHIM_DIR=$tmp/work/kept PRIMESHIM_DRIVERS=vgem json -n 1 --keep kept4 env
promise 'each run has a status file directory of its own, and only that' \
	[ "$(sed -n '/^PRIMESHIM_D/{s|=.*/|=|;p}' kept4/a1.0.stdout | sort)" = 'PRIMESHIM_DIR=status
PRIMESHIM_DRIVERS=vgem' ]
LD_PRELOAD=other.so "$build/scripts/run-with-shim.sh" --env --mode deny -- \
	sh -c 'touch ran' >told 2>/dev/null
promise 'run-with-shim.sh --env says what it would set' [ "$(sed 's|=/.*/|=|' told)" = \
'LD_PRELOAD=libprimeshim.so:other.so
PRIMESHIM_MODE=deny' ]
promise 'and runs nothing' [ ! -e ran ]
json -n 1 -- sh -c 'rm -rf "$PRIMESHIM_DIR"'
promise 'a command that removes its status files is not counted' is '.a.imports == null'

# What is measured.
# On a busy machine a run takes longer than what it sleeps, but no longer than all of them together.
before=${EPOCHREALTIME/./}
json -n 5 -- sh -c 'case $PRIMESHIM_MODE in observe) sleep 0.3 ;; *) sleep 0.75 ;; esac'
took=$((${EPOCHREALTIME/./} - before))
promise 'wall time is that of the clock' \
	is '(.a.wall_seconds.values | length) == 5 and (.b.wall_seconds.values | length) == 5'
promise 'no run is shorter than it was' \
	is '(.a.wall_seconds.values | min) > 0.3 and (.b.wall_seconds.values | min) > 0.75'
promise 'nor are all of them longer' \
	is "(.a.wall_seconds.values + .b.wall_seconds.values | add) < $took / 1000000"
promise 'and its ratio is right' is '[.b.wall_seconds.values[] / .a.wall_seconds.values[]] as $all |
	.ratio.wall_seconds | ($all | min) <= .low and .low <= .estimate and .estimate <= .high and
	.high <= ($all | max)'
promise 'sleep takes no CPU time' is '.b.cpu_seconds.median < 0.3'
json -n 1 -- \
	sh -c 'case $PRIMESHIM_MODE in observe) ;; *) head -c 300000000 /dev/zero | cksum ;; esac'
promise 'CPU time is that of the children, too' \
	is '.b.cpu_seconds.median > 5 * .a.cpu_seconds.median'
promise 'with one run there is no interval' is '.ratio.cpu_seconds | .estimate > 5 and .low == null'
run -n 1 true
promise 'which is said' grep -q 'too few runs' "$tmp/out"
json -n 1 -- sh -c '[ "$PRIMESHIM_MODE" = observe ] ||
	head -c 40000000 /dev/zero | tail -c 40000000 >/dev/null'
promise 'memory is the largest of them' is '.b.memory_bytes.median > 40000000'
promise "and not primeshim's own" is '.a.memory_bytes.median < 4000000'

# What is written.
json -n 2 -- echo same
promise 'equal stdout' is '.outputs == [{ "file": null, "verdict": "equal",
	"a": { "found": 2, "varies": false }, "b": { "found": 2, "varies": false } }]'
json -n 2 -- sh -c "$env"
promise 'stdout that differs' is '.outputs[0].verdict == "differ"'
echo precious >out.png
json -n 2 --output out.png --output by.log -- \
	sh -c '[ ! -e out.png ] && echo x >out.png; echo $$ >by.log'
promise 'equal files' \
	is '.outputs[1] | .file == "out.png" and .verdict == "equal" and .a.found == 2'
promise 'files that differ between equal runs' is '.outputs[2] | .verdict == "not deterministic" and
	.a.varies and .b.varies'
promise "the user's own is as it was" [ "$(cat out.png)" = precious ]
promise 'and what was not there is not' [ ! -e by.log ]
run -n 4 --output x.png --output b.log -- sh -c '[ "$PRIMESHIM_MODE" = observe ] || echo x >x.png
	[ "$PRIMESHIM_MODE" != observe ] || echo x >b.log; echo $$'
promise 'a file that only B writes' grep -qx 'x.png: missing from A' "$tmp/out"
promise 'that only A writes' grep -qx 'b.log: missing from B' "$tmp/out"
promise 'stdout that is not deterministic' \
	grep -qxF 'stdout: differ even between runs of A and of B (not deterministic)' "$tmp/out"
promise 'an output that is a directory' refuses 'is not a file' --output kept true
promise 'in no directory' refuses 'no such directory' --output nowhere/x true
promise 'an output given twice' refuses 'twice' --output y --output y true
json -n 1 cat
promise 'stdin is empty' [ "$status" = 0 ]
json -n 1 --stdin order --keep kept3 cat
promise 'or a file' cmp -s order kept3/b1.0.stdout

# What it says meanwhile.
run -n 2 true
promise 'one line a run' [ "$(wc -l <"$tmp/err")" = 4 ]
run -n 2 -q true
promise 'or none' [ ! -s "$tmp/err" ]
script -qec "$(printf '%q ' "${ab[@]}") -n 2 true" /dev/null >"$tmp/out" 2>&1 </dev/null
promise 'in a terminal a line that is rewritten' grep -q $'4/4 A.*\r' "$tmp/out"
script -qec "stty cols 20; $(printf '%q ' "${ab[@]}") -q -n 2 --output x -- sh -c 'exit 1'" \
	/dev/null \
	2>&1 </dev/null | tr -d '\r' >"$tmp/out"
promise 'in 20 columns no line is longer' [ -z "$(grep -E '.{21}' "$tmp/out")" ]
promise 'and all is there' [ "$(grep -c '^ [AB] exit 1$' "$tmp/out")" = 2 ]
run -q -n 1 --markdown -- sh -c 'exit 1' '|'
promise 'Markdown has a table of four columns' \
	[ "$(grep -c '^| .* | .* | .* | .* |$' "$tmp/out")" = 12 ]
promise 'and escapes what it would heed' grep -qF "sh -c 'exit 1' '\|'" "$tmp/out"

# What it leaves behind.
away='trap "" TERM; sleep 100 & echo $! >>pids;
	setsid sh -c "trap \"\" TERM; sleep 100 & echo \$! >>pids; sleep 100" & echo $! >>pids; '
json -n 1 -- sh -c "$away exit 0"
promise 'what runs leave behind is ended, also out of their group' gone pids
rm -f pids
# So long that its children are there by then.
json -n 1 --timeout 3 -- sh -c "$away sleep 100"
promise 'a time limit is a result' \
	is '.a.ended == { "timeout": 1 } and .b.ended == { "timeout": 1 }'
promise 'and nothing is left' gone pids
rm -f pids
sh -c 'sleep 100 & echo $! >mine; exec "$@" >/dev/null' sh "${ab[@]}" -q -n 1 true
read -r pid <mine
promise 'what was there before is left alone' kill "$pid"

# stop SIGNAL ARG...: starts it, and sends that when three runs are done and the fourth is on
stop() {
	rm -f started pids
	# A job of a script has SIGINT ignored.
	env --default-signal "${ab[@]}" "${@:2}" >"$tmp/out" 2>"$tmp/err" &
	wait_until lines started 4 && wait_until lines pids "$children"
	kill -"$1" $!
	wait $! 2>/dev/null
	status=$?
}
children=3
third="echo >>started; echo mine >out.png; [ \$(wc -l <started) -lt 4 ] || { $away sleep 100; }"
stop INT -q -n 5 --json --output out.png -- sh -c "$third"
promise 'SIGINT: status 130' [ "$status" = 130 ]
status=0
promise 'the result so far' is '.partial and .stopped_by == "SIGINT" and
	.a.runs == 1 and .b.runs == 2 and .outputs[1].verdict == "equal"'
promise 'none of the command is left' gone pids
promise "the user's file is put back" [ "$(cat out.png)" = precious ]
stop TERM -q -n 5 -- sh -c "$third"
promise 'SIGTERM: status 143' [ "$status" = 143 ]
promise 'and a table that says so' \
	grep -qx 'PARTIAL: stopped by SIGTERM after 3 of 10 runs (1 of A, 2 of B)' "$tmp/out"
children=1
stop KILL -q -n 5 -- sh -c 'echo $$ >pids; echo >>started
	[ "$(wc -l <started)" -lt 4 ] || exec sleep 100'
promise 'SIGKILL: the command does not go on' wait_until gone pids
rm -rf "$TMPDIR"/primeshim-ab.*

# What is wrong.
for wrong in '-n 0' '-n x' '-n 10001' '-n -1' '-n' "-n ''" '--a warp' '--b redirect/warp' \
	'--b none/map' \
	'--a redirect/' '--timeout 0' '--timeout x' '--timeout nan' '--json --markdown' '--warp' \
	'--stdin /nowhere' '--keep /nowhere/x'; do
	eval "promise \"\$wrong is refused in one line\" refuses '' $wrong true"
done
promise 'no command is refused' refuses 'no command' --
promise 'a command that does not exist' refuses 'does not exist' ./nowhere
promise 'that is not in PATH' refuses 'not in PATH' surely-no-command
promise 'without the shim, too' refuses 'cannot be started' --a none --b none surely-no-command
touch plain
promise 'that is not executable' refuses 'not executable' ./plain
echo 'int main(void) { return 0; }' >static.c
if ${CC:-cc} -static -o static static.c 2>/dev/null; then
	promise 'a static one, by the launcher' refuses 'statically linked' ./static
	json -n 1 --a none --b none ./static
	promise 'which runs without the shim' is '.a.ended == { "exit 0": 1 }'
fi
"${ab[@]}" -q -n 1 true 2>"$tmp/err" | true
promise 'a pipe that nobody reads is no crash' [ "${PIPESTATUS[0]}" = 0 ]
"${ab[@]}" -q -n 1 true >/dev/full 2>"$tmp/err"
promise 'a full disk is told' [ "$?-$(wc -l <"$tmp/err")" = 2-1 ]
TMPDIR=/nowhere run true
promise 'no directory for it is told' [ "$status-$(wc -l <"$tmp/err")" = 2-1 ]
run --help
promise '--help' grep -q 'Mann-Whitney' "$tmp/out"
promise 'temporary directories are removed' [ -z "$(ls -A "$TMPDIR")" ]
promise 'nothing is left beside the outputs' [ -z "$(find . -name '*before-ab*')" ]

# What is counted.
[ -e "$fake" ] || exit $fail
ln -s "$build/tests/lib/status-client" client
export LD_PRELOAD=$fake
json -n 2 -- ./client import map write unmap close import map write unmap close
promise 'natively a crash, and right with the shim' is '.a.ended == { "SIGSEGV": 2 } and
	.b.ended == { "exit 0": 2 }'
promise 'imports are counted' is '.a.imports.values == [1, 1] and .b.imports.values == [2, 2]'
promise 'maps refused' is '.a.maps_refused.values == [1, 1] and .b.maps_refused.values == [2, 2]'
promise 'and rescued' is '.a.maps_rescued.values == [0, 0] and .b.maps_rescued.values == [2, 2]'
promise 'maps of the dma-buf' is '.a.maps_of_dmabuf.median == 0 and .b.maps_of_dmabuf.median == 2'
promise 'syncs' is '.a.sync_begins.median == 0 and .b.sync_begins.median == 2'
promise 'and the time in them' is '.b.sync_blocked_ns.median > 0'
json -n 1 --b deny -- ./client import map
promise 'deny refuses' is '.b.maps_refused.median == 1 and .b.maps_rescued.median == 0'
json -n 1 -- ./client import fork import map write unmap close
promise 'children are counted' is '.b.imports.median == 2 and .b.maps_rescued.median == 1'
json -n 1 -- ./client import map write kill
promise 'so is what a killed program did' \
	is '.b.ended == { "SIGKILL": 1 } and .b.maps_rescued.median == 1'
run -n 3 -- ./client import map write unmap close
promise 'the table says it in rows' grep -qx 'maps refused  *1  *1 *' "$tmp/out"
promise 'also of what was rescued' grep -qx '  rescued  *0  *1 *' "$tmp/out"
exit $fail
