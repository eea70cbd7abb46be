#!/bin/bash
# SPDX-License-Identifier: MIT
# primeshim trace, over the fake kernel: its output is a trace, by tests/cli/trace-check, and has
# what the status file has. trace.c has the programs.
set -u
# shellcheck source=tests/lib/wait.sh
. "$(dirname "$0")/../lib/wait.sh" || exit 99
# shellcheck source=tests/lib/promise.sh
. "$(dirname "$0")/../lib/promise.sh" || exit 99
src=$(cd "${top_srcdir:-.}" && pwd -P)
build=$(cd "${top_builddir:-.}" && pwd -P)
shim=$build/.libs/libprimeshim.so fake=$build/tests/fake/.libs/libfake.so \
	tool=$build/tools/primeshim
check=$src/tests/cli/trace-check
[ -x "$tool" ] && [ -e "$fake" ] && perl -MJSON::PP -e 1 2>/dev/null || exit 77
tmp=$(mktemp -d) || exit 99
trap 'rm -rf "$tmp"' EXIT
ln -s "$build/tests/cli/trace" "$tmp/client"
unset PRIMESHIM_MODE PRIMESHIM_LOG PRIMESHIM_DIR PRIMESHIM_SYNC


# run DIRECTORY PROGRAM ARG...: under the shim, with its status file in a new DIRECTORY
run() {
	rm -rf "${tmp:?}/$1"
	LD_PRELOAD=$shim:$fake PRIMESHIM_DIR=$tmp/$1 ${EMULATOR:+"$EMULATOR"} "${@:2}" \
		>"$tmp/out" 2>"$tmp/err"
}

# trace DIRECTORY: writes, checks and lists the trace
trace() {
	"$tool" trace "$tmp/$1" -o "$tmp/$1.json" 2>"$tmp/err"
	promise "$1: the trace is written" [ $? = 0 ]
	promise "$1: it is one, by the format" "$check" "$tmp/$1.json"
	"$check" --list "$tmp/$1.json" >"$tmp/list"
	for file in "$tmp/$1"/*.primeshim; do
		[ ! -e "$file" ] || "$build/tests/lib/status-make" --dump "$file" >"$tmp/dump"
		return
	done
}

# count REGEX: lines of the list; dumped NAME: a number in the status file
count() { grep -cE "$1" "$tmp/list"; }
dumped() { sed -n "s/^$1 //p" "$tmp/dump"; }
# shellcheck disable=SC2317
has() { grep -qE "$1" "$tmp/list"; }

# failed TEXT STATUS REGEX COMMAND...: it fails so, and says one line that matches
failed() {
	local status
	"${@:4}" >"$tmp/out" 2>"$tmp/err"
	status=$?
	promise "$1: status $2" [ $status = "$2" ]
	promise "$1: one line" [ "$(wc -l <"$tmp/err")" = 1 ]
	promise "$1: that says why" grep -qE "$3" "$tmp/err"
}

# All that the fake drivers do.
run all "$build/tests/process/drivers" redirect
trace all
promise 'each import is a span' \
	[ "$(count '^b \| import \|')" = "$(($(dumped import) + $(dumped learned)))" ]
promise 'each mapping is one' \
	[ "$(count '^b \| mapping \|')" = \
		"$(($(dumped redirected) + $(dumped native) + $(dumped direct)))" ]
promise "the program's own mappings of dma-bufs are among them" \
	[ "$(count '^b \| mapping \|.*by=dma-buf.*importer=itself')" = "$(dumped direct)" ]
promise 'each bracket is one' [ "$(count '^b \| bracket \| (READ|RW) of')" = "$(dumped begin)" ]
promise 'with its START' [ "$(count '^b \| bracket \| START')" = "$(dumped begin)" ]
promise 'and its END' [ "$(count '^b \| bracket \| END')" = "$(dumped end)" ]
promise 'STARTs and ENDs are slices of their threads' \
	[ "$(count '^X \| sync \|')" = "$(($(dumped begin) + $(dumped end)))" ]
promise 'each refusal is an instant' [ "$(count '^i \| refusal \|')" = "$(dumped pairs_refused)" ]
promise 'there are refusals' [ "$(dumped pairs_refused)" -gt 10 ]
promise 'each SIGBUS is a fault' [ "$(count '^i \| fault \|')" = "$(dumped pairs_fault)" ]
promise 'each fallback is one' [ "$(count '^i \| fallback \|')" = "$(dumped fallback)" ]
promise 'nothing is open at the end' [ "$(grep -c 'had not ended' "$tmp/list")" = 0 ]
for counter in imports mappings brackets bytes; do
	promise "the counter of $counter ends at 0" \
		grep -q '=0$' <(grep -E "^C \| - \| $counter " "$tmp/list" | tail -n 1)
done
promise 'the program is named' has '^M \| - \| process_name \| [0-9]+ \| name=drivers$'
promise 'and its mode' has '^M \| - \| process_labels .*mode redirect, sync driver, exited'
run denied env PRIMESHIM_MODE=deny "$build/tests/process/drivers" deny
trace denied
promise 'each denial is an instant' [ "$(count '^i \| denial \|')" = "$(dumped denied)" ]
promise 'there are denials' [ "$(dumped denied)" -gt 10 ]

# Time: of the machine's clock, in microseconds.
now=$(cut -d . -f 1 /proc/uptime)
ts=$(grep -o '"ts":[0-9]*' "$tmp/denied.json" | head -n 1 | cut -d : -f 2)
promise 'times are microseconds of CLOCK_MONOTONIC' [ $((now - ts / 1000000)) -lt 600 ]

run killed "$tmp/client" kill
trace killed
promise 'killed: what was open is closed, and marked' \
	[ "$(grep -c 'had not ended' "$tmp/list")" = 3 ]
promise 'killed: so it is told' has 'process_labels .*, killed,'
promise 'killed: the counter stays' has '^C \| - \| bytes \| [0-9]+ \| mapped=16384$'

run forked "$tmp/client" fork
trace forked
promise 'forked: two processes' [ "$(count '^M \| - \| process_name')" = 2 ]
promise "forked: the parent's import is in its child, begun before" \
	[ "$(count '^b \| import \| vgem handle 1 .*begin=before the first event')" = 1 ]
promise "forked: and the child's own is not in the parent" \
	[ "$(count '^b \| import \| vgem handle 2 ')" = 1 ]

# What is kept takes room among the events.
PRIMESHIM_KEEP=off run full "$tmp/client" loop 1700
trace full
promise 'full: more events than there is room for' [ "$(dumped events)" -gt 8192 ]
promise 'full: how many are lost is there' \
	has "otherData .*events lost=$(($(dumped events) - 8192)) "
promise 'full: and where' [ "$(count '^i \| lost \|')" = 1 ]
promise 'full: the import began before' has '^b \| import \| .*begin=before the first event'
promise 'full: all that the ring has is there' \
	[ "$(count '^b \| bracket \| START')" -gt 1600 ]

run split "$tmp/client" split
trace split
promise 'split: a mapping and what is left of it' [ "$(count '^b \| mapping \|')" = 3 ]
promise 'split: as the status file has it' \
	[ "$(count '^b \| mapping .*end=had not ended')" = "$(dumped mappings_live)" ]
promise 'split: bytes mapped, too' \
	has "^C \| - \| bytes \| [0-9]+ \| mapped=$(dumped bytes_mapped)$"

# A mode that changes.
rm -rf "$tmp/flip"
mkfifo "$tmp/go"
LD_PRELOAD=$shim:$fake PRIMESHIM_DIR=$tmp/flip ${EMULATOR:+"$EMULATOR"} "$tmp/client" \
	flip <"$tmp/go" \
	>"$tmp/pid" 2>"$tmp/err" &
exec 9>"$tmp/go"
wait_until lines "$tmp/pid" 1
"$tool" set "$(cat "$tmp/pid")" mode=rescue >"$tmp/out" 2>&1
echo >&9
exec 9>&-
wait %1
trace flip
promise 'a change of mode is an instant' \
	[ "$(count '^i \| policy \| mode rescue, sync driver')" = 1 ]

# Files.
mkdir "$tmp/empty"
failed 'an empty directory' 1 'nothing to show' "$tool" trace "$tmp/empty" -o "$tmp/none.json"
promise 'and no file' [ ! -e "$tmp/none.json" ]
failed 'no such directory' 2 'no such directory' "$tool" trace "$tmp/nowhere" -o "$tmp/none.json"
mkdir "$tmp/short"
cp "$tmp/all"/*.primeshim "$tmp/short/1-1.1.primeshim"
head -c 5000 "$tmp/short/1-1.1.primeshim" >"$tmp/short/2-2.2.primeshim"
"$tool" trace "$tmp/short" -o "$tmp/short.json" 2>"$tmp/err"
promise 'a status file cut short: the rest is shown' [ $? = 0 ]
promise 'with a warning' grep -q '2-2.2.primeshim: cut short.*; left out' "$tmp/err"
promise 'and is a trace' "$check" "$tmp/short.json"
echo precious >"$tmp/old"
for full in /dev/full "$tmp/nowhere/x" "$tmp"; do
	failed "-o ${full/$tmp/TMP}" 2 'No space|No such|directory' "$tool" trace \
		"$tmp/all" -o "$full"
done
failed 'no such directory' 2 'no such directory' "$tool" trace "$tmp/nowhere" -o "$tmp/old"
promise 'leave a file that was there' [ "$(cat "$tmp/old")" = precious ]
ln -s old "$tmp/link"
"$tool" trace "$tmp/all" -o "$tmp/link"
promise 'a link stays one' [ -L "$tmp/link" ]
promise 'and is written through' "$check" "$tmp/old"
promise 'and nothing is left beside it' [ "$(find "$tmp" -name 'old.*' | wc -l)" = 0 ]
"$tool" trace "$tmp/all" -o - >"$tmp/stdout.json"
promise '- is stdout' cmp "$tmp/stdout.json" "$tmp/all.json"
# shellcheck disable=SC2016
failed 'a pipe that is closed' 2 'Broken pipe' \
	bash -c '"$0" trace "$1" -o - | true; exit ${PIPESTATUS[0]}' \
	"$tool" "$tmp/full"
for wrong in '' '-o' '--what' 'a b -o x'; do
	# shellcheck disable=SC2086
	failed "trace $wrong" 2 'see primeshim trace --help' "$tool" trace $wrong
done

# A status file that anybody may have written. status-make reads the \x.
# shellcheck disable=SC2028
hostile() {
	echo 'head program=a"b\<\x26\x07\xff\xc3 command=\x1b[31m<g>&\xed\xa0\x80"' \
		'made=1000 ended=99999'
	echo 'name text="}],<!--\xff\x01]]>'
	echo 'name text=\xef\xbf\xbf\xc2\x85&amp;'
	echo 'import importer=2 buffer=1 handle=7 since=5'
	echo 'mapping importer=2 buffer=9999 start=0xffffffffffffffff end=1' \
		'since=18446744073709551615'
	echo 'buffer exporter=200 ino=3 size=18446744073709551615 turn=49'
	for ((i = 0; i < 400; i++)); do
		echo "event kind=$((RANDOM % 14)) importer=$((RANDOM % 4))" \
			"exporter=$((RANDOM % 4)) handle=$((RANDOM % 3)) entry=$((RANDOM % 3))" \
			"ino=$((RANDOM % 3)) tid=$((RANDOM % 3))" \
			"at=$((RANDOM * (RANDOM % 7 ? 1 : 100000))) took=$((RANDOM * 1000))" \
			"prot=$RANDOM native=$((RANDOM % 40 - 2))" \
			"reason=$((RANDOM % 200)) outcome=$((RANDOM % 6))" \
			"addr=$((RANDOM % 9 * 4096 - 4096)) len=$((RANDOM % 9 * 4096))"
	done
}
mkdir "$tmp/hostile"
for ((n = 0; n < 20; n++)); do
	RANDOM=$n
	hostile | "$build/tests/lib/status-make" "$tmp/hostile/$n-1.1.primeshim"
done
trace hostile

# The judge can say no. Perl has the $.
# shellcheck disable=SC2016
spoiled() {
	perl -e 'undef $/; $_ = <STDIN>; my $was = $_; eval $ARGV[0]; die if $_ eq $was; print' \
		"$2" \
		<"$tmp/killed.json" >"$tmp/spoiled.json" ||
		{ echo "not ok - $1 is tried"; fail=1; return; }
	"$check" "$tmp/spoiled.json" >"$tmp/out"
	promise "the judge finds $1" [ $? = 1 ]
}
# shellcheck disable=SC2016
{
spoiled 'a file cut short' '$_ = substr $_, 0, -9'
spoiled 'what is no UTF-8' 's/vgem/vg\xffm/'
spoiled 'an unknown ph' 's/"ph":"X"/"ph":"Z"/'
spoiled 'an event without a name' 's/"name":"START RW",//'
spoiled 'a time that is text' 's/"ts":([0-9.]+)/"ts":"$1"/'
spoiled 'a slice that is too short' 's/"dur":/"dur":-/'
spoiled 'a slice without an end' 's/"dur":[0-9.]+/"x":1/'
spoiled 'a counter that is text' 's/"mapped":0/"mapped":"0"/'
spoiled 'a span without an end' 's/\{"ph":"e","cat":"import".*?\},\n//'
spoiled 'an end without a span' 's/\{"ph":"b","cat":"mapping".*?\}\},\n//'
spoiled 'ends in the wrong order' 's/("ph":"e","cat":"bracket","name":)"START"/$1"RW"/'
spoiled 'another id' 's/("ph":"e","cat":"import".*"id":)"0x1"/$1"0x77"/'
spoiled 'a span that ends before it begins' 's/("ph":"e","cat":"import".*"ts":)/${1}0.00000/'
spoiled 'a process without a name' 's/.*process_name.*\n//'
spoiled 'an instant without a scope' 's/"s":"t"/"s":"q"/'
spoiled 'another unit' 's/"displayTimeUnit":"ns"/"displayTimeUnit":"us"/'
spoiled 'slices of a thread that overlap' \
	's/(\{"ph":"X".*"ts":)([0-9.]+)(.*"dur":)([0-9.]+)(.*\n)/'\
'"$1$2$3$4$5" . $1 . ($2 - $4 \/ 2 - 1) . $3 . ($4 \/ 2 + 1.5) . $5/e'
}
exit $fail
