#!/bin/sh
# SPDX-License-Identifier: MIT
# primeshim.conf: what is taken of it, by whom, what goes before what, and what is told of a file
# that is wrong. What a program was given is seen by the line that a wrong variable costs: it names
# the value that is used instead.
# Functions that promise() is given are called:
# shellcheck disable=SC2317
set -u
# shellcheck source=tests/lib/promise.sh
. "$(dirname "$0")/../lib/promise.sh" || exit 99
build=$(cd "${top_builddir:-.}" && pwd -P)
lib=$build/.libs/libprimeshim.so
tmp=$(mktemp -d) || exit 99
trap 'rm -rf "$tmp"' EXIT
trap 'exit 1' HUP INT TERM
chmod 755 "$tmp"
unset PRIMESHIM_MODE PRIMESHIM_SYNC PRIMESHIM_LOG PRIMESHIM_EXPORT PRIMESHIM_DRIVERS PRIMESHIM_DIR
unset PRIMESHIM_DIRECT
export XDG_CONFIG_HOME="$tmp"
conf=$tmp/primeshim.conf

# shellcheck disable=SC2317 # promise calls it
explain() {
	sed 's/^/# /' "$tmp/err"
}

# run [VARIABLE=VALUE]...: cat, which has to work whatever the file is; leaves $tmp/err
run() {
	# What takes long is a machine that is busy; the limit is for what hangs.
	echo hello | timeout 600 env "$@" LD_PRELOAD="$lib" cat >"$tmp/out" 2>"$tmp/err" &&
		[ "$(cat "$tmp/out")" = hello ]
}

# said N [PATTERN]: it worked, and told N lines, the first of which matches
said() {
	[ "$worked" = 0 ] && [ "$(wc -l <"$tmp/err")" = "$1" ] || return 1
	[ "$1" = 0 ] || head -n 1 "$tmp/err" | grep -q "${2-}"
}

# file TEXT: with that file, printf's way
file() {
	# shellcheck disable=SC2059
	printf "$1" >"$conf"
	run
	worked=$?
}

# used_instead: the words that were used where one was not known, with a blank behind each
used_instead() {
	sed -n 's/.*=? is not known, \([a-z]*\) is used$/\1/p' "$tmp/err" | tr '\n' ' '
}

# used WORDS TEXT [VARIABLE=VALUE]...: with that file mode, sync and export are WORDS
used() {
	words=$1
	# shellcheck disable=SC2059
	printf "$2" >"$conf"
	shift 2
	run PRIMESHIM_MODE=? PRIMESHIM_SYNC=? PRIMESHIM_EXPORT=? "$@"
	worked=$?
	[ "$worked-$(used_instead)" = "0-$words " ]
}

rm -f "$conf"
run
worked=$?
promise 'no file: nothing is told' said 0
if command -v strace >/dev/null && strace -o "$tmp/calls" true 2>/dev/null; then
	for who in cat dog; do
		strace -o "$tmp/calls.$who" -E PRIMESHIM_EXCEPT=$who -E LD_PRELOAD="$lib" \
			cat /dev/null
	done 2>"$tmp/err"
	promise 'no file: two opens that fail' \
		[ "$(grep -c 'primeshim.conf.*ENOENT' "$tmp/calls.dog")" = 2 ]
	promise 'and no other system call' \
		[ $(($(wc -l <"$tmp/calls.dog") - $(wc -l <"$tmp/calls.cat"))) = 2 ]
fi
promise 'no file: the defaults' used 'redirect driver write' ''
promise 'a file for all programs' \
	used 'rescue map keep' 'mode = rescue\nsync=map\n\nexport\t=\tkeep\n'
# shellcheck disable=SC2317
used_direct() {
	echo 'direct = observe' >"$conf"
	run PRIMESHIM_DIRECT=? && [ "$(used_instead)" = 'observe ' ]
}
promise 'direct is one of the settings' used_direct
promise 'a line without an end' used 'rescue driver write' 'mode = rescue'
promise 'the ends of lines of DOS' used 'rescue map write' 'mode = rescue\r\n[*]\r\nsync = map\r\n'
promise 'a section of the program' \
	used 'rescue off write' '[cat]\nmode = rescue\n[dog]\nsync = map\n[cat]\nsync = off\n'
promise 'it goes before [*] that follows it' used 'rescue map write' \
	'[cat]\nmode = rescue\n[*]\nmode = deny\nsync = map\n'
promise 'of two lines the second counts' used 'deny driver write' 'mode = rescue\nmode = deny\n'
promise 'an empty value is the default' \
	used 'redirect map write' 'mode = rescue\nsync = map\n[cat]\nmode =\n'
promise 'a wrong value leaves the one before' \
	used 'rescue driver write' 'mode = rescue\nmode = fast\n'
promise 'and so it does in the section' \
	used 'rescue driver write' 'mode = rescue\n[cat]\nmode = fast\n'

file 'mode = rescue\n'
run PRIMESHIM_MODE= PRIMESHIM_SYNC=?
worked=$?
promise 'a variable that is set but empty is no wrong value' \
	said 1 'SYNC=? is not known, driver is used'
printf 'log = 1\n' >"$conf"
LD_PRELOAD="$lib" getent passwd 0 >/dev/null 2>"$tmp/err"
promise 'log = 1 ends with a line of counters' grep -q 'exit: 0 imports' "$tmp/err"
PRIMESHIM_LOG=0 LD_PRELOAD="$lib" getent passwd 0 >/dev/null 2>"$tmp/err"
promise 'the environment goes before the file' [ ! -s "$tmp/err" ]
PRIMESHIM_LOG='' LD_PRELOAD="$lib" getent passwd 0 >/dev/null 2>"$tmp/err"
promise 'also where it is empty: the default' [ ! -s "$tmp/err" ]
: >"$tmp/log"
printf 'log = %s\n' "$tmp/log" >"$conf"
LD_PRELOAD="$lib" getent passwd 0 >/dev/null 2>"$tmp/err"
promise 'log = /PATH writes there' grep -q 'exit: 0 imports' "$tmp/log"
promise 'and nothing to stderr' [ ! -s "$tmp/err" ]
file 'log = quiet\n'
run PRIMESHIM_MODE=?
worked=$?
promise 'log = quiet: not a line' said 0
file 'drivers = etnaviv,-etna\n'
promise 'a driver that is not known is told of' said 1 'drivers in primeshim.conf: no driver "etna"'

# line N PATTERN TEXT: of a file TEXT line N is told, and no other
line() {
	file "$3"
	promise "$2" said 1 ": $conf:$1: .*$2.*; this line is ignored\$"
}
line 2 'there is no setting modus' 'mode = off\nmodus = off\n'
line 1 'there is no setting MODE' 'MODE = off\n'
line 1 'there is no setting' '= off\n'
line 1 'there is no setting only' 'only = cat\n'
line 3 'mode = rediret is not known' '# mode\n\nmode = rediret\n'
line 1 'sync = yes is not known' 'sync = yes'
line 1 'export = no is not known' 'export = no'
line 1 'log = loud is not known' 'log = loud'
line 1 'log = logs/a is not a path from the root' 'log = logs/a'
line 1 'dir = reports is not a path from the root' 'dir = reports'
line 1 'neither key = value' 'mode: off\n'
line 1 'a section is written as' '[cat\nmode: off\n'
line 1 'a section is written as' '[cat] # mine\nmode: off\n'
line 1 'needs the name of a program' '[ ]\nmode: off\n'
line 2 'mode = rediret' '[cat]\nmode = rediret\n[dog]\nmode = rediret\nrubbish\n'
line 2 'control character' 'mode = rescue\nmode\0 = off\n'
line 1 'control character' 'mode = \033[31moff\n'
line 1 'longer than 511 bytes' "dir = /$(printf '%600s' '' | tr ' ' x)\n"
line 1 'mode = xxxxx' "mode = $(printf '%300s' '' | tr ' ' x)\n"
used 'rescue driver write' 'mode = rescue\nmode\0 = off\n'
promise 'a control character is not shown' [ "$(tr -d '[:print:]\n' <"$tmp/err" | wc -c)" = 0 ]

# Files that are none
rm "$conf"
mkdir "$conf"
run
worked=$?
promise 'a directory in its place' said 1 "$conf: not a file, and not read"
rmdir "$conf"
mkfifo "$conf"
run
worked=$?
promise 'a FIFO in its place does not block' said 1 "$conf: not a file, and not read"
rm "$conf"
ln -s /dev/zero "$conf"
run
worked=$?
promise 'a device in its place' said 1 "$conf: not a file, and not read"
rm "$conf"
ln -s "$conf" "$conf"
run
worked=$?
promise 'a symlink to itself is as no file' said 0
rm "$conf"
{ echo 'mode = rescue' && head -c 1048576 /dev/zero | tr '\0' '#' && echo && echo 'sync = map'; } \
	>"$conf"
run
worked=$?
promise 'a file of 1 MiB is told of' said 1 "$conf: longer than 16384 bytes"
run PRIMESHIM_MODE=? PRIMESHIM_SYNC=?
promise 'its first lines count' grep -q 'MODE=? is not known, rescue is used' "$tmp/err"
promise 'those beyond do not' grep -q 'SYNC=? is not known, driver is used' "$tmp/err"
{ yes '#' | head -c 16370 && printf 'mode = rescue\n'; } >"$conf"
run PRIMESHIM_MODE=?
worked=$?
promise 'a file of 16384 bytes is read to its end' said 1 'rescue is used'
{ yes '#' | head -c 16372 && printf 'mode = rescue\n'; } >"$conf"
run PRIMESHIM_MODE=?
worked=$?
promise 'of one that is longer half a line does not count' said 2 'longer than 16384 bytes'
promise 'but is left out' grep -q 'redirect is used' "$tmp/err"
head -c 1048576 /dev/urandom >"$conf"
run
worked=$?
promise 'rubbish does not fill the screen' [ "$worked-$(($(wc -l <"$tmp/err") < 12))" = 0-1 ]
yes rubbish | head -n 1000 >"$conf"
run
worked=$?
promise 'of many wrong lines eight are told' said 8 "$conf:1: "

# Where the user's file is
mkdir -p "$tmp/home/.config"
echo 'mode = rescue' >"$tmp/home/.config/primeshim.conf"
echo 'mode = deny' >"$conf"
# from WORD [VARIABLE=VALUE]...
from() {
	word=$1
	shift
	run "$@" PRIMESHIM_MODE=?
	grep -q "MODE=? is not known, $word is used" "$tmp/err"
}
promise "\$XDG_CONFIG_HOME goes before ~/.config" from deny HOME="$tmp/home"
promise 'without it, ~/.config' from rescue -u XDG_CONFIG_HOME HOME="$tmp/home"
promise 'where it is empty, too' from rescue XDG_CONFIG_HOME= HOME="$tmp/home"
promise 'and where it is no path from the root' from rescue XDG_CONFIG_HOME=x HOME="$tmp/home"
promise 'neither HOME nor that: no file' from redirect -u XDG_CONFIG_HOME -u HOME
promise 'a path that is too long: no file' \
	from redirect XDG_CONFIG_HOME="/$(printf '%5000s' '' | tr ' ' x)"

# The machine's file, in a namespace of our own
# etc TEXT: it runs with that file
etc() {
	# shellcheck disable=SC2059
	printf "$1" >"$tmp/etc/primeshim.conf"
}
# within COMMAND...: with $tmp/etc over /etc
within() {
	# shellcheck disable=SC2016
	unshare -m sh -c 'mount --bind "$1" /etc && shift && exec "$@"' sh "$tmp/etc" "$@"
}
why=
[ "$(id -u)" = 0 ] || why='needs root'
[ "$why" ] || { mkdir "$tmp/etc" && cp -a /etc/passwd /etc/group /etc/ld.so.cache /etc/ld.so.conf \
	"$tmp/etc/" 2>/dev/null; etc '' && within true 2>/dev/null; } ||
	why='needs a mount namespace'
if [ "$why" ]; then
	for text in '/etc/primeshim.conf counts' "the user's file goes before it" \
		'a setuid program takes that of /etc alone'; do
		echo "ok - $text # SKIP $why"
	done
	exit $fail
fi
# twice WORDS USER ETC: with both files
twice() {
	words=$1
	# shellcheck disable=SC2059
	printf "$2" >"$conf"
	etc "$3"
	run_in_etc PRIMESHIM_MODE=? PRIMESHIM_SYNC=?
	[ "$(used_instead)" = "$words " ]
}
run_in_etc() {
	echo hello | within env "$@" LD_PRELOAD="$lib" cat >"$tmp/out" 2>"$tmp/err"
}
promise '/etc/primeshim.conf counts' twice 'rescue driver' '' 'mode = rescue\n'
promise "the user's file goes before it" \
	twice 'deny map' 'mode = deny\n' 'mode = rescue\nsync = map\n'
promise 'also what it says for all, before a section' twice 'deny map' 'mode = deny\n' \
	'[cat]\nmode = rescue\nsync = map\n'
etc 'rubbish\n'
: >"$conf"
run_in_etc
promise 'a wrong line of it is told' grep -q ': /etc/primeshim.conf:1: neither ' "$tmp/err"

# By ld.so.preload the shim is in setuid programs, too.
cat=$(command -v cat)
cp "$cat" "$tmp/cat" && chown 65534 "$tmp/cat" && chmod 4755 "$tmp/cat"
mkdir "$tmp/shim" && cp "$lib" "$tmp/shim/" && chmod -R a+rX "$tmp/shim"
echo "$tmp/shim/libprimeshim.so" >"$tmp/etc/ld.so.preload"
echo 'rubbish of the user' >"$conf"
chmod 644 "$conf"
if grep -q '^NoNewPrivs:[[:space:]]*1' /proc/self/status; then
	echo 'ok - a setuid program takes that of /etc alone # SKIP no_new_privs is set'
	exit $fail
fi
etc 'mode = fast\n'
within env PRIMESHIM_SYNC=? PRIMESHIM_NONE=1 PRIMESHIM_LOG=1 "$tmp/cat" \
	/proc/self/maps >"$tmp/out" \
	2>"$tmp/all"
grep ' cat\[' "$tmp/all" >"$tmp/err"
promise 'a setuid program takes that of /etc' \
	grep -q ': /etc/primeshim.conf:1: mode = fast is not known' "$tmp/err"
promise "and not the user's, nor the environment" [ "$(wc -l <"$tmp/err")" = 1 ]
promise 'though the shim is in it' grep -q libprimeshim "$tmp/out"
within env PRIMESHIM_SYNC=? "$cat" /dev/null >"$tmp/out" 2>"$tmp/err"
promise 'another program does take them' \
	[ "$(grep -c "cat\[[0-9]*\]: \($conf:1\|PRIMESHIM_SYNC\)" "$tmp/err")" = 2 ]
exit $fail
