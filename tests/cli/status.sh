#!/bin/bash
# SPDX-License-Identifier: MIT
# The status file: the shim writes it over the fake kernel, and primeshim reads it. STATUS_TOOL: a
# primeshim that runs here, if the build's own does not.
set -u
# shellcheck source=tests/lib/wait.sh
. "$(dirname "$0")/../lib/wait.sh" || exit 99
# shellcheck source=tests/lib/promise.sh
. "$(dirname "$0")/../lib/promise.sh" || exit 99
# shellcheck source=tests/lib/settings.sh
. "$(dirname "$0")/../lib/settings.sh" || exit 99
src=${top_srcdir:-.}
build=$(cd "${top_builddir:-.}" && pwd -P)
shim=$build/.libs/libprimeshim.so fake=$build/tests/fake/.libs/libfake.so
tool=${STATUS_TOOL:-$build/tools/primeshim}
[ -x "$tool" ] && [ -e "$fake" ] || exit 77
tmp=$(mktemp -d) || exit 99
trap 'rm -rf "$tmp"' EXIT
ln -s "$build/tests/lib/status-client" "$tmp/client"
unset PRIMESHIM_MODE PRIMESHIM_SYNC PRIMESHIM_LOG PRIMESHIM_DIR
dir=$tmp/status

# client [VARIABLE=VALUE]... -- WORD...: its status is $status; stdout in out, stderr in err
client() {
	split "$@"
	# The shell's own words about signals are left out.
	{
		env "${settings[@]}" LD_PRELOAD="$shim:$fake" ${EMULATOR:+"$EMULATOR"} \
			"$tmp/client" "${words[@]}" >"$tmp/out" 2>"$tmp/err"
		status=$?
	} 2>/dev/null
}

# new_dir: a new directory for the next programs
new_dir() {
	rm -rf "$dir"
}

count() {
	find "$dir" -name '*.primeshim' 2>/dev/null | wc -l
}

# says PATTERN: the report has a line like it
# shellcheck disable=SC2317
says() {
	"$tool" report "$dir" 2>&1 | grep -q -- "$1"
}

client -- import map write unmap close
promise 'without PRIMESHIM_DIR there is no status file' [ "$status-$(count)" = 0-0 ]
client PRIMESHIM_DIR="$dir" --
promise 'nor where nothing is imported' [ "$status-$(count)" = 0-0 ]
client PRIMESHIM_DIR="$dir" -- import map write unmap close
promise 'an import makes one' [ "$status-$(count)" = 0-1 ]
promise 'in a directory made for it, of mode 0700' [ "$(stat -c %a "$dir")" = 700 ]
promise 'of mode 0400' [ "$(stat -c %a "$dir"/*.primeshim)" = 400 ]
promise 'nothing is said' [ ! -s "$tmp/err" ]
promise 'who imported from whom' says '^  vgem <- fake: 1 import of 16 KiB$'
promise 'what was refused and rescued' says '1 refused by the driver (EINVAL), 1 rescued'
promise 'what was mapped' says 'mmap: 1 of the dma-buf'
promise 'the brackets' says 'brackets: 1 begun, 1 ended, 0 left owed'
promise 'that all was closed' says 'open at the end: 0 of 1, 1 at a time'
promise 'that it exited' says '^client\[[0-9]*\], exited after'
promise 'its words' says "^  .*/client import map write unmap close$"

# What stays mapped after its unmap. In QEMU's user mode nothing does.
if [ -z "${EMULATOR-}" ]; then
	new_dir
	client PRIMESHIM_DIR="$dir" -- import map write unmap map write unmap kill
	promise 'what was kept is counted' \
		says 'kept warm: 2 mappings, of which 1 got the next map, and 0 were unmapped'
	promise 'in JSON, too' [ "$("$tool" report --json "$dir" | tr -d ' \n' |
		grep -c '"unmaps_kept":2,"maps_warm":1,"kept_unmapped":0')" = 1 ]
	promise 'maps says how much is kept' \
		[ "$("$tool" maps "$dir")" = '# 16 KiB stay mapped for the next map' ]
	promise 'each is among the events' [ "$("$tool" watch --all "$dir"/*.primeshim |
		grep -c ' keep  *inode [0-9]*, 16 KiB at 0x')" = 2 ]
	new_dir
	client PRIMESHIM_DIR="$dir" -- import map write unmap close kill
	promise 'and so is that its pages have gone with the handle' \
		[ "$("$tool" watch --all "$dir"/*.primeshim |
			grep -c ' leave  *inode [0-9]*, 16 KiB at 0x')" = 1 ]
	promise 'then nothing is kept' [ -z "$("$tool" maps "$dir")" ]
	new_dir
	client PRIMESHIM_DIR="$dir" PRIMESHIM_KEEP=off -- import map write unmap kill
	promise 'PRIMESHIM_KEEP=off keeps nothing' [ -z "$("$tool" maps "$dir")" ]
fi

new_dir
client PRIMESHIM_DIR="$dir" -- import map write half kill
promise 'SIGKILL loses nothing' says 'mmap: 1 of the dma-buf'
promise 'and is seen to have come' says '^client\[[0-9]*\], killed'
"$tool" maps "$dir" >"$tmp/maps"
promise 'what was mapped then is still there, in two pieces' \
	[ "$(grep -c ' rw- vgem handle 1 <- fake inode [0-9]* 16 KiB dma-buf cpu-rw$' \
		"$tmp/maps")" = 2 ]
new_dir
client PRIMESHIM_DIR="$dir" -- import map write move kill
"$tool" maps "$dir" >"$tmp/maps"
promise 'a mapping that is moved is where it was moved to' [ "$(wc -l <"$tmp/maps")" = 1 ]
promise 'and was moved there by an event' \
	grep -q " map  .* at 0x0*$(sed 's/^0*\([0-9a-f]*\)-.*/\1/' "$tmp/maps") rw" \
	<("$tool" watch --all "$dir"/*.primeshim)
new_dir
client PRIMESHIM_DIR="$dir" -- import map write bus
promise 'nor does SIGBUS' says 'brackets: 1 begun, 0 ended'

new_dir
client PRIMESHIM_DIR="$dir" -- import map fork import map unmap close
promise "fork()'s child has a status file of its own" [ "$status-$(count)" = 0-2 ]
promise 'which says so' says "a fork()'s child$"
promise 'and has what its parent imported' \
	says "open at the end: 1 of 1 and its parent's, 2 at a time"
promise "and nothing of its parent's counts" \
	[ "$("$tool" report "$dir" | grep -c '^  vgem <- fake: 1 import of')" = 2 ]

new_dir
client PRIMESHIM_DIR="$dir" -- import map write exec import
promise 'exec() keeps what was seen' [ "$status-$(count)" = 0-2 ]
promise 'and it is seen that there was one' says '^client\[[0-9]*\], replaced after'

new_dir
client PRIMESHIM_DIR="$dir" -- threads 8
promise 'eight threads: each import and map is counted' \
	says '^    map ioctl: 400 refused.*, 400 rescued$'
promise 'and each bracket' says 'brackets: 400 begun, 400 ended'
promise 'and none is left over' says 'open at the end: 0 of 400'
promise 'nor a mapping' [ -z "$("$tool" maps "$dir")" ]
new_dir
# What is kept has two events more, or one.
client PRIMESHIM_DIR="$dir" PRIMESHIM_KEEP=off -- many 2000
"$tool" watch --all "$dir"/*.primeshim >"$tmp/events"
promise 'the newest 8192 events are kept' [ "$(grep -cv lost "$tmp/events")" = 8192 ]
# 2000 times import, map ioctl, map, begin, unmap, end, close; and the exit.
promise 'and it is said how many are not' grep -q ' 5809 events came too fast' "$tmp/events"

new_dir
client PRIMESHIM_DIR="$dir" PRIMESHIM_MODE=observe CARD=/dev/dri/card3 -- import map half kill
"$tool" maps "$dir" >"$tmp/maps"
promise "observe: the driver's own mapping is shown, too, and has no bracket" \
	[ "$(grep -c ' rw- vmwgfx handle 1 <- fake inode [0-9]* 16 KiB native -$' \
		"$tmp/maps")" = 2 ]
new_dir
client PRIMESHIM_DIR="$dir" PRIMESHIM_MODE=observe CARD=/dev/dri/card3 -- import map unmap close
promise 'and gone when it is unmapped' [ "$status-$("$tool" maps "$dir" | wc -l)" = 0-0 ]
new_dir
client PRIMESHIM_DIR="$dir" -- hold 3000
promise 'what does not fit is in the totals' says '^  vgem <- fake: 3000 imports of 46.9 MiB$'
promise 'and taken for a leak' \
	says 'open at the end: 3000 of 3000, 3000 at a time at most: it closes none, a leak?'
# 3000 less 2000 imports, and less 1024 buffers.
promise 'and how much that is' \
	says 'did not fit into the status file, and is in the totals only: 2976 entries'

# Directories that are no place for a status file: told in one line, and nothing else is different.
# no_file PATTERN DIR [COMMAND...]: with that directory, by way of that command
no_file() {
	local pattern=$1 where=$2
	"${@:3}" env PRIMESHIM_DIR="$where" LD_PRELOAD="$shim:$fake" ${EMULATOR:+"$EMULATOR"} \
		"$tmp/client" import map write unmap close import map >"$tmp/out" 2>"$tmp/err"
	status=$?
	promise "$pattern: the program goes on" [ "$status-$(grep -c mapped "$tmp/out")" = 0-2 ]
	promise "$pattern: told once" \
		[ "$(wc -l <"$tmp/err")-$(grep -c "$pattern" "$tmp/err")" = 1-1 ]
	promise "$pattern: and there is no status file" \
		[ -z "$(find "$where" -name '*.primeshim' 2>/dev/null)" ]
}

mkdir "$tmp/open" && chmod 777 "$tmp/open"
no_file 'others cannot write' "$tmp/open"
ln -s "$tmp/open" "$tmp/link"
no_file 'ENOTDIR\|ELOOP\|another error' "$tmp/link"
no_file 'is not a path from the root' status
no_file 'ENOENT' "$tmp/none/status"
: >"$tmp/file"
no_file 'ENOTDIR\|another error' "$tmp/file"
mkdir -m 700 "$tmp/small"
no_file 'no file may be as large' "$tmp/small" bash -c 'ulimit -f 100; exec "$@"' sh
if [ "$(id -u)" = 0 ] && unshare -m true 2>/dev/null; then
	mkdir -m 700 "$tmp/alien" && chown 12345 "$tmp/alien"
	no_file "not a directory of this user's" "$tmp/alien"
	mkdir "$tmp/full"
	# shellcheck disable=SC2016
	no_file 'ENOSPC' "$tmp/full" unshare -m sh -c \
		'mount -t tmpfs -o size=256k,mode=700 none "$0" && exec "$@"' "$tmp/full"
	# shellcheck disable=SC2016
	no_file 'EROFS\|another error' "$tmp/full" unshare -m sh -c \
		'mount -t tmpfs -o ro,mode=700 none "$0" && exec "$@"' "$tmp/full"
else
	echo '# not root: directories of others and full disks are left out'
fi

# An overlay, as in a container, whose layers lie on two file systems: stat() has another device
# than /proc/PID/maps.
# shellcheck disable=SC2016
overlay='
	mkdir -p "$1/low" "$1/upper" && mount -t tmpfs none "$1/upper" && cd "$1/upper" &&
	mkdir up work all && mount -t overlay \
		-o "xino=off,lowerdir=$1/low,upperdir=up,workdir=work" none all || exit 77
	PRIMESHIM_DIR=$PWD/all/status LD_PRELOAD=$2 "$1/client" import map wait \
		<"$1/held" >"$1/out" &
	exec 3>"$1/held"
	until grep -qx ready "$1/out"; do sleep 0.05; done
	"$3" report "$PWD/all/status" >"$1/life"
	exec 3>&-
	wait'
mkfifo "$tmp/held"
if [ -z "${EMULATOR-}" ] && unshare -m true 2>/dev/null &&
	unshare -m bash -c "$overlay" bash "$tmp" "$shim:$fake" "$tool" 2>"$tmp/err"; then
	promise 'a process whose status file lies on an overlay runs' \
		grep -q '^client\[[0-9]*\], running after' "$tmp/life"
else
	skip 'a process whose status file lies on an overlay runs' 'no overlay can be mounted'
fi

# Another mode for a running program.
new_dir
mkfifo "$tmp/in"
(PRIMESHIM_DIR="$dir" PRIMESHIM_MODE=observe LD_PRELOAD="$shim:$fake" \
	exec ${EMULATOR:+"$EMULATOR"} "$tmp/client" import map wait map write wait map wait map \
	<"$tmp/in" >"$tmp/out") &
exec 3>"$tmp/in"
# answered N: the program has said so many words
answered() {
	wait_until lines "$tmp/out" "$1"
}
set_to() {
	"$tool" set "$pid" "$@" >"$tmp/said" 2>&1
}
promise 'observe: the map is refused' answered 2
pid=$(basename "$dir"/*.primeshim) pid=${pid%%-*}
# By the emulator's name for it.
if [ -z "${EMULATOR-}" ]; then
	set_to
	promise 'set tells the mode' \
		grep -qx "client\[$pid\]: mode observe, sync driver" "$tmp/said"
	set_to mode=redirect
	promise 'set changes it' grep -q 'mode observe -> redirect' "$tmp/said"
	echo >&3
	answered 4
	promise 'and the running program maps' grep -qx mapped "$tmp/out"
	set_to mode=deny sync=off
	echo >&3
	answered 6
	promise 'deny refuses again' [ "$(sed -n 5p "$tmp/out")" = 'refused: EINVAL' ]
	for wrong in mode=rediret sync=trap sink=map mode; do
		set_to "$wrong"
		promise "set $wrong: status 2" [ $? = 2 ]
		promise "set $wrong: one line" [ "$(wc -l <"$tmp/said")" = 1 ]
	done
	# A word that is no policy: put there by somebody else.
	chmod u+w "$dir"/*.primeshim
	printf '%s\n' '#include <stddef.h>' '#include "kernel/status_file.h"' \
		'int at = offsetof(struct status_file, policy);' |
		${CC:-cc} -I"$src/src" -S -x c -o "$tmp/policy" -
	at=$(sed -nE 's/^[[:space:]]*\.(long|word|4byte)[[:space:]]*([0-9]*)$/\2/p' "$tmp/policy" |
		head -n 1)
	printf '\377\377\377\377' | dd of="$(echo "$dir"/*.primeshim)" bs=1 conv=notrunc \
		status=none seek="$at"
	echo >&3
	wait
	promise 'a mode that there is not is left alone' \
		[ "$(sed -n 7p "$tmp/out")" = 'refused: EINVAL' ]
	promise 'what was changed is among the events' \
		[ "$("$tool" watch --all "$dir"/*.primeshim | grep -c ' policy ')" = 2 ]
	set_to mode=off
	promise 'a process that has ended cannot be set' [ $? = 2 ]
	promise 'which is said' grep -q "there is no process $pid" "$tmp/said"
fi
exec 3>&-
wait

# And for a program that has not imported anything.
# before WORD...: a program that waits before its first word, as $pid
before() {
	new_dir
	PRIMESHIM_DIR="$dir" PRIMESHIM_MODE=observe LD_PRELOAD="$shim:$fake" \
		"$tmp/client" wait "$@" <"$tmp/in" >"$tmp/out" 2>"$tmp/err" &
	pid=$!
	exec 3>"$tmp/in"
	answered 1
}
after() {
	echo >&3
	exec 3>&-
	wait "$pid"
}
if [ -z "${EMULATOR-}" ]; then
	before import map import map
	set_to
	promise 'before an import set has nothing to tell: status 2' [ $? = 2 ]
	promise 'and says so' grep -q 'has not imported a dma-buf yet, or could make no' "$tmp/said"
	set_to mode=rediret
	promise 'nor a mode that there is not' [ "$?-$(ls "$dir" 2>"$tmp/null")" = 2- ]
	set_to mode=deny
	set_to mode=redirect sync=map
	promise 'it can be set' [ $? = 0 ]
	promise 'which is said' \
		grep -qx "$pid: once it has imported a dma-buf: mode redirect, sync map" "$tmp/said"
	promise 'other commands do not mind the file' "$tool" report "$dir" >"$tmp/null"
	after
	promise 'and holds from the first map on' [ "$(grep -cx mapped "$tmp/out")" = 2 ]
	promise 'sync, too' says 'mode redirect, sync map$'
	promise 'and is among the events' \
		[ "$("$tool" watch --all "$dir"/*.primeshim | grep -c ' policy ')" = 1 ]
	promise 'the file is removed' [ -z "$(find "$dir" -name '*.set*')" ]
	before import map
	set_to sync=off
	promise 'one of the two is set, the other stays' \
		grep -q 'mode as it is, sync off$' "$tmp/said"
	after
	promise 'so it does' says 'mode observe, sync off$'
	new_dir
	PRIMESHIM_DIR="$dir" PRIMESHIM_SYNC=trap LD_PRELOAD="$shim:$fake" \
		"$tmp/client" wait import map <"$tmp/in" >"$tmp/out" 2>"$tmp/err" &
	pid=$!
	exec 3>"$tmp/in"
	answered 1
	set_to sync=off
	promise 'trap cannot be changed: status 2' [ $? = 2 ]
	promise 'and it says why' grep -q 'cannot change to or from sync=trap' "$tmp/said"
	set_to mode=off
	promise 'the mode can' grep -q 'mode off, sync trap$' "$tmp/said"
	after
	promise 'so it is' says 'mode off, sync trap$'
	before import map
	old=$(umask)
	umask 077
	set_to mode=redirect
	umask "$old"
	promise 'whatever the umask, the process may read it' \
		[ "$(stat -c %a "$dir/$pid.set")" = 644 ]
	after
	if command -v valgrind >/dev/null && [ -z "${STATUS_TOOL-}" ]; then
		before import map
		valgrind -q --error-exitcode=9 "$tool" set "$pid" mode=redirect >"$tmp/said" 2>&1
		promise 'valgrind has nothing to say of set' [ $? = 0 ]
		after
	fi
	before import map
	mkdir -m 700 "$dir"
	echo 'something else' >"$dir/$pid.set"
	after
	promise 'a file of that name which is none stays' grep -qx 'something else' "$dir/$pid.set"
	promise 'and the map is refused as ever' grep -q '^refused' "$tmp/out"
	# put BYTES AT: into the file
	put() {
		printf '%b' "$1" |
			dd of="$dir/$pid.set" bs=1 seek="$2" conv=notrunc status=none
	}
	# What is not for this process, or not whole, or somebody else's.
	for wrong in start cut mode writable link; do
		before import map
		set_to mode=redirect
		case $wrong in
		start) put '\377\377\377\377' 8 ;;
		cut) truncate -s 12 "$dir/$pid.set" ;;
		mode) put '\7\7\7\7' 4 ;;
		writable) chmod 666 "$dir/$pid.set" ;;
		link) mv "$dir/$pid.set" "$tmp/set" && ln -s "$tmp/set" "$dir/$pid.set" ;;
		esac
		after
		promise "a file that is wrong ($wrong) changes nothing" \
			grep -q '^refused' "$tmp/out"
		promise "($wrong) and nothing is said" [ ! -s "$tmp/err" ]
	done
fi
exit $fail
