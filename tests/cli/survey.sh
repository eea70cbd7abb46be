#!/bin/sh
# SPDX-License-Identifier: MIT
# run-with-shim.sh --survey, and what primeshim-survey makes of logs.
set -u
build=$(cd "${top_builddir:-.}" && pwd -P)
run=$build/scripts/run-with-shim.sh tool=$build/src/primeshim-survey
[ -x "$tool" ] || exit 77
tmp=$(mktemp -d) || exit 99
trap 'rm -rf "$tmp"' EXIT
trap 'exit 1' HUP INT TERM
unset PRIMESHIM_MODE PRIMESHIM_LOG
fail=0

# promise TEXT COMMAND...: it succeeds
promise() {
	text=$1
	shift
	if "$@"; then echo "ok - $text"; else echo "not ok - $text"; fail=1; fi
}

# verdict TEXT STATUS LINE...: a log of these lines ends in that verdict
verdict() {
	text=$1 status=$2
	shift 2
	for line; do
		echo "primeshim: a [b]: c[12]: $line"
	done >"$tmp/log"
	"$tool" "$tmp/log" "$status" ./viewer >"$tmp/told" 2>&1
	promise "verdict: $text" grep -qF "verdict: $text" "$tmp/told"
}

import='import: vgem handle 1 <- udmabuf, 4096 bytes'
mapped='map: vgem handle 1 <- udmabuf, 4096 bytes: 4096 bytes at 0: native: '
ended='exit: 1 imports; the program'"'s: 1 told,"
verdict 'it imports no dma-buf' 0 'exit: 0 imports' rubbish ''
verdict 'it imports, and maps no import' 0 "$import" "$ended 0 own begins"
verdict 'a signal ends it, and it maps no import' 139 "$import"
verdict 'it maps imports and is refused' 139 "$import" \
	'map refused: vgem handle 1 <- udmabuf, 4096 bytes: EINVAL; redirect would map the dma-buf'
promise 'the errno is told' grep -qF 'c[12] vgem <- udmabuf: 1 import, 1 map refused (EINVAL)' "$tmp/told"
verdict 'it maps imports and is refused' 1 "$import" "${mapped}ENODEV; redirect would try the dma-buf"
promise 'of mmap, too' grep -qF '1 mmap refused (ENODEV)' "$tmp/told"
verdict 'SIGBUS with an import mapped natively' 135 "$import" "${mapped}ok"
verdict 'it maps imports, which works, and syncs none' 0 "$import" "${mapped}ok" "$ended 0 own begins"
promise 'deny would break that' grep -qF 'deny: would refuse what works natively' "$tmp/told"
verdict 'it maps imports, which works, and syncs them itself' 0 "$import" "${mapped}ok" \
	"$ended 3 own begins"
head -c 100000 /dev/urandom >"$tmp/log"
promise 'rubbish is no imports' "$tool" "$tmp/log" 0 x >/dev/null
"$tool" "$tmp/none" 0 x 2>"$tmp/err"
promise 'no log: status 2' [ $? = 2 ]
promise 'and one line' [ "$(wc -l <"$tmp/err")" = 1 ]

"$run" --survey --out "$tmp/told" sh -c 'cat; echo out; exit 7' <"$tmp/err" >"$tmp/out" 2>"$tmp/said"
promise "the status is the command's" [ $? = 7 ]
promise 'as are stdin and stdout' [ "$(tail -n 1 "$tmp/out")" = out ]
promise 'stderr, too' [ ! -s "$tmp/said" ]
promise 'the survey is in the file' grep -q '^verdict: it imports no dma-buf' "$tmp/told"
"$run" --survey --json sh -c 'kill -9 $$' >"$tmp/out" 2>"$tmp/told"
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
exit $fail
