#!/bin/bash
# SPDX-License-Identifier: MIT
# The lines of the log do no harm. Whatever log.c makes of stderr, or of the file of PRIMESHIM_LOG,
# a program over the fake kernel ends as it does natively, as soon, and with its own data alone.
set -u
# shellcheck source=tests/lib/promise.sh
. "$(dirname "$0")/../lib/promise.sh" || exit 99
# shellcheck source=tests/lib/settings.sh
. "$(dirname "$0")/../lib/settings.sh" || exit 99
build=$(cd "${top_builddir:-.}" && pwd -P)
shim=$build/.libs/libprimeshim.so fake=$build/tests/fake/.libs/libfake.so
tmp=$(mktemp -d) || exit 99
trap 'rm -rf "$tmp"' EXIT
unset PRIMESHIM_MODE PRIMESHIM_SYNC PRIMESHIM_LOG PRIMESHIM_DIR PRIMESHIM_EXPORT PRIMESHIM_DRIVERS

[ -e "$fake" ] || exit 77
cp "$build/tests/process/log" "$build/tests/process/log-client" "$tmp/"

# Whatever a program writes where it should not.
cd "$tmp" || exit

# run VARIABLE=VALUE... -- KIND [HOW [PATH]]: what log says of a client under the shim
run() {
	split "$@"
	env PRELOAD="$shim:$fake" "${settings[@]}" ${EMULATOR:+"$EMULATOR"} \
		"$tmp/log" "${words[0]}" "$tmp/log-client" "${words[@]:1}"
}

# without: the same, natively
native() {
	PRELOAD=$fake ${EMULATOR:+"$EMULATOR"} "$tmp/log" "$1" "$tmp/log-client" "${@:2}"
}

# same TEXT VARIABLE=VALUE... -- KIND [HOW [PATH]]: it is what there is natively, but for lines of
# ours that came out where the program has its stderr, and for process numbers
same() {
	local text=$1
	shift
	run "$@" | sed '/^primeshim: /d; s/pid .*/pid/' >"$tmp/now"
	split "$@"
	native "${words[@]}" | sed 's/pid .*/pid/' >"$tmp/native"
	if diff "$tmp/native" "$tmp/now" >"$tmp/diff" &&
		grep -q 'ended with status 0' "$tmp/now"; then
		echo "ok - $text"
	else
		echo "not ok - $text: $(cat "$tmp/diff")"
		fail=1
	fi
}

# silent TEXT VARIABLE=VALUE... -- KIND [HOW [PATH]]: the same, and no line of ours anywhere
silent() {
	same "$@"
	run "${@:2}" >"$tmp/now"
	promise "$1: not a line" nothing_of_ours "$tmp/now"
}

# shellcheck disable=SC2317
nothing_of_ours() {
	! grep -a primeshim "$@"
}

# lines FILE...: an import, a map and the counters at the end are told, in whole lines
# shellcheck disable=SC2317
lines() {
	for what in import map exit; do
		grep -aq "^primeshim: log-client\[[1-9][0-9]*\]: \(([0-9]* lines lost) \)\?$what:\
 .*[a-z0-9]$" "$@" || return
	done
}

# Where lines are read they are there.
for kind in pipe stream terminal file tostop; do
	same "$kind: it ends well" PRIMESHIM_LOG=1 -- $kind
	run PRIMESHIM_LOG=1 -- $kind >"$tmp/now"
	promise "$kind: lines come" lines "$tmp/now"
done

# Where nobody reads, or what is read is not for people, there is none, and no harm.
for kind in closed dead-pipe full-pipe datagrams packets dead-socket full-socket tcp \
	stopped-terminal full-device; do
	for asks in PRIMESHIM_LOG=1 PRIMESHIM_MODE=wrong PRIMESHIM_DIR=/dev/null; do
		silent "$kind: ${asks#PRIMESHIM_}" $asks -- $kind
	done
	silent "$kind: trap" PRIMESHIM_SYNC=trap -- $kind
done
for kind in dead-pipe dead-socket; do
	same "$kind: no handler is called" PRIMESHIM_LOG=1 -- $kind handler
	same "$kind: no signal is pending" PRIMESHIM_LOG=1 -- $kind blocked
	same "$kind: one that was pending is" PRIMESHIM_LOG=1 -- $kind blocked SIGPIPE
done

# A file that may not grow.
for how in '' handler blocked; do
	# shellcheck disable=SC2086
	same "long file: the limit of its size${how:+, $how}" PRIMESHIM_LOG=1 -- \
		long-file limited $how
done

# What a terminal has is moved on, so that there may be room for some.
same 'full terminal: it ends well' PRIMESHIM_LOG=1 -- full-terminal

# More than anybody reads; of several lengths, as a terminal may have room for a part of a line.
for kind in pipe stream terminal; do
	same "$kind: more lines than are read" PRIMESHIM_LOG=1 -- $kind much
done
cp "$tmp/log-client" "$tmp/whole"
for more in 1 12 123 1234 12345 123456 1234567 12345678; do
	mv "$tmp/whole" "$tmp/log-client$more"
	PRELOAD=$shim:$fake PRIMESHIM_LOG=1 ${EMULATOR:+"$EMULATOR"} \
		"$tmp/log" terminal "$tmp/log-client$more" much | grep -a ended >"$tmp/now"
	promise "terminal: more lines than are read, ${#more} bytes longer" \
		grep -q 'ended with status 0' "$tmp/now"
	mv "$tmp/log-client$more" "$tmp/whole"
done

# What the program makes of descriptor 2 is its own.
for asks in PRIMESHIM_LOG=1 PRIMESHIM_DIR=/dev/null PRIMESHIM_SYNC=trap; do
	for kind in closed pipe file; do
		what="${asks#PRIMESHIM_}, stderr $kind, then"
		rm -f "$tmp/data"
		same "$what a file" $asks -- $kind file "$tmp/data"
		promise "$what a file: its data" \
			cmp -s "$tmp/data" <(printf 'data\ndata\ndata\ndata\n')
		same "$what a pipe" $asks -- $kind pipe
		same "$what a stream" $asks -- $kind socket stream
		same "$what packets" $asks -- $kind socket packets
		same "$what the device" $asks -- $kind device
	done
done

# to TEXT PATH PATTERN [HOW [PATH]]: with that file for a log the program ends well; one line on
# stderr at most, which says PATTERN, or none if that is empty
to() {
	local text=$1 path=$2 pattern=$3 said
	shift 3
	same "log $text" PRIMESHIM_LOG="$path" -- pipe "$@"
	said=$(run PRIMESHIM_LOG="$path" -- pipe "$@" | grep -a '^primeshim: ')
	promise "log $text: ${pattern:-nothing on stderr}" \
		grep -qxE "${pattern:+primeshim: log-client\[[1-9][0-9]*\]:\
 PRIMESHIM_LOG=$path: $pattern: no log}" <<<"$said"
}

: >"$tmp/file"
to 'a file' "$tmp/file" ''
promise 'log a file: lines come' lines "$tmp/file"
ln -s file "$tmp/link"
: >"$tmp/file"
to 'a link to one' "$tmp/link" ''
promise 'log a link to one: lines come' lines "$tmp/file"
to 'a file that is not there' "$tmp/none" ENOENT
promise 'log a file that is not there: nor is it then' [ ! -e "$tmp/none" ]
to 'a directory' "$tmp" 'neither a file nor a terminal nor a pipe'
to 'a file of the kernel' /proc/self/comm "a file of the kernel's"
to 'a device' /dev/null 'neither a file nor a terminal nor a pipe'
to 'another one' /dev/full 'neither a file nor a terminal nor a pipe'
to 'the master of terminals' /dev/ptmx 'neither a file nor a terminal nor a pipe'
long=/$(printf '%5000s' '' | tr ' ' x)
run PRIMESHIM_LOG="$long" -- pipe >"$tmp/now"
promise 'log a path that is too long: that is told' \
	grep -q "PRIMESHIM_LOG=${long:0:256}: longer than a path can be: no log\$" "$tmp/now"
mkfifo "$tmp/fifo"
to 'a FIFO without a reader' "$tmp/fifo" 'a pipe that nobody reads'
exec 9<>"$tmp/fifo"
to 'a FIFO with a reader' "$tmp/fifo" ''
dd if="$tmp/fifo" of="$tmp/read" bs=65536 count=1 iflag=nonblock status=none
promise 'log a FIFO with a reader: lines come' lines "$tmp/read"
exec 9<&-
exec 9<>"$tmp/fifo"
run PRIMESHIM_LOG="$tmp/fifo" -- closed drain "$tmp/fifo" >"$tmp/now"
promise 'log a FIFO that is full for a while: how many lines were lost' \
	grep -aq '\]: (2 lines lost) import' "$tmp/now"
exec 9<&-

# No other file of that name, and no other name.
: >"$tmp/file"
rm -f "$tmp/file.old"
run PRIMESHIM_LOG="$tmp/file" -- closed rename "$tmp/file" >"$tmp/now"
promise 'a file that has taken the name of the log is left alone' \
	cmp -s "$tmp/file" <(echo data)
promise 'and the log is not gone' grep -aq import "$tmp/file.old"
: >"$tmp/file"
run PRIMESHIM_LOG="$tmp/file" -- closed title >"$tmp/now"
promise 'a program that writes over its environment: the log goes on' lines "$tmp/file"
run PRIMESHIM_DIR="$tmp/status" -- closed title >"$tmp/now"
promise 'and so does the status file' grep -aq log-client "$tmp"/status/*.primeshim

# Each line has the number of its process.
run PRIMESHIM_LOG=1 -- pipe fork >"$tmp/now"
read -r parent child < <(sed -n 's/^pid \([0-9]*\), child \([0-9]*\)$/\1 \2/p' "$tmp/now")
promise "a child's lines have its number" \
	grep -q "^primeshim: log-client\[$child\]: import" "$tmp/now"
promise "and its parent's have the parent's" \
	grep -q "^primeshim: log-client\[$parent\]: exit" "$tmp/now"
run PRIMESHIM_LOG=1 -- pipe no-getpid >"$tmp/now"
if grep -q 'status 77' "$tmp/now"; then
	echo 'ok - # SKIP no filters here'
else
	parent=$(sed -n 's/^pid //p' "$tmp/now")
	promise 'also where getpid() is forbidden' \
		grep -q "^primeshim: log-client\[$parent\]: exit" "$tmp/now"
fi

# Not a line means not a line, of no file either.
mkdir -p "$tmp/config"
printf 'mode = wrong\nlog = %s\n' "$tmp" >"$tmp/config/primeshim.conf"
silent 'quiet' XDG_CONFIG_HOME="$tmp/config" PRIMESHIM_LOG=quiet -- pipe
exit $fail
