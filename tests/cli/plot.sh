#!/bin/bash
# SPDX-License-Identifier: MIT
# primeshim plot, over the fake kernel: the picture is well-formed, and shows all that the status
# file has. trace.c has the programs.
set -u
# shellcheck source=tests/lib/promise.sh
. "$(dirname "$0")/../lib/promise.sh" || exit 99
build=$(cd "${top_builddir:-.}" && pwd -P)
shim=$build/.libs/libprimeshim.so fake=$build/tests/fake/.libs/libfake.so \
	tool=$build/tools/primeshim
[ -x "$tool" ] && [ -e "$fake" ] && command -v xmllint >/dev/null || exit 77
tmp=$(mktemp -d) || exit 99
trap 'rm -rf "$tmp"' EXIT
ln -s "$build/tests/cli/trace" "$tmp/client"
unset PRIMESHIM_MODE PRIMESHIM_LOG PRIMESHIM_DIR PRIMESHIM_SYNC


# run DIRECTORY ARG...: the client, with its status file in a new DIRECTORY
run() {
	LD_PRELOAD=$shim:$fake PRIMESHIM_DIR=$tmp/$1 ${EMULATOR:+"$EMULATOR"} "$tmp/client" \
		"${@:2}" \
		>"$tmp/out" 2>"$tmp/err"
}

# plot DIRECTORY: draws it
plot() {
	svg=$tmp/$1.svg
	"$tool" plot "$tmp/$1" -o "$svg" 2>"$tmp/err"
	promise "$1: the picture is drawn" [ $? = 0 ]
	promise "$1: it is well-formed" xmllint --noout "$svg"
	promise "$1: it needs nothing else" \
		[ "$(grep -cE '<script|href=|<image|@import|url\(http' "$svg")" = 0 ]
	promise "$1: all is within it" inside "$svg"
}

# No box lies outside the picture, and none is turned inside out.
# shellcheck disable=SC2317
inside() {
	awk -F '"' '/<svg/ { for (i = 1; i < NF; i++) if ($i ~ / height=$/) h = $(i + 1) }
		/<rect class="[a-z]*" x=/ && !/<g / {
			n++
			if ($4 < 0 || $4 + $8 > 1200 || $6 < 0 || $6 + $10 > h || $8 < 0) bad++
		} END { exit !n || bad || !h }' "$1"
}

# boxes CLASS [REGEX]: elements of that class, in lanes, whose line matches
# shellcheck disable=SC2126
boxes() {
	grep -E "<(rect|path|circle) class=\"$1\" " "$svg" | grep -v '<g transform' |
		grep -cE "${2-.}"
}
# failed TEXT STATUS REGEX COMMAND...: it fails so, and says one line that matches
failed() {
	local status
	"${@:4}" >"$tmp/out" 2>"$tmp/err"
	status=$?
	promise "$1: status $2, and one line that says why" \
		[ "$status $(wc -l <"$tmp/err") $(grep -cE "$3" "$tmp/err")" = "$2 1 1" ]
}

run few many 3
plot few
promise 'each import shows' [ "$(boxes import)" = 3 ]
promise 'under its name' [ "$(grep -c '>vgem handle [123] &lt;- fake</text>' "$svg")" = 3 ]
promise 'and with its size' [ "$(grep -c '>16 KiB, dma-buf [0-9]*</text>' "$svg")" = 3 ]
promise 'what is under the pointer is told' \
	[ "$(boxes import '<title>vgem handle . &lt;- fake, 16 KiB,')" = 3 ]
promise 'the title has the program' grep -q '<title>client: ' "$svg"
promise 'the totals are told' \
	grep -q '>3 imports, 6 mappings, 6 brackets .* 6 refusals (6 rescued)' "$svg"
promise 'refusals show' [ "$(boxes rescued)" -ge 3 ]
promise 'what had not ended has an arrow' [ "$(boxes more)" = 3 ]

run crowd many 45
plot crowd
promise 'of many imports the busiest 40 show' [ "$(boxes import)" = 40 ]
promise 'which are those that were mapped most' \
	grep -q '>vgem handle 45 &lt;- fake</text>' "$svg"
promise 'and how many do not is told' grep -q '>5 more with less to show are left out<' "$svg"

run full loop 1700
plot full
promise 'full: the lost ones are told' grep -q 'earlier events lost' "$svg"
promise 'full: all of it is in the lane of the import' \
	[ "$(grep -c '&lt;- fake</text>' "$svg")" = 1 ]
promise 'full: it stays small' [ "$(wc -c <"$svg")" -lt 300000 ]
plotted=$(sed -n 's/.*class="rw".*<title>\([0-9]*\) brackets, .* in all.*/\1/p' "$svg" |
	awk '{ n += $1 } END { print n + 0 }')
promise 'full: none of the brackets is missing' \
	[ $((plotted + $(boxes rw 'bracket of thread'))) = \
	"$(sed -n 's/.*mappings, \([0-9]*\) brackets.*<.text>/\1/p' "$svg")" ]

run killed kill
plot killed
promise 'killed: it shows' [ "$(boxes killed)" = 1 ]
run forked fork
plot forked
promise 'forked: both processes have their strip' [ "$(grep -c '>client \[[0-9]*\]<' "$svg")" = 2 ]
promise 'forked: what was there before has an arrow' grep -q 'begun before' "$svg"
run split split
plot split
promise 'split: what is left shows' [ "$(boxes mapping 'left over by an munmap')" = 2 ]

# Everything that a plot can show, made up.
mkdir "$tmp/made"
"$build/tests/lib/status-make" "$tmp/made/7-1.1.primeshim" <<END
head program=made pid=7 made=1000000 ended=90000000
name text=evdi
name text=i915
event kind=1 at=1000000 importer=2 exporter=3 handle=1 entry=1 ino=5 len=8294400
event kind=5 at=2000000 importer=2 exporter=3 handle=1 ino=5 native=-1 outcome=2 addr=4096 \
len=8192 prot=1
event kind=8 at=9000000 took=6000000 ino=5 prot=1
event kind=9 at=12000000 took=1000 ino=5 prot=1
event kind=8 at=20000000 took=10 ino=5 prot=3
event kind=9 at=30000000 took=10 ino=5 prot=3
event kind=10 at=31000000 ino=5 prot=1
event kind=11 at=40000000 ino=5 addr=4096
event kind=12 at=50000000 handle=3
event kind=5 at=51000000 importer=2 exporter=3 handle=1 ino=5 outcome=4
event kind=7 at=60000000 importer=2 exporter=3 handle=1 ino=5 reason=13
event kind=5 at=61000000 importer=2 exporter=3 handle=1 ino=5 native=-2 outcome=0 \
addr=40960 len=4096 prot=3
event kind=5 at=70000000 importer=2 exporter=3 handle=1 ino=5 native=22 outcome=3
event kind=3 at=80000000 importer=2 exporter=3 handle=1 entry=1 ino=5 len=8294400
END
plot made
for class in import mapping native read rw flip refusal fault denial fallback owed touch end; do
	promise "made: $class" [ "$(boxes "$class")" -ge 1 ]
done
promise 'made: the wait in START is as wide as it was long' [ "$(sed -n \
	's/.*class="wait" x="[0-9.]*" y="[0-9.]*" width="\([0-9.]*\)".*START took 6.0 ms.*/\1/p' \
	"$svg")" = 63.4 ]
promise 'made: a flip says to what' grep -q 'class="fliptext".*>deny<' "$svg"
promise 'made: a fallback says why' grep -q '<title>fallback: .*EACCES' "$svg"

mkdir "$tmp/hostile"
# status-make reads the \x.
# shellcheck disable=SC2028
for ((n = 0; n < 20; n++)); do
	RANDOM=$n
	{
		echo 'head program=a"b<\x26\x07\xff\xc3 command=\x1b[31m<g>&\xed\xa0\x80]]>' \
			'made=1000 ended=99999'
		echo 'name text="}],<!--\xff\x01]]>'
		echo 'name text=\xef\xbf\xbf\xc2\x85&amp;'
		echo 'import importer=2 buffer=1 handle=7 since=5'
		echo 'mapping importer=2 buffer=9999 start=0xffffffffffffffff end=1'
		echo 'buffer exporter=200 ino=3 size=18446744073709551615 turn=49'
		for ((i = 0; i < 400; i++)); do
			echo "event kind=$((RANDOM % 14)) importer=$((RANDOM % 4))" \
				"exporter=$((RANDOM % 4)) handle=$((RANDOM % 3))" \
				"entry=$((RANDOM % 3))" \
				"ino=$((RANDOM % 3)) tid=$RANDOM" \
				"at=$((RANDOM * (RANDOM % 7 ? 1 : 100000)))" \
				"took=$((RANDOM * 1000)) prot=$RANDOM native=$((RANDOM % 40 - 2))" \
				"reason=$((RANDOM % 200)) outcome=$((RANDOM % 6))" \
				"addr=$((RANDOM % 9 * 4096 - 4096)) len=$((RANDOM % 9 * 4096))"
		done
	} | "$build/tests/lib/status-make" "$tmp/hostile/$n-1.1.primeshim"
done
plot hostile
mkdir "$tmp/ages"
printf 'head program=old\nevent kind=1 at=1 importer=1 exporter=1 handle=1 ino=1\n%s\n' \
	'event kind=13 at=18446744073709551615' |
	"$build/tests/lib/status-make" "$tmp/ages/1-1.1.primeshim"
plot ages

mkdir "$tmp/empty"
failed 'an empty directory' 1 'nothing to show' "$tool" plot "$tmp/empty" -o "$tmp/none.svg"
failed 'no such directory' 2 'no such directory' "$tool" plot "$tmp/nowhere" -o "$tmp/none.svg"
promise 'no picture is made of nothing' [ ! -e "$tmp/none.svg" ]
failed 'a full disk' 2 'No space' "$tool" plot "$tmp/few" -o /dev/full
failed 'a place where nothing may be written' 2 'No such' "$tool" plot \
	"$tmp/few" -o "$tmp/nowhere/x"
for wrong in '' '-o' '--what' 'a b -o x'; do
	# shellcheck disable=SC2086
	failed "plot $wrong" 2 'see primeshim plot --help' "$tool" plot $wrong
done
exit $fail
