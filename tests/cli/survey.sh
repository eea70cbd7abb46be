#!/bin/sh
# SPDX-License-Identifier: MIT
# run-with-shim.sh --survey: mode observe and a report, which says what the native results come to.
set -u
# shellcheck source=tests/lib/promise.sh
. "$(dirname "$0")/../lib/promise.sh" || exit 99
build=$(cd "${top_builddir:-.}" && pwd -P)
run=$build/scripts/run-with-shim.sh tool=$build/tools/primeshim
fake=$build/tests/fake/.libs/libfake.so
[ -x "$tool" ] || exit 77
tmp=$(mktemp -d) || exit 99
trap 'rm -rf "$tmp"' EXIT
trap 'exit 1' HUP INT TERM
unset PRIMESHIM_MODE PRIMESHIM_LOG PRIMESHIM_DIR
# shellcheck disable=SC2317
explain() {
	sed 's/^/# /' "$tmp/told"
}

# verdict TEXT STATUS LINE...: a status file of mode observe with these lines has that verdict
verdict() {
	text=$1 status=$2
	shift 2
	rm -rf "$tmp/status" && mkdir "$tmp/status"
	printf '%s\n' 'head program=b]:c pid=12 policy=2 command=./viewer' \
		'name text=vgem' 'name text=udmabuf' "$@" |
		"$build/tests/lib/status-make" "$tmp/status/12-1.1.primeshim"
	"$tool" report --status "$status" -- "$tmp/status" ./viewer >"$tmp/told" 2>&1
	promise "verdict: $text" grep -qF "verdict: $text" "$tmp/told"
}

# says LINE: it is so in the report
says() {
	promise "and says '$1'" grep -qxF "$1" "$tmp/told"
}

of='importer=2 exporter=3 count=1'
import="pair $of call=0 bytes=4096"
refused="pair $of call=2 outcome=3 native=22" mapped="pair $of call=4"
verdict 'it imports no dma-buf' 0
verdict 'it imports, and maps no import' 0 "$import"
says '  vgem <- udmabuf: 1 import of 4 KiB'
says '    not mapped'
says 'deny: would change nothing'
verdict 'SIGSEGV ends it, and it maps no import' 139 "$import"
verdict 'it maps imports and is refused' 139 "$import" "$refused"
promise 'the process is told' grep -q '^b\]:c\[12\], ' "$tmp/told"
says '    map ioctl: 1 refused by the driver (EINVAL), 0 rescued'
says 'deny: would change nothing'
verdict 'it maps imports and is refused' 1 "$import" "$mapped outcome=3 native=19"
says '    mmap: 1 refused (ENODEV)'
verdict 'SIGBUS with an import mapped natively' 135 'head state=0' "$import" "$mapped" \
	'mapping by=1 start=4096 end=8192'
says '    mmap: 1 by the driver'
says 'deny: would refuse the mmap, instead of the SIGBUS'
verdict 'it maps imports, which works, and syncs none' 0 "$import" "$mapped" 'counter n=14 value=1'
says '  the program: told its driver 1 time that the CPU begins, synced 0 times itself'
says 'deny: would refuse what works natively'
verdict 'it maps imports, which works, and syncs them itself' 0 "$import" "$mapped" \
	'counter n=15 value=3'
says '  the program: told its driver 0 times that the CPU begins, synced 3 times itself'
says 'command: ./viewer'
"$tool" report --json --status 0 -- "$tmp/status" ./viewer 'a b' | tr -d '\n ' >"$tmp/json"
for words in '"command":["./viewer","ab"]' '"deny_would_break":true' '"own_syncs":3' '"status":0' \
	'"program":"b]:c"' '"importer":"vgem","exporter":"udmabuf","call":"mmap"'; do
	promise "JSON has $words" grep -qF "$words" "$tmp/json"
done
head -c 100000 /dev/urandom >"$tmp/status/12-1.1.primeshim"
"$tool" report --status 0 -- "$tmp/status" x >"$tmp/told" 2>/dev/null
promise 'after a command that leaves only rubbish nothing can be known' \
	grep -q '^verdict: 1 status file cannot be read' "$tmp/told"
"$tool" report --status 0 -- "$tmp/none" x 2>"$tmp/err"
promise 'no directory: status 2' [ $? = 2 ]
promise 'and one line' [ "$(wc -l <"$tmp/err")" = 1 ]

"$run" --survey --out "$tmp/told" \
	sh -c 'cat; echo out; exit 7' <"$tmp/err" >"$tmp/out" 2>"$tmp/said"
promise "the status is the command's" [ $? = 7 ]
promise 'as are stdin and stdout' [ "$(tail -n 1 "$tmp/out")" = out ]
promise 'stderr, too' [ ! -s "$tmp/said" ]
promise 'the survey is in the file' grep -q '^verdict: it ended with status 7, and until then' \
	"$tmp/told"
says 'command: sh -c cat; echo out; exit 7'
says 'status: 7'
# shellcheck disable=SC2016
"$run" --survey --json sh -c 'kill -9 $$' 2>"$tmp/told"
promise 'a signal is a status' [ $? = 137 ]
promise 'and is in the JSON, on stderr' grep -q '"status":137' "$tmp/told"
for wrong in '--json' '--out=x' '--survey --mode=redirect' '--survey --out='; do
	# shellcheck disable=SC2086
	"$run" $wrong true 2>"$tmp/err"
	promise "$wrong: status 2" [ $? = 2 ]
	promise "$wrong: one line" [ "$(wc -l <"$tmp/err")" = 1 ]
done
"$run" --survey --out /nowhere/x true 2>"$tmp/err"
promise 'a file that cannot be written: status 2' [ $? = 2 ]

# Over the fake kernel, whose vgem refuses.
[ -e "$fake" ] || exit $fail
mkdir "$tmp/others"
LD_PRELOAD=$fake PRIMESHIM_DIR=$tmp/others PRIMESHIM_LOG=quiet "$run" --survey --out "$tmp/told" \
	"$build/tests/lib/status-client" import map import kill >"$tmp/out" 2>&1
promise 'a program that is killed' [ $? = 137 ]
promise 'is shown with its mode' \
	grep -q '^status-client\[[0-9]*\], killed .* mode observe' "$tmp/told"
says '  vgem <- fake: 2 imports of 32 KiB'
says '    map ioctl: 1 refused by the driver (EINVAL), 0 rescued'
promise "other programs' directory is left alone" [ -z "$(ls "$tmp/others")" ]
exit $fail
