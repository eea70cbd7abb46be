#!/bin/bash
# SPDX-License-Identifier: MIT
# primeshim's commands report, top, maps, watch and set: what they print of real status files (over
# the fake kernel) and of wrong ones, in a terminal and in a pipe. status.sh tests what the shim
# writes into the files.
set -u
# shellcheck source=tests/lib/wait.sh
. "$(dirname "$0")/../lib/wait.sh" || exit 99
# shellcheck source=tests/lib/promise.sh
. "$(dirname "$0")/../lib/promise.sh" || exit 99
build=$(cd "${top_builddir:-.}" && pwd -P)
shim=$build/.libs/libprimeshim.so fake=$build/tests/fake/.libs/libfake.so \
	tool=$build/tools/primeshim
[ -x "$tool" ] && [ -e "$fake" ] || exit 77
command -v jq >/dev/null && command -v script >/dev/null || exit 77
tmp=$(mktemp -d) || exit 99
trap 'exec 3>&-; rm -rf "$tmp"' EXIT
ln -s "$build/tests/lib/status-client" "$tmp/client"
unset PRIMESHIM_MODE PRIMESHIM_SYNC PRIMESHIM_LOG PRIMESHIM_DIR XDG_RUNTIME_DIR
dir=$tmp/status

# refuses TEXT PATTERN ARG...: status 2, and one line on stderr like that
refuses() {
	"$tool" "${@:3}" >"$tmp/out" 2>"$tmp/err" </dev/null
	promise "$1: status 2" [ $? = 2 ]
	promise "$1: one line" [ "$(wc -l <"$tmp/err")-$(grep -c -- "$2" "$tmp/err")" = 1-1 ]
}


# client WORD...
client() {
	PRIMESHIM_DIR=$dir LD_PRELOAD=$shim:$fake "$tmp/client" "$@" >"$tmp/out" 2>"$tmp/err"
}

client import map write half close
PRIMESHIM_MODE=observe client import map
file=$(find "$dir" -name '*.primeshim' | sort | head -n 1)

# What a report says.
"$tool" report --json "$dir" >"$tmp/json"
# is TEXT FILTER: the JSON is so
is() {
	promise "$1" jq -e "$2" "$tmp/json" >"$tmp/null"
}
is 'JSON: two processes' '.processes | length == 2'
is 'JSON: their modes' '[.processes[].mode] | sort == ["observe", "redirect"]'
is 'JSON: who imported from whom' \
	'.processes | all(.pairs[0] | .importer == "vgem" and .exporter == "fake")'
is 'JSON: the refused map' '[.processes[].pairs[] | select(.native == "EINVAL") | .outcome] |
	sort == ["offset", "refused"]'
is 'JSON: totals' \
	'.total.imports == 2 and .total.map_ioctls_refused == 2 and .total.map_ioctls_rescued == 1'
is 'JSON: what is still mapped' \
	'[.processes[].mappings[]] | length == 2 and all(.bytes == 16384 and .writable)'
is 'JSON: a closed import is none' '[.processes[] | select(.mode == "redirect").imports[]] == []'
"$tool" report --csv "$dir" >"$tmp/csv"
promise 'CSV: a line for each pair and call' [ "$(wc -l <"$tmp/csv")" = 6 ]
promise 'CSV: as many fields in each' [ "$(awk -F, '{ print NF }' "$tmp/csv" | sort -u)" = 13 ]
promise 'CSV: the rescued map' grep -q '"vgem","fake",map ioctl,EINVAL,offset,,1,16384$' "$tmp/csv"
# Counters that no fault-free run raises: 19 and 20, on a status file that is made for it.
# made NAME LINE...: a status file in $tmp/NAME
made() {
	mkdir "$tmp/$1"
	printf '%s\n' "${@:2}" | "$build/tests/lib/status-make" "$tmp/$1/7-1.1.primeshim"
}
made lost 'counter n=0 value=1' 'counter n=10 value=1' 'counter n=19 value=1' 'counter n=20 value=3'
"$tool" report "$tmp/lost" >"$tmp/text"
promise 'a bracket whose descriptor was closed by a raw system call is remarked on' \
	grep -q '^  not ended: 1 bracket, whose descriptor a system call' "$tmp/text"
promise 'and so are mappings for which there was no descriptor' \
	grep -q '^  not bracketed: 3 mappings, for which no descriptor' "$tmp/text"
"$tool" report --json "$tmp/lost" >"$tmp/json"
is 'JSON: both' '.total.ends_lost == 1 and .total.maps_without_descriptor == 3'
# status-make reads the \x.
made escapes 'head program=a\x1b[2J\x07b command=\x1b]0;c\x9b1m\xc2\x9b2m\xc3\xa4'
"$tool" report "$tmp/escapes" >"$tmp/text"
promise 'what a terminal would heed of a name is shown as "?"' \
	grep -q '^a?\[2J?b\[1\], ' "$tmp/text"
promise 'and of arguments' grep -qx '  ?\]0;c?1m??2mä' "$tmp/text"
"$tool" report --status 135 "$dir" >"$tmp/text"
promise 'the status is told' grep -qx 'status: 135 (SIGBUS)' "$tmp/text"
# verdict TEXT MODE STATUS WORD...
verdict() {
	rm -rf "$dir"
	PRIMESHIM_MODE=$2 client "${@:4}"
	"$tool" report --status "$3" "$dir" 2>&1 | grep -q "^verdict: $1"
	promise "verdict: $1" [ $? = 0 ]
}
verdict 'it maps imports and is refused, and then SIGSEGV ended it' observe 139 import map
verdict 'it imports, and maps no import: nothing for primeshim to do' observe 0 import close
verdict 'SIGSEGV ends it, and it maps no import: the cause is another' observe 139 import
verdict 'its driver refuses maps of imports, and the shim has made them' redirect 0 import map
verdict 'deny has refused nothing' deny 0 import
verdict 'it imports, and maps no import' redirect 0 import
mkdir "$tmp/empty"
promise 'an empty directory is nothing imported' grep -q 'no process has imported a dma-buf' \
	<("$tool" report "$tmp/empty")
promise 'maps --json' jq -e 'length == 0' <("$tool" maps --json "$tmp/empty") >"$tmp/null"

# A running program, looked at in a pipe and in a terminal.
mkfifo "$tmp/in"
rm -rf "$dir"
(PRIMESHIM_DIR=$dir LD_PRELOAD=$shim:$fake exec "$tmp/client" import map write wait many 3 wait \
	<"$tmp/in" >"$tmp/said") &
pid=$!
exec 3>"$tmp/in"
wait_until lines "$tmp/said" 2
"$tool" top -n 2 -d 0.1 "$dir" >"$tmp/text" </dev/null
promise 'top in a pipe: a line each time' \
	[ "$(grep -c ' 1 running, 1 imports, 16 KiB mapped' "$tmp/text")" = 2 ]
promise 'top in a pipe that nobody reads ends well' \
	[ "$("$tool" top -d 0.1 "$dir" </dev/null 2>"$tmp/err" | head -n 1 |
		wc -l)-$(wc -c <"$tmp/err")" = 1-0 ]

# shown: the terminal has something, or what ran there has ended
# shellcheck disable=SC2317
shown() {
	[ -s "$tmp/screen" ] || [ -e "$tmp/ended" ]
}

# terminal COLUMNS LINES KEYS ARG...: what it writes there, in screen. Keys are typed when something
# is there, and the terminal stays until it has ended.
terminal() {
	rm -f "$tmp/ended" "$tmp/screen"
	{
		wait_until shown
		printf %s "$3"
		wait_until [ -e "$tmp/ended" ]
	} | TERM=xterm timeout "$hang" script -qefc "stty cols $1 rows $2; $tool ${*:4}; status=\$?
		: >$tmp/ended; exit \$status" "$tmp/typescript" >"$tmp/screen" 2>&1
}
terminal 120 20 q top -d 0.2 "$dir"
promise 'top in a terminal: q ends it' [ $? = 0 ]
promise 'with the process in the table' grep -aq "$pid.*client.*redirect/driver" "$tmp/screen"
promise 'and the terminal as it was' grep -aq $'\e\[?1049l' "$tmp/screen"
for keys in pq aq sq xq; do
	terminal 80 24 $keys top -d 0.2 "$dir"
	promise "top: the key ${keys%q} does no harm" [ $? = 0 ]
done
for size in '20 5' '1 1' '300 100'; do
	# shellcheck disable=SC2086
	terminal $size q top -d 0.2 "$dir"
	promise "top in a terminal of $size" [ $? = 0 ]
done
TERM=nothing-known script -qec "$tool top $dir" "$tmp/typescript" </dev/null >"$tmp/screen"
promise 'top in a terminal that is not known: status 2' [ $? = 2 ]
promise 'in one line' \
	[ "$(grep -c 'is not known: set TERM' "$tmp/screen")-$(wc -l <"$tmp/screen")" = 1-1 ]
# 20 columns for what is no table.
terminal 20 10 '' report "$dir"
promise 'report in a terminal of 20 columns' [ $? = 0 ]

# waits PID: how often the process has gone to sleep
# shellcheck disable=SC2317
waits() {
	sed -n 's/^voluntary_ctxt_switches:[[:space:]]*//p' "/proc/$1/status"
}

# waiting PID: primeshim has read the status file, and looks for more: it sleeps again and again
# shellcheck disable=SC2317
waiting() {
	local before
	[ "$(readlink "/proc/$1/exe")" = "$(readlink -f "$tool")" ] || return
	before=$(waits "$1") && sleep 1 && [ "$(waits "$1")" -ge $((before + 2)) ]
}

# closed N: so many events of that kind have been told
# shellcheck disable=SC2317
closed() {
	[ "$(grep -c ' close ' "$tmp/events")" -ge "$1" ]
}

"$tool" watch "$pid" >"$tmp/events" &
watcher=$!
wait_until waiting $watcher
echo >&3
wait_until closed 3
promise 'watch: what comes is told' [ "$(grep -c ' close  *vgem handle ' "$tmp/events")" = 3 ]
promise 'watch: and not what was before' [ "$(grep -c ' import ' "$tmp/events")" = 3 ]
kill -INT $watcher 2>"$tmp/null"
kill $watcher 2>"$tmp/null"
wait $watcher
promise 'watch: a signal ends it well' [ $? = 0 ]
"$tool" watch --all "$pid" >"$tmp/all" &
watcher=$!
wait_until lines "$tmp/all" 1
echo >&3
exec 3>&-
wait $watcher
promise 'watch ends with the process' [ $? = 0 ]
promise 'and has its end' grep -q ' exit' "$tmp/all"
promise 'watch into a pipe that nobody reads ends well' \
	[ "$("$tool" watch --all "$file" 2>&1 | head -n 1 | wc -l)" -le 1 ]

# Wrong.
file=$(find "$dir" -name '*.primeshim')
cut() {
	head -c "$1" "$file" >"$tmp/cut.primeshim"
}
refuses 'no command' 'no command given'
refuses 'another command' 'there is no command bogus' bogus
for command in report top maps watch set; do
	refuses "$command, a wrong option" "primeshim $command: unknown option.*--bogus; see" \
		$command --bogus
	refuses "$command, no such process" 'there is no process 99999999' $command 99999999
	promise "$command --help" grep -q '^Usage: primeshim ' <("$tool" $command --help)
done
refuses 'report, two directories' 'give one directory or process at a time' report a b
refuses 'report, two formats' 'exclude each other' report --json --csv "$dir"
refuses 'report, no status' '--status takes a number from 0 to 255' report --status 256 "$dir"
refuses 'report, no such directory' 'there is no such directory' report "$tmp/none"
refuses 'a process that is not under the shim' \
	"process $$ is not under the shim: start it with run-with-shim" report $$
refuses 'watch, a directory' 'one process at a time' watch "$tmp/empty"
refuses 'set, no process' 'give the number of a process first' set mode=off
refuses 'top, no number' '-n takes a number from 1 on' top -n 0
refuses 'top, no time' '-d takes seconds, from 0.1 to 3600' top -d 0
cut 100
refuses 'a status file cut in its head' 'cut short: it ends in its head' \
	report "$tmp/cut.primeshim"
cut 5000
refuses 'a status file cut short' 'cut short: 5000 of' report "$tmp/cut.primeshim"
cut 0
refuses 'an empty file' 'no status file of primeshim' report "$tmp/cut.primeshim"
cp "$file" "$tmp/cut.primeshim"
printf '\3' | dd of="$tmp/cut.primeshim" bs=1 seek=8 conv=notrunc status=none
refuses 'a status file of another version' \
	'a status file of version 3, and this primeshim reads 2' report "$tmp/cut.primeshim"
printf '\1' | dd of="$tmp/cut.primeshim" bs=1 seek=8 conv=notrunc status=none
refuses 'a status file of primeshim 0.1' \
	'a status file of version 1, and this primeshim reads 2: use the primeshim that came' \
	report "$tmp/cut.primeshim"
mkdir "$tmp/old"
cp "$tmp/cut.primeshim" "$tmp/old"
"$tool" report "$tmp/old" >"$tmp/out" 2>"$tmp/err"
promise 'a directory of such files: status 2' [ $? = 2 ]
promise 'nothing is said of the program' [ ! -s "$tmp/out" ]
promise 'it is told what is wrong' grep -q 'a status file of version 1, .*; left out$' "$tmp/err"
head -c 700000 /dev/urandom >"$tmp/cut.primeshim"
refuses 'rubbish' 'no status file of primeshim' report "$tmp/cut.primeshim"
mkdir "$tmp/mixed"
mv "$tmp/cut.primeshim" "$tmp/mixed"
cp "$file" "$tmp/mixed"
mkfifo "$tmp/mixed/fifo.primeshim"
mkdir "$tmp/mixed/directory.primeshim"
ln -s "$file" "$tmp/mixed/link.primeshim"
"$tool" report "$tmp/mixed" >"$tmp/text" 2>"$tmp/err"
promise 'a directory with rubbish: what is right is told' grep -q '^client\[' "$tmp/text"
promise 'and the rest in a line each' [ "$(grep -c '; left out$' "$tmp/err")" = 4 ]
if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null; then
	chmod 755 "$tmp"
	sleep infinity &
	setpriv --reuid 12345 --clear-groups "$tool" report $! >"$tmp/out" 2>"$tmp/err"
	promise "another user's process: status 2" [ $? = 2 ]
	promise 'in one line' grep -q 'is not yours: look at it as its user' "$tmp/err"
	kill $!
	setpriv --reuid 12345 --clear-groups "$tool" report "$dir" >"$tmp/out" 2>"$tmp/err"
	promise "another user's directory: status 2" [ $? = 2 ]
fi
for command in 'report --json' report 'report --csv' 'maps'; do
	# shellcheck disable=SC2086
	"$tool" $command "$dir" >/dev/full 2>"$tmp/err"
	promise "$command, a full disk: status 2, one line" [ "$?-$(wc -l <"$tmp/err")" = 2-1 ]
done
exit $fail
