#!/bin/sh
# SPDX-License-Identifier: MIT
# What scripts/run-with-shim.sh runs commands under (gdb, valgrind, sanitizers), which of a tree of
# processes have the shim, and what it tells afterwards: --report, --trace, --ab. Imports are made
# over the fake kernel.
# Quoted text for another sh and words to split are meant as they are:
# shellcheck disable=SC2016,SC2086

# shellcheck source-path=SCRIPTDIR source=launcher-checks.sh
. "${top_srcdir:-.}/tests/cli/launcher-checks.sh"
src=${top_srcdir:-.}
primeshim=$companion
fake=$top/tests/fake/.libs/libfake.so

# compile NAME COMPILER OPTION...: a program that imports and maps, and says "all right"
compile() {
	name=$1
	shift
	"$@" ${CPPFLAGS-} ${LIBDRM_CFLAGS-} -I"$src/tests" -D_FILE_OFFSET_BITS=64 -g \
		-o "$tmp/$name" "$src/tests/process/hooked.c" -ldl -pthread 2>"$tmp/err"
}

# said TEXT: status 0, TEXT on stdout and nothing on stderr
said() {
	printed "$1" && [ ! -s "$tmp/err" ]
}

# has FILE PATTERN
has() {
	grep -q -e "$2" "$tmp/$1"
}

has_not() {
	! has "$@"
}

# Which programs
names='echo "${PRIMESHIM_ONLY-unset} ${PRIMESHIM_EXCEPT-unset}"'
run sh -c "$names"
check 'neither list is set by itself' printed 'unset unset'
run --only a --only=b,c --except d sh -c "$names"
check '--only and --except may be repeated' printed 'a,b,c d'
before='env PRIMESHIM_ONLY=z'
run sh -c "$names"
check "the environment's list is kept" printed 'z unset'
run --only a sh -c "$names"
check '--only goes before it' printed 'a unset'
before='env PRIMESHIM_LOG=1'
# getent leaves stderr open until its end, and the shim's last line is there.
run --only getent sh -c 'getent passwd 0 >/dev/null; exit'
check '--only: the program that is named has the shim' has err ' getent\[[0-9]*\]: exit: '
run --except getent sh -c 'getent passwd 0 >/dev/null; exit'
check '--except: the program that is named has not' has_not err getent
before=
for option in --only --except --dir --trace --ab; do
	run $option
	check "refuses $option without a value" refused 2 "$option needs a value.*--help"
	run $option= true
	check "refuses an empty value of $option" refused 2 "$option needs a value.*--help"
done
run --only /bin/cat true
check 'refuses a path as a name' refused 2 "--only takes a program's name without directories"

# Is it there?
run --active
check '--active: 1 where the shim is not' [ "$status-$(cat "$tmp/out" "$tmp/err")" = 1- ]
run "$launcher" --active
check '--active: 0 where it is' said ''
run sh -c 'unset LD_PRELOAD; exec "$1" --active' sh "$launcher"
check '--active: 1 where it is no longer' [ "$status" = 1 ]
run --active true
check '--active takes no command' refused 2 '--active takes no command'

# Nothing said
before='env PRIMESHIM_MODE=x PRIMESHIM_LOG=1'
run --quiet getent passwd 0
check '--quiet: not a line' [ "$status-$(wc -c <"$tmp/err")" = 0-0 ]
before=
run --quiet --log true
check 'refuses --quiet with --log' refused 2 '--quiet goes without --log'
run --log --quiet true
check 'in whatever order' refused 2 '--quiet goes without --log'

# The directory
run --dir "$tmp/status" sh -c 'echo "$PRIMESHIM_DIR"'
check '--dir sets PRIMESHIM_DIR' printed "$tmp/status"
check 'and makes the directory' [ "$(stat -c %a "$tmp/status")" = 700 ]
cd "$tmp" && run --dir status sh -c 'cd / && echo "$PRIMESHIM_DIR"'
cd "$OLDPWD" || exit 1
check 'as a path from the root' printed "$tmp/status"
run --dir "$tmp/no/status" true
check 'refuses a directory that cannot be made' refused 2 \
	'no/status is no directory and cannot be made'
run --dir "$0" true
check 'refuses a file as a directory' refused 2 'is no directory and cannot be made'
before='env PRIMESHIM_LOG=1 PRIMESHIM_DIR=/x PRIMESHIM_DRIVERS=vgem'
run --env --mode deny --only a no-such-command
check '--env checks the command' refused 127 'no-such-command is not in PATH'
run --env --mode deny --only a false
check '--env prints what would be set, and runs nothing' printed "LD_PRELOAD=$lib
PRIMESHIM_MODE=deny
PRIMESHIM_LOG=1
PRIMESHIM_DRIVERS=vgem
PRIMESHIM_DIR=/x
PRIMESHIM_ONLY=a"
before=

# What goes with what
for wrong in '--survey --report' '--survey --trace x' '--survey --ab 3' '--survey --gdb' \
	'--survey --quiet' '--ab 3 --report' '--ab 3 --gdb' '--ab 3 --dir /' '--gdb --valgrind' \
	'--trace x --json' '--ab 0' '--ab x' '--ab 3x' '--ab -1'; do
	run $wrong true
	check "refuses $wrong" [ "$status-$(wc -l <"$tmp/err")-$(wc -c <"$tmp/out")" = 2-1-0 ]
done

# What primeshim is asked for, whatever it answers
mkdir -p "$tmp/alone/bin" "$tmp/alone/.libs"
cp "$launcher" "$tmp/alone/bin/" && cp "$lib" "$tmp/alone/.libs/"
built=$launcher
launcher=$tmp/alone/bin/run-with-shim.sh
before="env PATH=$PATH"
for option in --report '--trace x' '--ab 3'; do
	run $option touch "$tmp/ran"
	check "without primeshim $option is refused" refused 2 \
		'needs primeshim, which is neither in'
done
check 'before the command runs' [ ! -e "$tmp/ran" ]
script alone/bin/primeshim '#!/bin/sh
[ "$2" = --help ] || printf "[%s]" "$@"
[ "$1" != trace ] || [ "$2" = --help ] || exit 3'
run --ab 3 --mode rescue cat 'a  b'
check '--ab N is primeshim ab' printed '[ab][-n][3][--b][rescue][--][cat][a  b]'
run --ab 3 --json --quiet --sync map cat
check 'with its options' printed '[ab][-n][3][--json][--quiet][--b][redirect/map][--][cat]'
run --dir "$tmp/status" --trace "$tmp/a b" sh -c 'exit 7'
check '--trace FILE is primeshim trace, afterwards' \
	[ "$(cat "$tmp/out")" = "[trace][-o][$tmp/a b][--][$tmp/status]" ]
check 'where that fails the status is 2' [ "$status" = 2 ]
run --dir "$tmp/status" --report --json sh -c 'exit 7'
check '--report is primeshim report, on stderr' \
	[ "$(cat "$tmp/err")" = "[report][--json][--status][7][--][$tmp/status][sh][-c][exit 7]" ]
check "the status is the command's" [ "$status" = 7 ]
script alone/bin/primeshim '#!/bin/sh
exit 2'
run --report true
check 'refuses a primeshim of another kind' refused 2 'has no command report'
launcher=$built
before=

# A compiler that makes no program at all is for another machine.
if [ ! -e "$fake" ] || ! echo 'int main(void) { return 0; }' | $CC -x c -o "$tmp/any" - \
	2>/dev/null || ! "$tmp/any"; then
	skip 'commands that import' 'needs a compiler and the fake kernel'
	echo "$passed passed, $failed failed"
	[ $failed = 0 ]
	exit
fi
status=0
: >"$tmp/out"
check 'a program that imports is there' compile hooked $CC
before="env LD_PRELOAD=$fake"
run "$tmp/hooked"
check 'a program that imports' said 'all right'

# What primeshim.conf, and being left out, make of it
mkdir "$tmp/conf" "$tmp/filed"
native='the map ioctl (errno 22)'
before="env LD_PRELOAD=$fake XDG_CONFIG_HOME=$tmp/conf"
printf '[hooked]\nmode = off\n' >"$tmp/conf/primeshim.conf"
run "$tmp/hooked"
check 'mode = off in its section: the native refusal' [ "$(cat "$tmp/out" "$tmp/err")" = "$native" ]
run --mode rescue "$tmp/hooked"
check '--mode goes before it' said 'all right'
printf 'dir = %s\n[other]\nmode = off\n' "$tmp/filed" >"$tmp/conf/primeshim.conf"
chmod 700 "$tmp/filed"
run "$tmp/hooked"
check 'the section of another program does not count' said 'all right'
check 'dir = DIRECTORY: a status file is there' [ -n "$(ls "$tmp/filed")" ]
rm "$tmp/filed/"*
run --except hooked "$tmp/hooked"
check '--except: the native refusal' [ "$(cat "$tmp/out" "$tmp/err")" = "$native" ]
check 'and no status file' [ -z "$(ls "$tmp/filed")" ]
run --only hooked "$tmp/hooked"
check '--only: the shim at work' said 'all right'
before=

# Reports
if [ -x "$primeshim" ]; then
	mkdir "$tmp/tmp"
	before="env LD_PRELOAD=$fake TMPDIR=$tmp/tmp"
	run --report "$tmp/hooked"
	check "--report: the command's own stdout and status" printed 'all right'
	check '--report tells who imported from whom' has err '^  vgem <- fake: [1-9][0-9]* import'
	check 'and leaves no directory' [ -z "$(ls "$tmp/tmp")" ]
	run --report --dir "$tmp/status" "$tmp/hooked"
	check '--report --dir keeps the status files there' [ -n "$(ls "$tmp/status")" ]
	run --report --json --out "$tmp/told" sh -c 'kill -9 $$'
	check 'death by signal is a status' [ "$status" = 137 ]
	check '--report --json --out FILE' has told '"status": *137'
	before=
	rm -f "$tmp/ran"
	for option in '--report --out' --trace; do
		run $option /nowhere/x touch "$tmp/ran"
		check "$option to a file that cannot be written" \
			refused 2 'cannot write the [a-z]* to /nowhere/x'
	done
	run --report --dir /proc/1/none true
	check '--dir in a directory that cannot be written' refused 2 'cannot be made'
	check 'is told before the command runs' [ ! -e "$tmp/ran" ]
	if "$primeshim" trace --help >/dev/null 2>&1; then
		before="env LD_PRELOAD=$fake"
		run --trace "$tmp/trace.json" "$tmp/hooked"
		check "--trace: the command's own stdout and status" printed 'all right'
		check '--trace FILE writes trace events' has trace.json '"ph"'
		check 'and says where' has err 'the trace is in .*trace.json: open it in'
		run --quiet --trace "$tmp/trace.json" "$tmp/hooked"
		check 'not with --quiet' said 'all right'
		before=
		run --trace "$tmp/empty.json" sh -c 'exit 7'
		check "--trace with nothing to show: the command's own status" [ "$status" = 7 ]
		check 'and no file' [ ! -e "$tmp/empty.json" ]
	fi
	if "$primeshim" ab --help >/dev/null 2>&1; then
		before=
		run --ab 2 true
		check '--ab runs the command both ways' [ "$status" = 0 ]
	fi
else
	skip 'reports' 'primeshim is not built'
fi

# gdb
if command -v gdb >/dev/null; then
	before="env LD_PRELOAD=$fake HOME=$tmp"
	cat >"$tmp/commands" <<-'EOC'
	set pagination off
	shell grep -c 'libprimeshim\|libfake' /proc/$PPID/maps | sed 's/^/objects in gdb: /'
	shell echo "preload of gdb's shell: ${LD_PRELOAD-none}"
	break main
	run
	info sharedlibrary
	continue
	EOC
	# The launcher's stdin is gdb's.
	gdb_run() {
		$before $LAUNCHER_SHELL "$launcher" --gdb \
			"$@" <"$tmp/commands" >"$tmp/out" 2>"$tmp/err"
		status=$?
	}
	gdb_run "$tmp/hooked" "it's" 'a  "b"' '$HOME'
	check '--gdb: gdb has not the shim' has out 'objects in gdb: 0'
	check 'nor has what it starts' has out "preload of gdb's shell: none"
	check 'breakpoints stop the program' has out '^Breakpoint 1, main '
	check 'which has the shim' has out 'Yes .*libprimeshim\.so'
	check 'and what was to be preloaded besides' has out 'Yes .*libfake\.so'
	check 'and runs to its end' has out '^all right'
	ln -s "$top/.libs" "$tmp/it's"
	cat >"$tmp/commands" <<-'EOC'
	run
	EOC
	before="env LD_PRELOAD=$tmp/it's/../tests/fake/.libs/libfake.so HOME=$tmp"
	gdb_run sh -c 'printf "[%s]" "$@"; echo " $LD_PRELOAD"' sh "it's" 'a  "b"' '$HOME'
	check '--gdb: arguments and LD_PRELOAD arrive as they are' \
		has out "\[it's\]\[a  \"b\"\]\[\$HOME\] $lib:$tmp/it's/../tests"
	# gdb's own settings may say otherwise.
	echo 'set startup-with-shell off' >"$tmp/.gdbinit"
	gdb_run sh -c 'echo "preload $LD_PRELOAD"'
	check 'whatever .gdbinit says' has out "preload $lib"
	before=
	script script '#!/bin/sh
echo'
	run --gdb "$tmp/script"
	check 'refuses a script, and says what to do' refused 2 'is a script: give its interpreter'
else
	skip '--gdb' 'gdb does not work'
fi
before="env PATH=$tmp/none"
mkdir "$tmp/none"
ln -s "$cat" "$tmp/none/cat"
sed 's,^PATH=\$PATH:.*,PATH=$PATH:'"$tmp/few"',' "$launcher" >"$tmp/few-launcher"
mkdir "$tmp/few"
for name in sed grep readlink tr od id ls head tail cut; do
	ln -s "$(command -v $name)" "$tmp/few/$name"
done
chmod +x "$tmp/few-launcher"
for tool in gdb valgrind; do
	$before /bin/sh "$tmp/few-launcher" --$tool cat >"$tmp/out" 2>"$tmp/err"
	status=$?
	check "says where there is no $tool" has err "there is no $tool in PATH: install it"
done
before=

# valgrind
if command -v valgrind >/dev/null; then
	before="env LD_PRELOAD=$fake VALGRIND_OPTS=--error-exitcode=9"
	run --valgrind "$tmp/hooked"
	check '--valgrind: the program has the shim' printed 'all right'
	check 'and valgrind looks at it' has err 'ERROR SUMMARY: 0 errors'
	before=
else
	skip '--valgrind' 'there is no valgrind'
fi

# Sanitizers: a runtime in an object of its own has to be first; one in the program does not
runtime=$(clang -print-file-name="libclang_rt.asan-$(uname -m).so" 2>/dev/null)
before="env LD_PRELOAD=$fake"
for how in "$CC -fsanitize=address" "$CC -fsanitize=thread" \
	"$CC -fsanitize=address -static-libasan" "$CC -fsanitize=undefined" \
	'clang -fsanitize=address' 'clang -fsanitize=thread' \
	"clang -fsanitize=address -shared-libasan -Wl,-rpath,${runtime%/*}"; do
	if ! compile sanitized $how || ! "$tmp/sanitized" 2>&1 | grep -q 'fake kernel'; then
		skip "built with ${how%,/*}" 'that does not work here'
		continue
	fi
	run "$tmp/sanitized"
	check "built with ${how%,/*}" said 'all right'
done
if command -v valgrind >/dev/null && compile sanitized $CC -fsanitize=address; then
	run --valgrind "$tmp/sanitized"
	check 'which valgrind cannot run' refused 2 'built with a sanitizer'
fi

echo "$passed passed, $failed failed"
[ $failed = 0 ]
