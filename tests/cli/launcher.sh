#!/bin/sh
# SPDX-License-Identifier: MIT
# Tests what scripts/run-with-shim.sh promises, with the library of the build tree.
# launcher-more.sh has what it runs commands under, and what it tells afterwards.
# Quoted text for another sh, words to split and octal numbers for printf are meant as they are:
# shellcheck disable=SC2016,SC2059,SC2086

# shellcheck source-path=SCRIPTDIR source=launcher-checks.sh
. "${top_srcdir:-.}/tests/cli/launcher-checks.sh"

# like_exec FILE: running it ends as it does without the launcher, with as much on stderr
like_exec() {
	run "$1"
	${LAUNCHER_SHELL:-/bin/sh} -c 'exec "$1"' sh "$1" >/dev/null 2>"$tmp/err2" </dev/null
	[ $? = "$status" ] && [ "$(wc -l <"$tmp/err")" = "$(wc -l <"$tmp/err2")" ]
}

zeros() {
	head -c "$1" /dev/zero
}

# elf32 MACHINE: the header and a PT_INTERP of a little-endian 32-bit program, MACHINE in octal
elf32() {
	printf '\177ELF\1\1\1' && zeros 9
	printf "\\2\\0\\$1\\0\\1\\0\\0\\0" && zeros 4
	printf '\64\0\0\0' && zeros 8
	printf '\64\0\40\0\1\0' && zeros 6
	printf '\3' && zeros 31
}

# elf64 MACHINE: the same, 64-bit
elf64() {
	printf '\177ELF\2\1\1' && zeros 9
	printf "\\2\\0\\$1\\0\\1\\0\\0\\0" && zeros 8
	printf '\100\0\0\0\0\0\0\0' && zeros 12
	printf '\100\0\70\0\1\0' && zeros 6
	printf '\3' && zeros 55
}

# elf64be MACHINE: the same, big-endian
elf64be() {
	printf '\177ELF\2\2\1' && zeros 9
	printf "\\0\\2\\0\\$1\\0\\0\\0\\1" && zeros 8
	printf '\0\0\0\0\0\0\0\100' && zeros 12
	printf '\0\100\0\70\0\1' && zeros 6
	printf '\0\0\0\3' && zeros 52
}

# foreign NAME MACHINES: tells of $tmp/foreign, unless this machine (uname -m) is one of MACHINES
foreign() {
	chmod +x "$tmp/foreign"
	[ -z "$unknown" ] || { skip "refuses a program for $1" "$unknown"; return; }
	case " $2 " in
	*" $(uname -m) "*) skip "refuses a program for $1" "that is this machine" && return ;;
	esac
	run "$tmp/foreign"
	check "refuses a program for $1" refused 2 "is a program for $1, .* is for .*: build "
}

# Options
run --help
check '--help prints usage on stdout, status 0' grep -q '^Usage: run-with-shim.sh ' "$tmp/out"
check '--help has status 0 and an empty stderr' [ "$status-$(wc -c <"$tmp/err")" = 0-0 ]
for word in 'redirect|rescue|observe|deny|off' 'driver|map|off' 'write|keep' --log --drivers 126 \
	127 'default: redirect'; do
	check "--help tells of $word" grep -qF -e "$word" "$tmp/out"
done
run --version
check '--version prints name and version' \
	grep -qx 'run-with-shim.sh (primeshim) [0-9][0-9a-z.+-]*' "$tmp/out"
run
check 'refuses no command' refused 2 'no command.*--help'
run --
check 'refuses no command after --' refused 2 'no command.*--help'
run --log=1 true
check 'refuses an unknown option' refused 2 'unknown option --log=1.*--help'
run -x true
check 'refuses an unknown short option' refused 2 'unknown option -x.*--help'
for option in --mode --sync --export --direct; do
	run "$option"
	check "refuses $option without a value" refused 2 "$option needs a value.*--help"
	run "$option" fast true
	check "refuses an unknown value of $option" refused 2 "$option .*'fast'.*|.*--help"
	run "$option=" true
	check "refuses an empty value of $option" refused 2 "$option .*''.*--help"
	run "$option=map|off" true
	check "refuses two values of $option" refused 2 "$option .*--help"
done
run --mode "a
b" true
check 'a newline in a value does not break the line' refused 2 'a?b'
run sh -c "$env"
check 'without options nothing is set: primeshim.conf counts' printed 'unset unset unset'
for mode in redirect rescue observe deny off; do
	run --mode $mode sh -c "$env"
	check "--mode $mode sets PRIMESHIM_MODE" printed "$mode unset unset"
	run --mode=$mode sh -c "$env"
	check "--mode=$mode sets PRIMESHIM_MODE" printed "$mode unset unset"
done
for sync in off map driver; do
	run --sync $sync sh -c "$env"
	check "--sync $sync sets PRIMESHIM_SYNC" printed "unset $sync unset"
	run --sync=$sync sh -c "$env"
	check "--sync=$sync sets PRIMESHIM_SYNC" printed "unset $sync unset"
done
for how in write keep; do
	run --export $how sh -c 'echo $PRIMESHIM_EXPORT'
	check "--export $how sets PRIMESHIM_EXPORT" printed $how
done
for how in off observe sync; do
	run --direct=$how sh -c 'echo $PRIMESHIM_DIRECT'
	check "--direct $how sets PRIMESHIM_DIRECT" printed $how
done
run --direct sync --env true
check '--env prints it' grep -qx PRIMESHIM_DIRECT=sync "$tmp/out"
for bytes in off 0 64M 2G; do
	run --keep $bytes sh -c 'echo $PRIMESHIM_KEEP'
	check "--keep $bytes sets PRIMESHIM_KEEP" printed $bytes
done
for bytes in on M 1T 12MM 1K2; do
	run --keep $bytes true
	check "--keep $bytes is refused" [ "$status" = 2 ]
done
run --drivers
check '--drivers prints a table' [ "$status" = 0 ]
for words in 'DRIVER.*MAPS BY' 'etnaviv .*ETNAVIV_GEM_INFO' 'radeon .*RADEON_GEM_MMAP.*SIGBUS' \
	'amdxdna.*nothing (it keeps' 'any other .*MODE_MAP_DUMB.*refused.*vgem'; do
	check "with a row '$words'" [ "$(grep -c "^$words" "$tmp/out")" = 1 ]
done
run --log sh -c "$env"
check '--log sets PRIMESHIM_LOG=1' printed 'unset unset 1'
before='env PRIMESHIM_MODE=observe PRIMESHIM_SYNC=off PRIMESHIM_LOG=0'
run sh -c "$env"
check 'values of the environment are kept' printed 'observe off 0'
run --mode off --sync map --log sh -c "$env"
check 'options go before the environment' printed 'off map 1'
before='env PRIMESHIM_MODE= PRIMESHIM_SYNC='
run sh -c "$env"
check 'empty values of the environment are kept' printed '  unset'
before=

# The command
run cat $maps
check 'the library is in the command' loaded
run -- cat $maps
check 'the library is in a command after --' loaded
run sh -c "$show" sh 'a  b' '' 'c
d' '*' '\n' --mode -- "'\""
check 'arguments arrive as they are' printed "[a  b][][c
d][*][\\n][--mode][--]['\"]"
script name '#!/bin/sh
echo "$0"'
run "$tmp/./name"
check 'a path is passed on as it was given' printed "$tmp/./name"
run sh -c 'exit 37'
check 'the status is that of the command' [ "$status" = 37 ]
{ run sh -c 'kill -TERM $$'; } 2>/dev/null
check 'death by signal is that of the command' [ "$status" = 143 ]
$LAUNCHER_SHELL "$launcher" sh -c 'echo $$' >"$tmp/out" 2>"$tmp/err" &
pid=$!
wait "$pid"
status=$?
check 'the pid is that of the command' printed "$pid"
echo text | $LAUNCHER_SHELL "$launcher" cat >"$tmp/out" 2>"$tmp/err"
status=$?
check 'stdin is that of the command' printed text
run sh -c 'echo "$PATH"'
check 'PATH is kept' printed "$PATH"
cp "$cat" "$tmp/-a"
before="env PATH=$tmp:$PATH"
run -- -a $maps
check 'a command may have the name of an option' loaded
cd "$tmp" && mkdir ./-d && cp "$cat" ./-d/cat || exit 1
run -- -d/cat $maps
check 'a path may begin like an option' loaded
before='env PATH='
run -- -a $maps
check 'an empty PATH is the current directory' loaded
cd "$OLDPWD" || exit 1
mkdir "$tmp/bin"
cp "$cat" "$tmp/bin/cat"
before="env PATH=$tmp/bin"
run cat $maps
check 'PATH need not have the helpers' loaded
before=

# LD_PRELOAD
run sh -c 'echo "$LD_PRELOAD"'
check 'LD_PRELOAD is the absolute path of the library' printed "$lib"
before='env LD_PRELOAD=libm.so.6'
run sh -c 'echo "$LD_PRELOAD"'
check 'LD_PRELOAD has the library before the old value' printed "$lib:libm.so.6"
before="env LD_PRELOAD=libm.so.6:$lib"
run sh -c 'echo "$LD_PRELOAD"'
check 'LD_PRELOAD does not get the library twice' printed "libm.so.6:$lib"
before='env LD_PRELOAD='
run sh -c 'echo "$LD_PRELOAD"'
check 'an empty LD_PRELOAD is replaced' printed "$lib"
before=
run "$launcher" sh -c 'echo "$LD_PRELOAD"'
check 'the launcher may run itself' printed "$lib"

# Commands that are none
for command in no-such-command '' . ; do
	run "$command"
	check "refuses '$command', which is not in PATH" refused 127 'not in PATH'
done
run "$tmp/none"
check 'refuses a path that does not exist' refused 127 "$tmp/none does not exist"
run "$tmp/no
ne"
check 'a newline in a name does not break the line' refused 127 'no?ne does not exist'
run "$tmp"
check 'refuses a directory' refused 126 "$tmp is a directory"
echo 'echo no' >"$tmp/plain"
run "$tmp/plain"
check 'refuses a file that is not executable' refused 126 'not executable: chmod'
before="env PATH=$tmp:$PATH"
run plain
check 'refuses a file in PATH that is not executable' refused 126 'plain is not executable'
before="env PATH=$tmp/bin:$PATH"
echo >"$tmp/bin/sed"
mkdir "$tmp/bin/sh"
run sed -n '1{p;q;}' "$tmp/plain"
check 'goes on in PATH after a file that is not executable' printed 'echo no'
run sh -c 'echo yes'
check 'goes on in PATH after a directory' printed yes
script bin/echo '#!/bin/sh
printf "%s" "not builtin: $1"'
run echo word
check 'a builtin stands for the program in PATH' printed 'not builtin: word'
rm "$tmp/bin/echo"
before="env PATH=$tmp/bin"
run echo word
check 'a builtin that is no program is refused' refused 127 'echo is not in PATH'
run check_ids
check 'a function of the launcher is no command' refused 127 'not in PATH'
before=

# What ld.so would not preload into, which the companion knows; $unknown says why not here.
unknown=
[ -x "$companion" ] || unknown='primeshim is not built'

# Programs without ld.so
echo 'int main(void) { return 0; }' >"$tmp/main.c"
for how in static static-pie; do
	promise="refuses a $how program"
	if [ "$unknown" ]; then
		skip "$promise" "$unknown"
	elif $CC -$how -o "$tmp/$how" "$tmp/main.c" >/dev/null 2>&1; then
		run "$tmp/$how"
		check "$promise" refused 2 'statically linked: LD_PRELOAD has no effect'
		script "by-$how" "#! $tmp/$how -x"
		run "$tmp/by-$how"
		check "$promise as the interpreter of a script" refused 2 \
			"by-$how: its interpreter $tmp/$how is statically linked"
		script "by-by-$how" "#!$tmp/by-$how"
		run "$tmp/by-by-$how"
		check "$promise as the interpreter of an interpreter" refused 2 \
			"by-by-$how: its interpreter $tmp/$how is statically linked"
		script "by-env-$how" "#!/usr/bin/env $how"
		before="env PATH=$tmp:$PATH"
		run "$tmp/by-env-$how"
		check "$promise as what env runs" refused 2 'statically linked'
		before=
	else
		skip "$promise" "$CC -$how does not work"
	fi
done
run cat $maps
ldso=$(sed -n 's,^[^/]*\(/.*/ld-[^/]*\.so[^/]*\)$,\1,p' "$tmp/out" | head -n 1)
if [ -x "$ldso" ]; then
	run "$ldso" "$cat" $maps
	check 'ld.so as a command is not taken for a static program' loaded
else
	skip 'ld.so as a command is not taken for a static program' 'not found'
fi

# Programs for others
elf32 3 >"$tmp/foreign"
foreign i386 'i386 i486 i586 i686'
elf32 76 >"$tmp/foreign"
foreign x32 'none'
elf64 76 >"$tmp/foreign"
foreign x86-64 'x86_64'
elf32 50 >"$tmp/foreign"
foreign ARM 'armv6l armv7l armv8l'
elf64 267 >"$tmp/foreign"
foreign AArch64 'aarch64'
elf64 363 >"$tmp/foreign"
foreign 'RISC-V 64-bit' 'riscv64'
elf64be 25 >"$tmp/foreign"
foreign 'big-endian machine 21 64-bit' 'ppc64'

# Files that tell nothing
elf64 76 >"$tmp/whole"
for size in 3 20 63 64 100; do
	head -c $size "$tmp/whole" >"$tmp/cut"
	chmod +x "$tmp/cut"
	check "leaves an ELF cut after $size bytes to exec" like_exec "$tmp/cut"
done
{ head -c 18 "$tmp/whole" && head -c 200 /dev/zero | tr '\0' '\377'; } >"$tmp/cut"
check 'leaves an ELF of garbage to exec' like_exec "$tmp/cut"
{ head -c 56 "$tmp/whole" && zeros 64; } >"$tmp/cut"
check 'leaves an ELF without a program table to exec' like_exec "$tmp/cut"
{ head -c 32 "$tmp/whole" && printf '\377\377\377\377\377\377\377\377' &&
	tail -c +41 "$tmp/whole"; } >"$tmp/cut"
check 'leaves an ELF with an absurd table to exec' like_exec "$tmp/cut"
: >"$tmp/cut"
check 'leaves an empty file to exec' like_exec "$tmp/cut"
script no-shebang 'echo ran'
run "$tmp/no-shebang"
check 'a script without #! runs as it does from a shell' printed ran

# Scripts
script sh "#!/bin/sh
cat $maps"
run "$tmp/sh"
check 'the library is in a script' loaded
script env "#!/usr/bin/env sh
cat $maps"
run "$tmp/env"
check 'the library is in a script of env' loaded
script env-s "#!/usr/bin/env -S A=b sh -e
cat $maps"
run "$tmp/env-s"
check 'the library is in a script of env -S' loaded
if [ "$unknown" ]; then
	skip 'names the missing interpreter of a script' "$unknown"
else
	script lost '#!/no/such/interpreter -x'
	run "$tmp/lost"
	check 'names the missing interpreter of a script' refused 127 \
		'lost: its interpreter /no/such/interpreter does not exist'
	script lost '#!/usr/bin/env no-such-command'
	run "$tmp/lost"
	check 'names what env does not find' refused 127 'its interpreter no-such-command is not in'
fi

# Where the library is
# place DIR: a copy of the launcher in DIR/bin that takes DIR for its prefix
place() {
	mkdir -p "$1/bin"
	sed "s|^prefix=.*|prefix=\"$1\"|; s|^exec_prefix=.*|exec_prefix=\"$1\"|
		s|^libdir=.*|libdir=\"$1/lib\"|" "$launcher" >"$1/bin/run-with-shim.sh"
	chmod 755 "$1/bin/run-with-shim.sh"
}
built=$launcher
ln -s "$launcher" "$tmp/link"
ln -s link "$tmp/link-to-link"
launcher=$tmp/link-to-link
run cat $maps
check 'the launcher may be run through symlinks' loaded
cd "$tmp" || exit 1
launcher=./link
run cat $maps
check 'the launcher may be run by a relative path' loaded
launcher=$built
place "$tmp/usr"
launcher=$tmp/usr/bin/run-with-shim.sh
run cat $maps
check 'says where it looked for the library' refused 2 \
	"$tmp/usr/.libs or $tmp/usr/lib/primeshim: build .* or install"
mkdir -p "$tmp/usr/lib/primeshim"
cp "$lib" "$tmp/usr/lib/primeshim/"
lib=$tmp/usr/lib/primeshim/libprimeshim.so
run cat $maps
check 'finds the installed library' loaded
# Debian's way: ld.so of each ABI puts its own directory for $LIB.
dst=$("$ldso" --list-diagnostics 2>/dev/null | sed -n 's/^dl_dst_lib="\(.*\)"$/\1/p')
if [ "$unknown" ] || [ -z "$dst" ]; then
	skip 'where each ABI has its library, $LIB is preloaded' \
		"${unknown:-ld.so does not say what \$LIB is}"
else
	place "$tmp/multi"
	sed -i "s|^libdir=.*|libdir=$tmp/multi/$dst|" "$tmp/multi/bin/run-with-shim.sh"
	mkdir -p "$tmp/multi/$dst/primeshim"
	cp "$lib" "$tmp/multi/$dst/primeshim/" && cp "$companion" "$tmp/multi/bin/"
	launcher=$tmp/multi/bin/run-with-shim.sh
	run sh -c 'echo "$LD_PRELOAD"'
	check 'where each ABI has its library, $LIB is preloaded' \
		printed "$tmp/multi/\$LIB/primeshim/libprimeshim.so"
fi
for dir in 'with space' 'with:colon'; do
	launcher=$built
	place "$tmp/$dir"
	mkdir "$tmp/$dir/.libs"
	cp "$lib" "$tmp/$dir/.libs/"
	launcher=$tmp/$dir/bin/run-with-shim.sh
	run cat $maps
	check "refuses a library in a directory $dir" refused 2 'cannot preload .* space or colon'
done

# Programs of raised privileges; the library and the launcher are where another user can read them
launcher=$tmp/usr/bin/run-with-shim.sh
[ ! -x "$companion" ] || cp "$companion" "$tmp/usr/bin/"
chmod -R a+rX "$tmp/usr"
ids="$(id -u):$(id -g)"
nobody='setpriv --reuid=65534 --regid=65534 --clear-groups'
as_root='needs root and setpriv'
[ "${ids%:*}" != 0 ] || ! $nobody test -r "$lib" 2>/dev/null || as_root=
no_new_privs=
! grep -q '^NoNewPrivs:[[:space:]]*1' /proc/self/status || no_new_privs='no_new_privs is set'

# privileged OWNER MODE: makes $tmp/cat
privileged() {
	rm -f "$tmp/cat"
	cp "$cat" "$tmp/cat" && chown "$1" "$tmp/cat" && chmod "$2" "$tmp/cat"
}

privileged "$ids" 6755
run "$tmp/cat" $maps
check "runs a setuid and setgid program of the caller's" loaded
for who in 'setuid 65534:0 4755' 'setgid 0:65534 2755'; do
	bit=${who%% *}
	promise="refuses a $bit program of another"
	if [ "$as_root$no_new_privs$unknown" ]; then
		skip "$promise" "$as_root$no_new_privs$unknown"
		continue
	fi
	who=${who#* }
	privileged "${who% *}" "${who#* }"
	run "$tmp/cat" $maps
	check "$promise" refused 2 "is $bit to another .*/etc/ld.so.preload, or run a copy"
	env LD_PRELOAD="$lib" "$tmp/cat" $maps >"$tmp/out"
	status=$?
	check "ld.so ignores LD_PRELOAD for a $bit program" not_loaded
	ln -sf cat "$tmp/to-cat"
	run "$tmp/to-cat" $maps
	check "$promise by a symlink" refused 2 "to-cat is $bit to another"
done
if [ "$as_root" ]; then
	skip 'runs a setuid program under no_new_privs' "$as_root"
else
	privileged 0:0 4755
	before="$nobody --no-new-privs"
	run "$tmp/cat" $maps
	check 'runs a setuid program under no_new_privs' loaded
	privileged 0:65534 2755
	before=$nobody
	run "$tmp/cat" $maps
	check 'runs a setgid program of the group of the caller' loaded
	before=
fi
PATH=$PATH:/usr/sbin:/sbin
for caps in cap_net_raw=ep cap_net_raw=p cap_net_raw=i; do
	promise="$caps: tells whether ld.so heeds LD_PRELOAD"
	privileged "$ids" 755
	if [ "$as_root$unknown" ] || ! setcap $caps "$tmp/cat" 2>/dev/null; then
		skip "$promise" "${as_root:-${unknown:-setcap does not work}}"
		continue
	fi
	run "$tmp/cat" $maps
	check "$promise (root)" loaded
	before=$nobody
	run "$tmp/cat" $maps
	case $caps in
	*i) check "$promise (another user)" loaded ;;
	*) check "$promise (another user)" refused 2 'file capabilities.*/etc/ld.so.preload' ;;
	esac
	before=
done

echo "$passed passed, $failed failed"
[ $failed = 0 ]
