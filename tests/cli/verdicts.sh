#!/bin/bash
# SPDX-License-Identifier: MIT
# The verdicts of primeshim report: each situation of docs/verdicts.md is made, mostly by a program
# over the fake kernel, and the report begins with its answer, its sentence and what to do, as does
# the JSON. witness.sh makes what primeshim witness sees.
# Functions that promise() is given are called:
# shellcheck disable=SC2317
set -u
# shellcheck source=tests/lib/promise.sh
. "$(dirname "$0")/../lib/promise.sh" || exit 99
# shellcheck source=tests/lib/settings.sh
. "$(dirname "$0")/../lib/settings.sh" || exit 99
src=${top_srcdir:-.}
build=$(cd "${top_builddir:-.}" && pwd -P)
shim=$build/.libs/libprimeshim.so fake=$build/tests/fake/.libs/libfake.so
tool=$build/tools/primeshim run=$build/scripts/run-with-shim.sh
[ -x "$tool" ] && [ -e "$fake" ] || exit 77
tmp=$(mktemp -d) || exit 99
trap 'rm -rf "$tmp"' EXIT
trap 'exit 1' HUP INT TERM
ln -s "$build/tests/lib/status-client" "$tmp/client"
unset PRIMESHIM_MODE PRIMESHIM_SYNC PRIMESHIM_LOG PRIMESHIM_DIR PRIMESHIM_ONLY PRIMESHIM_EXCEPT
dir=$tmp/status
: >"$tmp/made"
explain() {
	sed 's/^/# /' "$tmp/told" "$tmp/err" 2>/dev/null | head -n 40
}

program=$tmp/client
# client [VARIABLE=VALUE]... -- WORD...: runs it in a new directory, as $status
client() {
	split "$@"
	rm -rf "$dir" && mkdir -m 700 "$dir"
	{
		env "${settings[@]}" PRIMESHIM_DIR="$dir" LD_PRELOAD="$shim:$fake" \
			"$program" "${words[@]}" >"$tmp/out" 2>"$tmp/err"
		status=$?
	} 2>/dev/null
	report
}

# files STATUS LINE...: a status file with these lines, as of a program that has ended so
files() {
	rm -rf "$dir" && mkdir -m 700 "$dir"
	status=$1
	printf '%s\n' 'name text=vgem' 'name text=udmabuf' "${@:2}" |
		"$build/tests/lib/status-make" "$dir/12-1.1.primeshim"
	report
}

# report: reads $dir, as text and as JSON
report() {
	"$tool" report --status "$status" -- "$dir" ./client >"$tmp/told" 2>&1
	"$tool" report --status "$status" --json -- "$dir" ./client >"$tmp/json" 2>&1
}

begins() {
	[ "$(sed -n "$1p" "$tmp/told")" = "$2" ]
}

has_text() {
	sed -n "$1p" "$tmp/told" | grep -qF -- "$2"
}

# field KEY: of the JSON
field() {
	sed -nE "s/^  \"$1\": ?\"(.*)\",?\$/\\1/p" "$tmp/json"
}

same_text() {
	[ "$1: $(field "$1" | sed 's/\\"/"/g')" = "$(grep "^$1: " "$tmp/told")" ]
}

declare -A answers=([healed]=healed [other]='it may be healed by another mode'
	[not]='it is not this' [unknown]='it cannot be known')

# verdict SITUATION ANSWER SENTENCE [ADVICE]: so it is. Both texts are parts of what is said.
verdict() {
	echo "$1" >>"$tmp/made"
	promise "$1: the report begins with the answer, ${answers[$2]}" \
		begins 1 "answer: ${answers[$2]}"
	promise "$1: then the sentence" has_text 2 "$3"
	[ -z "${4-}" ] || promise "$1: then what to do" has_text 3 "$4"
	promise "$1: so does the JSON" [ "$(field situation)" = "$1" ]
	promise "$1: with the same sentence" same_text verdict
	[ -z "${4-}" ] || promise "$1: and the same advice" same_text advice
}

# The maps are made.
client -- import map write unmap close
verdict healed healed 'its driver refuses maps of imports, and the shim has made them' \
	'keep --mode redirect or rescue'
promise 'the numbers come after it' has_text '4,$' '1 refused by the driver (EINVAL), 1 rescued'
client PRIMESHIM_MODE=rescue CARD=/dev/dri/card2 -- import map write unmap close
verdict healed healed 'the shim has made them'
client -- import map write term
verdict healed healed 'the shim has made them'
promise 'SIGTERM is no crash' [ "$status" = 143 ]
client -- import map write segv
verdict healed-died unknown 'SIGSEGV ended it, although the shim has made its maps' \
	'look for another cause'
promise 'the status has its signal' has_text 5 'status: 139 (SIGSEGV)'
client -- import map write unmap close abort
verdict healed-died unknown 'SIGABRT ended it, although'
client -- import map write bus
verdict sigbus-dmabuf unknown 'SIGBUS with a dma-buf mapped by the shim' '--mode rescue'
files 0 "pair importer=2 exporter=3 count=1 call=0" "counter n=20 value=1" \
	"pair importer=2 exporter=3 count=1 call=2 outcome=1 native=22" \
	"pair importer=2 exporter=3 count=1 call=4 outcome=2 native=-1"
verdict healed-unsynced healed 'for want of descriptors' 'ulimit -n'
# Whether the driver refuses is not known there.
files 0 "pair importer=2 exporter=3 count=1 call=0" "counter n=20 value=1" \
	"pair importer=2 exporter=3 count=1 call=4 outcome=2 native=-1"
verdict redirected unknown 'the driver was not asked' 'primeshim ab'

# Another mode would.
client PRIMESHIM_MODE=observe -- import map segv
verdict refused-died other 'it maps imports and is refused, and then SIGSEGV ended it' \
	'--mode rescue'
promise 'the advice can be copied' has_text 3 'run-with-shim --mode rescue ./client'
"$tool" report --status 139 -- "$dir" ./client 'a b' >"$tmp/told"
promise 'but not words that a shell would change' has_text 3 'run-with-shim --mode rescue COMMAND'
promise 'which fits on a screen' [ "$(wc -l <"$tmp/told")" -le 24 ]
client PRIMESHIM_MODE=observe -- import map abort
verdict refused-died other 'and then SIGABRT ended it' '--mode rescue'
client PRIMESHIM_MODE=observe -- import map exit
verdict refused other 'it maps imports and is refused' '--mode rescue'
client PRIMESHIM_MODE=observe CARD=/dev/dri/card1 -- import map exit
verdict refused other 'it maps imports and is refused' '--mode rescue'
promise 'an mmap that is refused has its errno' has_text '4,$' 'mmap: 1 refused (EINVAL)'
client PRIMESHIM_MODE=observe CARD=/dev/dri/card2 -- import map write
promise "radeon's pages raise SIGBUS" [ "$status" = 135 ]
verdict sigbus other 'SIGBUS with an import mapped natively' \
	'run-with-shim --mode redirect ./client'
# The driver maps, and the fault comes later.
client PRIMESHIM_MODE=rescue CARD=/dev/dri/card3 -- import map write bus
verdict sigbus other 'SIGBUS with an import mapped natively' \
	'run-with-shim --mode redirect ./client'
client PRIMESHIM_MODE=deny CARD=/dev/dri/card3 -- import map exit
verdict denied other 'deny has refused that' '--mode redirect'

# It is not this.
client PRIMESHIM_MODE=deny -- import close
verdict denied-nothing not 'deny has refused nothing'
client PRIMESHIM_MODE=deny -- import segv
verdict unmapped-died not 'SIGSEGV ends it, and it maps no import' coredumpctl
client -- import close
verdict unmapped not 'it imports, and maps no import'
client PRIMESHIM_MODE=observe -- import abort
verdict unmapped-died not 'SIGABRT ends it, and it maps no import' coredumpctl
client -- own map write unmap close
verdict own not "only its own device's buffers, which the driver maps"
promise 'and they are among the numbers' has_text '4,$' 'left to the driver: 1'
client -- own close own close import map write unmap close
verdict healed healed 'the shim has made them'
client -- own map segv
verdict nothing-died not 'SIGSEGV ended it, and it had imported nothing of another' coredumpctl
client -- own fail
verdict failed unknown 'status 1, and until then the shim has seen nothing' WAYLAND_DISPLAY
client -- import fail
verdict failed unknown 'status 1, and until then the shim has seen nothing' WAYLAND_DISPLAY
client -- import map fail
verdict healed healed 'the shim has made them'
client -- import term
verdict unmapped not 'it imports, and maps no import'
client -- import segv
verdict unmapped-died not 'SIGSEGV ends it, and it maps no import' coredumpctl
client PRIMESHIM_MODE=observe CARD=/dev/dri/card3 -- import map write unmap segv
verdict closed-died not 'SIGSEGV ended it when no import was mapped any more' coredumpctl
client PRIMESHIM_MODE=observe CARD=/dev/dri/card3 -- import map sync write unmap close
verdict syncs not 'which works, and syncs them itself' 'deny would break it'
client ACCESS=r CARD=/dev/dri/card3 -- import map exit
verdict own-refusal not 'the kernel refuses a map as the program asks for it (EACCES)' \
	'reading and writing'
client PRIMESHIM_MODE=observe ACCESS=r CARD=/dev/dri/card3 -- import map exit
verdict own-refusal not '(EACCES)' 'reading and writing'

# The import was refused.
# refused ROW SENTENCE ADVICE SETTING...
refused() {
	client "${@:4}" -- try exit
	verdict "$1" not "$2" "$3"
	promise "$1: and it is among the numbers" has_text '4,$' "1 refused by the driver ("
	client "${@:4}" PRIMESHIM_LOG=1 -- try exit
	promise "$1: in the log, too" grep -q ': import refused: .* <- fake, 16384 bytes: E' \
		"$tmp/err"
}
refused import-enodev 'refused an import (ENODEV)' 'draw on the device' FAKE_FAULT=ioctl:0:ENODEV
refused import-eacces 'refused an import (EACCES)' 'render node' FAKE_FAULT=ioctl:0:EACCES
refused import-eacces 'refused an import (EPERM)' 'render node' FAKE_FAULT=ioctl:0:EPERM
# qxl's card, by its place in the table.
card=$(grep '^	{ "' "$src/tests/fake/fake-drivers.c" | grep -n '^	{ "qxl"' | cut -d: -f 1)
refused import-enosys 'takes no imports at all (ENOSYS)' 'copy' CARD=/dev/dri/card$((card - 1))
refused import-enomem 'for want of memory' 'ulimit -n' FAKE_FAULT=ioctl:0:ENOMEM
refused import-enomem 'for want of memory' 'ulimit -n' FAKE_FAULT=ioctl:0:EMFILE
not_imported='pair importer=2 exporter=3 count=1 call=0 outcome=3 bytes=4096'
files 1 "$not_imported native=22"
verdict import-einval not 'refused an import (EINVAL)' 'CMA heap'
files 1 "$not_imported native=5"
verdict import-other not 'refused an import (EIO)' 'dmesg'
files 1 "$not_imported native=524"
verdict import-enosys not 'takes no imports at all (ENOTSUPP)' copy
client FAKE_FAULT=ioctl:0:EAGAIN -- try exit
promise 'a passing error is no refusal' [ -z "$(ls "$dir")" ]
client FAKE_FAULT=ioctl:0:ENODEV -- try import map write unmap close
verdict healed healed 'the shim has made them'
promise 'an import that is refused is not counted as one' \
	has_text '4,$' 'vgem <- fake: 1 import of'

# It cannot be known.
client CARD=/dev/dri/card3 -- import map write unmap close
verdict redirected unknown 'the driver was not asked' 'primeshim ab ./client says'
client CARD=/dev/dri/card3 -- import map segv
verdict healed-died unknown 'SIGSEGV ended it, although the shim has made its maps' \
	'run-with-shim --gdb ./client'
client PRIMESHIM_MODE=rescue CARD=/dev/dri/card3 -- import map write unmap close
verdict synced unknown "the driver's own mappings of its imports work, and the shim" \
	'primeshim ab'
client PRIMESHIM_MODE=rescue PRIMESHIM_SYNC=off CARD=/dev/dri/card3 -- import map write unmap
verdict unsynced unknown 'which works, and syncs none' 'primeshim ab'
client PRIMESHIM_MODE=rescue PRIMESHIM_SYNC=off CARD=/dev/dri/card3 -- import map sync unmap
verdict syncs not 'which works, and syncs them itself' 'deny would break it'
client PRIMESHIM_MODE=observe CARD=/dev/dri/card3 -- import map write unmap close
verdict unsynced unknown 'which works, and syncs none' 'primeshim ab'
client PRIMESHIM_MODE=observe CARD=/dev/dri/card3 -- import map write segv
verdict native-died unknown 'SIGSEGV ended it with an import mapped natively' \
	'run-with-shim --mode redirect ./client'
client PRIMESHIM_MODE=rescue CARD=/dev/dri/card3 -- import map write abort
verdict native-died unknown 'SIGABRT ended it with an import mapped natively' \
	'run-with-shim --mode redirect ./client'
files 0 'pair importer=2 exporter=3 count=1 call=0' 'counter n=16 value=3'
verdict touched unknown "while it is the device's turn" 'primeshim trace'

# The program maps dma-bufs itself.
program=$build/tests/process/direct
client -- reader
verdict direct-unsynced unknown 'it maps 2 dma-bufs itself and never syncs' '--direct sync'
client -- left
verdict direct-lasting unknown 'it maps 1 dma-buf itself and never syncs' 'stays only once'
client PRIMESHIM_DIRECT=sync PRIMESHIM_SYNC=off -- reader
verdict direct-unsynced unknown 'it maps 2 dma-bufs itself and never syncs' '--direct sync'
client -- syncer
verdict direct-some unknown 'and syncs only some' '--direct sync'
client PRIMESHIM_DIRECT=sync -- reader
verdict direct-healed healed 'the shim syncs' 'keep --direct sync'
client -- readonly
verdict direct-refused not 'a dma-buf that fake exported for reading only' 'DRM_RDWR'
program=$tmp/client
files 0 'counter n=22 value=4' 'counter n=23 value=2' 'counter n=24 value=2'
verdict direct-syncs not 'it maps 2 dma-bufs itself, and syncs itself'
files 135 'counter n=22 value=1' 'counter n=23 value=1' 'head state=0' \
	'mapping by=2 start=4096 end=8192'
verdict direct-died unknown 'SIGBUS ended it with a dma-buf mapped that it maps itself' \
	'run-with-shim --gdb ./client'
files 143 'counter n=22 value=1' 'counter n=23 value=1' 'head state=0' \
	'mapping by=2 start=4096 end=8192'
verdict direct-lasting unknown 'it maps 1 dma-buf itself and never syncs'
files 0 "$not_imported native=19" 'counter n=22 value=1' 'counter n=23 value=1'
verdict import-enodev not 'refused an import (ENODEV)'
promise 'and what it maps itself has a line' grep -q '^direct: it maps 1 dma-buf' "$tmp/told"

# The dma-buf could not be mapped.
client -- readonly map exit
verdict fallback-eacces unknown 'could not be made from the dma-buf (EACCES)' 'DRM_RDWR'
client -- unmappable map exit
verdict fallback-efault unknown 'could not be made from the dma-buf (ENXIO)' 'has to allow that'
client CARD=/dev/dri/card3 -- import private exit
verdict fallback-einval unknown '(EINVAL)' 'MAP_PRIVATE'
# failed ERRNO ROW ADVICE: a fallback for that reason
failed() {
	files 0 'pair importer=2 exporter=3 count=1 call=0' \
		"pair importer=2 exporter=3 count=1 call=4 outcome=3 native=22 reason=$1"
	verdict "$2" unknown 'some maps could not be made from the dma-buf' "$3"
}
failed 1 fallback-eacces DRM_RDWR
failed 14 fallback-efault 'its exporter has to'
failed 12 fallback-enomem 'primeshim doctor'
failed 19 fallback-enodev 'has no mmap'
failed 95 fallback-enodev 'has no mmap'
failed 524 fallback-enodev 'has no mmap'
promise '524 has a name' has_text 2 '(ENOTSUPP)'
failed 24 fallback-emfile 'ulimit -n'
failed 17 fallback-eexist 'without room'
failed 5 fallback-other 'primeshim watch'

# Nothing was imported.
client -- exit
verdict unseen unknown 'it imports no dma-buf that the shim has seen' 'run-with-shim --report'
chmod 777 "$dir"
report
verdict directory unknown 'no program writes a status file there: others can write' '--dir'
chmod 700 "$dir"
dir=/proc/self/task report
verdict directory unknown 'its file system does not keep room' 'on a tmpfs'
# A limit of many KiB too few, and of one.
client -- import close
size=$(stat -c %s "$dir"/*.primeshim)
for kib in 64 $((size / 1024 - 1)); do
	(
		ulimit -S -f "$kib"
		client -- import map write unmap close
		exit "$status"
	)
	promise "a program for which a status file is too large ends as natively ($kib KiB)" \
		[ $? = 0 ]
	verdict limit unknown 'ulimit -f leaves no room for a status file' 'ulimit -f unlimited'
done
for setting in ONLY=sway EXCEPT=client DRIVERS=evdi; do
	client PRIMESHIM_$setting -- import map exit
	export PRIMESHIM_$setting
	report
	verdict left-out unknown "PRIMESHIM_${setting%=*} leaves some out" 'without --only'
	client PRIMESHIM_$setting -- import close
	unset "PRIMESHIM_${setting%=*}"
done
if [ "$(id -u)" = 0 ]; then
	chown 12345 "$dir"
	report
	verdict directory unknown "it is another user's" 'a directory of your own'
else
	skip 'a directory of another user' 'not root'
fi
# The warning comes first.
client -- exit
head -c 4096 /dev/zero >"$dir/12-1.1.primeshim"
report
promise 'an unreadable status file is warned of' grep -q 'left out$' "$tmp/told"
sed -i 1d "$tmp/told" "$tmp/json"
verdict unreadable unknown '1 status file cannot be read, and by the others there is nothing' \
	'of one version'

# launched COMMAND...: with a witness, that looks for processes
launched() {
	"$run" --report --json --out "$tmp/json" "$@" 2>/dev/null
	"$run" --report --out "$tmp/told" "$@" 2>/dev/null
}
launched sleep 1
verdict nothing not 'it imports no dma-buf: nothing for primeshim to do'
launched sh -c 'sleep 1; exit 127'
verdict failed unknown 'it ended with status 127' 'its own messages'
# shellcheck disable=SC2016
launched sh -c 'sleep 1; kill -TERM $$'
verdict nothing not 'it imports no dma-buf'
# shellcheck disable=SC2016
launched sh -c 'sleep 1; kill -SEGV $$'
verdict nothing-died not 'SIGSEGV ended it, and it had imported nothing' coredumpctl

# Brackets that a raw system call has left open.
client -- import map write closeall exit
promise 'a raw close_range(): the brackets are remarked on' \
	has_text '4,$' 'not ended: 1 bracket'
# What mode observe's log says of redirect.
client PRIMESHIM_MODE=observe PRIMESHIM_LOG=1 CARD=/dev/dri/card3 -- import map exit
promise 'observe: where redirect would map a read-only dma-buf natively, the log says so' \
	grep -q 'native: ok; redirect would try the dma-buf, unless it is read-only$' "$tmp/err"
client PRIMESHIM_MODE=observe PRIMESHIM_LOG=1 CARD=/dev/dri/card2 -- import map exit
promise 'and where not' grep -q 'native: ok; redirect would try the dma-buf$' "$tmp/err"
client PRIMESHIM_MODE=observe PRIMESHIM_LOG=1 ACCESS=r CARD=/dev/dri/card3 -- import map exit
promise 'and where redirect leaves it alone, nothing' grep -q 'native: EACCES$' "$tmp/err"

# The table for readers.
"$build/tests/cli/verdict-table" >"$tmp/table"
grep '^| `' "$src/docs/verdicts.md" >"$tmp/page"
promise 'docs/verdicts.md has the same table' diff "$tmp/table" "$tmp/page"
# witness.sh makes those that primeshim witness sees, in lines "seen SITUATION ...".
sed -n 's/^[[:space:]]*seen \([a-z]*\) .*/\1/p' "$(dirname "$0")/witness.sh" >>"$tmp/made"
# shellcheck disable=SC2016
promise 'and each row has a test that makes its situation' \
	diff <(sed 's/^| `\([^`]*\)`.*/\1/' "$tmp/table" | sort) <(sort -u "$tmp/made")

# answered FILE: each question of docs/faq.md says which rows a report has of it, or "none"
answered() {
	awk -v table="$tmp/table" '
		BEGIN {
			while ((getline line <table) > 0)
				if (split(line, part, "`") > 1)
					row[part[2]] = 1
		}
		function end() {
			if (question && !rows) {
				print question ": no verdict"
				wrong++
			}
		}
		/^## / { end(); question = $0; rows = verdict = 0 }
		/^$/ { verdict = 0 }
		/\*Verdict\*: / { verdict = 1; sub(/.*\*Verdict\*: /, ""); rows += /^none/ }
		verdict {
			n = split($0, part, "`")
			for (i = 2; i <= n; i += 2) {
				rows++
				if (!(part[i] in row)) {
					print question ": " part[i] " is no row"
					wrong++
				}
			}
		}
		END { end(); exit wrong || !question }' "$1"
}
wrong() {
	sed "$1" "$src/docs/faq.md" >"$tmp/faq"
	! answered "$tmp/faq"
}
promise 'docs/faq.md names the verdict of each question' answered "$src/docs/faq.md"
# shellcheck disable=SC2016 # backquotes of Markdown
promise 'one that no report has would be found out' wrong 's/`denied-nothing`/`denied-something`/'
# shellcheck disable=SC2016 # backquotes of Markdown
promise 'so would a question without one' wrong 's/^\*Verdict\*: `privileged`\.//'
exit $fail
