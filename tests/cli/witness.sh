#!/bin/bash
# SPDX-License-Identifier: MIT
# primeshim witness: each reason why the shim may miss a process's calls, made for real, and the
# verdict that comes of it. It opens no device, and looks at a program once.
# Functions that promise() is given are called:
# shellcheck disable=SC2317
set -u
# shellcheck source=tests/lib/promise.sh
. "$(dirname "$0")/../lib/promise.sh" || exit 99
# shellcheck source=tests/lib/wait.sh
. "$(dirname "$0")/../lib/wait.sh" || exit 99
build=$(cd "${top_builddir:-.}" && pwd -P)
[ -x "$build/tools/primeshim" ] || exit 77
CC=${CC:-cc}
tmp=$(mktemp -d) || exit 99
pid=
trap '[ -z "$pid" ] || kill -9 "$pid"; rm -rf "$tmp"' EXIT
trap 'exit 1' HUP INT TERM
unset PRIMESHIM_MODE PRIMESHIM_LOG PRIMESHIM_DIR PRIMESHIM_ONLY PRIMESHIM_EXCEPT LD_PRELOAD
# Copies, which every user may read.
chmod 755 "$tmp"
mkdir "$tmp/b" && mkdir -m 700 "$tmp/status"
cp "$build/tools/primeshim" "$build/.libs/libprimeshim.so" "$tmp/b/" && chmod -R a+rX "$tmp/b"
tool=$tmp/b/primeshim shim=$tmp/b/libprimeshim.so run=$build/scripts/run-with-shim.sh
explain() {
	sed 's/^/# /' "$tmp/seen" "$tmp/told" "$tmp/err" 2>/dev/null
}

# compile NAME [OPTION]...: a program that does what C on stdin says, and waits for its end
compile() {
	{ printf '%s\n' '#define _GNU_SOURCE' '#include <dlfcn.h>' '#include <fcntl.h>' \
		'#include <stdio.h>' '#include <sys/mman.h>' '#include <unistd.h>'
	cat
	} >"$tmp/$1.c"
	$CC -O1 -o "$tmp/$1" "$tmp/$1.c" "${@:2}" 2>"$tmp/err"
}

# started COMMAND...: runs it with $dir and $preload until it is ready, as $pid
preload=$shim dir=$tmp/status
started() {
	rm -f "$tmp/ready" && mkfifo -m 666 "$tmp/ready"
	PRIMESHIM_DIR=$dir LD_PRELOAD=$preload "$@" >"$tmp/ready" 2>/dev/null &
	pid=$!
	read -r _ <"$tmp/ready"
}

# looked COMMAND...: it, or what it became, is looked at once, by way of $by, and ended
by=
looked() {
	started "$@"
	# shellcheck disable=SC2086
	$by "$tool" witness --once --dir "$tmp/status" "$pid" >"$tmp/seen" 2>"$tmp/err"
	ended
}

ended() {
	kill -9 "$pid" 2>/dev/null
	wait "$pid" 2>/dev/null
	pid=
}

# seen WHY SENTENCE ADVICE: the witness says so, and the report, too
seen() {
	promise "$1: the witness says so" grep -q "\"why\": *\"$1\"" "$tmp/seen"
	promise "$1: once" [ "$(grep -c '"why"' "$tmp/seen")" = 1 ]
	mkdir -p "$tmp/empty"
	"$tool" report --seen "$tmp/seen" "$tmp/empty" >"$tmp/told" 2>&1
	promise "$1: the report's answer" \
		[ "$(sed -n 1p "$tmp/told")" = 'answer: it cannot be known' ]
	promise "$1: why" grep -q "^verdict: [^ ]*\[[0-9]*\] $2" "$tmp/told"
	promise "$1: what to do" grep -q "^advice: .*$3" "$tmp/told"
	promise "$1: the process is listed" grep -q '^seen: [^ ]*\[[0-9]*\]: ' "$tmp/told"
	"$tool" report --json --seen "$tmp/seen" "$tmp/empty" >"$tmp/json"
	promise "$1: in JSON, too" grep -q "\"situation\": *\"$1\"" "$tmp/json"
}

# nothing WHAT: the witness has nothing to say but that the shim is in the process
nothing() {
	promise "$1: nothing to say" [ "$(grep -c '"why"' "$tmp/seen")" = 0 ]
	promise "$1: the shim is in it" grep -q '"entered": *1' "$tmp/seen"
}

# many_looks: the trace has that many
many_looks() {
	[ "$(grep -c '"/proc"' "$tmp/trace")" -gt 5 ]
}

compile plain <<<'int main(void) { puts("ready"); fflush(stdout); pause(); return 0; }'
looked "$tmp/plain"
nothing 'an ordinary program'
preload=$tmp/none/libprimeshim.so
looked "$tmp/plain"
seen absent 'did not get the library' 'container'
if [ "$(getconf LONG_BIT)" = 64 ] &&
	compile other -m32 <<<'int main(void) { puts("ready"); fflush(stdout); pause(); }'; then
	looked "$tmp/other"
	seen abi 'is of another architecture' 'libprimeshim:ARCH'
else
	skip 'another architecture' "$CC -m32 does not work"
fi
preload=$shim
looked env -u LD_PRELOAD "$tmp/plain"
seen cleared 'was started without LD_PRELOAD' 'right before that program'
if compile static -static <<<'int main(void) { write(1, "\n", 1); pause(); return 0; }'; then
	looked "$tmp/static"
	seen static 'is statically linked' 'dynamically linked'
	# What is explained is not looked at again.
	if command -v strace >/dev/null && strace -o "$tmp/trace" true 2>/dev/null; then
		rm -f "$tmp/ready" && mkfifo "$tmp/ready"
		# shellcheck disable=SC2016
		sh -c '"$2" & echo $! >"$1"; wait' sh "$tmp/child" "$tmp/static" >"$tmp/ready" &
		pid=$!
		read -r _ <"$tmp/ready"
		# shellcheck disable=SC2016
		strace -o "$tmp/trace" sh -c 'echo $$ >"$1"; exec "$2" witness "$3"' sh \
			"$tmp/looks" "$tool" "$pid" >"$tmp/seen" &
		looks=$!
		wait_until many_looks
		kill "$(cat "$tmp/looks")"
		wait "$looks"
		child=$(cat "$tmp/child")
		kill -9 "$child"
		ended
		promise 'a program that is explained is not opened again' \
			[ "$(grep -c "openat.*/proc/$child/exe" "$tmp/trace")" = 1 ]
	else
		skip 'a program that is explained is not opened again' 'there is no strace'
	fi
else
	skip 'a static program' "$CC -static does not work"
fi
if compile copies -ldl <<<'int main(void)
{
	if (!dlmopen(LM_ID_NEWLM, "libc.so.6", RTLD_NOW))
		return 1;
	puts("ready");
	fflush(stdout);
	pause();
	return 0;
}'
then
	looked "$tmp/copies"
	seen copies 'has loaded libc a second time, by dlmopen()' 'plugin'
	compile reads -ldl <<<'int main(void)
{
	Dl_info libc;
	int fd = dladdr((void *)puts, &libc) ? open(libc.dli_fname, O_RDONLY) : -1;

	if (fd < 0 || mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0) == MAP_FAILED)
		return 1;
	puts("ready");
	fflush(stdout);
	pause();
	return 0;
}'
	looked "$tmp/reads"
	nothing 'a program that reads the file of libc by a map'
else
	skip 'dlmopen()' 'libc has none'
fi

# A look that comes at a bad time. watched PID: the witness looks at PID's child, often, and again
# when the child has got a line by $tmp/go. Ends both.
watched() {
	# shellcheck disable=SC2016
	strace -o "$tmp/trace" sh -c 'echo $$ >"$1"; exec "$2" witness --dir "$3" "$4"' sh \
		"$tmp/looks" "$tool" "$tmp/status" "$1" >"$tmp/seen" 2>"$tmp/err" &
	looks=$!
	wait_until many_looks
	# Longer than ld.so needs at most, by the witness.
	sleep 0.5
	echo go >"$tmp/go"
	wait_until grep -q "/proc/$(cat "$tmp/child")/maps.*O_RDONLY" "$tmp/trace"
	sleep 1
	kill "$(cat "$tmp/looks")"
	wait "$looks"
	kill -9 "$(cat "$tmp/child")"
	ended
}
if command -v strace >/dev/null && strace -o "$tmp/trace" true 2>/dev/null; then
	# The launcher is bash, as is the program that its child becomes, late.
	rm -f "$tmp/go" && mkfifo "$tmp/go"
	: >"$tmp/trace"
	# shellcheck disable=SC2016
	bash -c '(
		echo "$BASHPID" >"$1" && read -r _ <"$2"
		LD_PRELOAD=$3 PRIMESHIM_DIR=$4 exec bash -c "while :; do read -r _ <$2; done"
	) & wait' sh "$tmp/child" "$tmp/go" "$shim" "$tmp/status" &
	pid=$!
	wait_until [ -s "$tmp/child" ]
	watched "$pid"
	nothing 'a child of the launcher that calls exec() late'
	# A program whose ld.so waits long for its turn.
	compile stops -Wno-unused-result <<<'#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
int main(int argc, char **argv)
{
	FILE *f = argc > 3 ? fopen(argv[1], "w") : NULL;
	pid_t pid = f ? fork() : -1;
	char c;

	if (!pid) {
		ptrace(PTRACE_TRACEME, 0, 0, 0);
		setenv("LD_PRELOAD", argv[3], 1);
		execl(argv[4], argv[4], (char *)NULL);
		_exit(1);
	}
	if (pid < 0 || waitpid(pid, NULL, 0) != pid)
		return 1;
	fprintf(f, "%d\n", pid);
	fclose(f);
	read(open(argv[2], O_RDONLY), &c, 1);
	ptrace(PTRACE_DETACH, pid, 0, 0);
	wait(NULL);
	return 0;
}'
	for library in "$shim" "$tmp/none/libprimeshim.so"; do
		rm -f "$tmp/child"
		: >"$tmp/trace"
		PRIMESHIM_DIR=$tmp/status "$tmp/stops" "$tmp/child" "$tmp/go" "$library" \
			"$tmp/plain" >/dev/null 2>&1 &
		pid=$!
		wait_until [ -s "$tmp/child" ]
		watched "$pid"
		case $library in
		"$shim") nothing 'a program that has not come to its libraries for long' ;;
		*) seen absent 'did not get the library' 'container' ;;
		esac
	done
else
	skip 'a look at a bad time' 'there is no strace'
fi

# A library that is linked with libdrm, and loaded by a program that has the shim. The kernel lets a
# process read the memory of another that it may trace (Yama).
started "$tmp/plain"
# shellcheck disable=SC2016
traces=$(sh -c ': <"/proc/$1/mem"; echo yes' sh "$pid" 2>"$tmp/null")
ended
if [ "$traces" = yes ] && compile deep <<<'int main(void) { return RTLD_DEEPBIND; }' &&
	compile libplugin.so -shared -fPIC -Wl,--no-as-needed -ldrm <<<'#include <sys/ioctl.h>
int plugin(void)
{
	return ioctl(-1, 0, 0);
}'; then
	for how in RTLD_DEEPBIND 0; do
		compile host -ldl "-DHOW=$how" <<<'int main(int argc, char **argv)
{
	void *plugin = argc > 1 ? dlopen(argv[1], RTLD_NOW | HOW) : NULL;

	if (!plugin)
		return 1;
	((int (*)(void))dlsym(plugin, "plugin"))();
	puts("ready");
	fflush(stdout);
	pause();
	return 0;
}'
		looked "$tmp/host" "$tmp/libplugin.so"
		case $how in
		0)
			nothing 'a library that is loaded without RTLD_DEEPBIND'
			;;
		*)
			seen deepbind 'has a library that calls libc past the shim' \
				'without RTLD_DEEPBIND'
			;;
		esac
	done
else
	skip 'RTLD_DEEPBIND' 'no libdrm, or the memory of others may not be read'
fi

# It opens no device.
compile zero <<<'int main(void)
{
	mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, open("/dev/zero", O_RDONLY), 0);
	puts("ready");
	fflush(stdout);
	pause();
	return 0;
}'
if command -v strace >/dev/null && strace -o "$tmp/trace" true 2>/dev/null; then
	for preload in "$shim" ''; do
		started "$tmp/zero"
		strace -f -o "$tmp/trace" "$tool" witness --once "$pid" >"$tmp/seen"
		promise "/dev/zero is mapped (${preload:-without} the shim): it is looked at" \
			grep -q "/proc/$pid/maps" "$tmp/trace"
		promise 'and no device is opened' \
			[ -z "$(grep 'open.*"/dev/' "$tmp/trace")" ]
		ended
	done
	preload=$shim
else
	skip 'no device is opened' 'there is no strace'
fi

# Use
"$tool" witness >"$tmp/told" 2>"$tmp/err"
promise 'without a process: status 2 and a line' [ "$?-$(wc -l <"$tmp/err")" = 2-1 ]
"$tool" witness 999999999 >"$tmp/told" 2>"$tmp/err"
promise 'without that process: status 2 and a line' [ "$?-$(wc -l <"$tmp/err")" = 2-1 ]
started "$tmp/plain"
"$tool" witness "$pid" >"$tmp/seen" &
witness=$!
# It has SIGTERM blocked when it looks, as the shell has before exec().
wait_until grep -qx primeshim "/proc/$witness/comm"
wait_until grep -q '^SigBlk:.*4[0-9a-f]\{3\}$' "/proc/$witness/status"
ended
wait "$witness"
ended_as=$?
promise 'a process without children: the witness ends with it, status 1' [ "$ended_as" = 1 ]

# What is no evidence.
for text in '{"processes":3}' '{"entered":3}' '{"processes":[]}' '{"entered":0,"processes":[]}' \
	'[]' '{"entered":1,"processes":[3]}' '{"entered":-1,"processes":[]}' 'x' '' \
	'{"entered":1,"processes":[{"pid":1,"program":"x","why":"no such","drm":false}]}' \
	'{"entered":1,"processes":[{"pid":1,"program":"x","why":"static"}]}'; do
	printf %s "$text" >"$tmp/seen"
	"$tool" report --seen "$tmp/seen" "$tmp/empty" >"$tmp/told" 2>"$tmp/err"
	promise "'$text' is no evidence: the report does without" [ $? = 0 ]
	promise 'and says so in a line' \
		[ "$(grep -c 'nothing that primeshim witness' "$tmp/err")" = 1 ]
	promise 'and does not know' grep -q '^answer: it cannot be known' "$tmp/told"
done
"$tool" report --seen "$tmp" "$tmp/empty" >"$tmp/told" 2>"$tmp/err"
promise 'a directory is none, either' grep -q 'not a file' "$tmp/err"
echo '{"entered":1,"processes":[{"pid":7,"program":"a\u001b[2Jb","why":"static","drm":true},
{"pid":8,"program":"c","why":"closed","drm":false}]}' >"$tmp/seen"
"$tool" report --seen "$tmp/seen" "$tmp/empty" >"$tmp/told"
promise 'a name has nothing that a terminal heeds' \
	grep -q '^verdict: a?\[2Jb\[7\] is static' "$tmp/told"
echo '{"entered":1,"processes":[{"pid":7,"program":"first","why":"static","drm":false},
{"pid":8,"program":"second","why":"cleared","drm":true}]}' >"$tmp/seen"
"$tool" report --seen "$tmp/seen" "$tmp/empty" >"$tmp/told"
promise 'a process with a DRM device goes before others' \
	grep -q '^verdict: second\[8\]' "$tmp/told"

# A child of the launcher's that a busy machine keeps from its exec().
mkfifo "$tmp/hold" && rm -f "$tmp/ready" && mkfifo "$tmp/ready"
# shellcheck disable=SC2016
sh -c '{ read -r _ <"$1"; LD_PRELOAD=$2 exec sh -c "sleep 1; :"; } & echo; wait' \
	sh "$tmp/hold" "$shim" >"$tmp/ready" &
pid=$!
read -r _ <"$tmp/ready"
"$tool" witness "$pid" >"$tmp/seen" 2>"$tmp/err" &
looks=$!
sleep 0.5
echo >"$tmp/hold"
wait "$looks"
pid=
promise 'a child that is late: nothing to say' [ "$(grep -c '"why"' "$tmp/seen")" = 0 ]
promise 'a child that is late: the shim is in it' grep -q '"entered": *[12]' "$tmp/seen"

# By the launcher.
"$run" --report --out "$tmp/told" sleep 1
promise 'launcher: nothing imported, and the shim was in it' \
	grep -qx 'verdict: it imports no dma-buf: nothing for primeshim to do' "$tmp/told"
promise 'launcher: so it is not this' grep -qx 'answer: it is not this' "$tmp/told"
"$run" --survey --json --out "$tmp/json" sh -c 'env -i sleep 2; exit 3'
promise "launcher: the command's status" [ $? = 3 ]
promise 'launcher: a program below, without LD_PRELOAD' \
	grep -q '"situation": *"cleared"' "$tmp/json"
# shellcheck disable=SC2016
TMPDIR=$tmp "$run" --report --out "$tmp/told" sh -c 'kill -9 $PPID; sleep 1' 2>"$tmp/err"
no_witness() {
	! cat /proc/[0-9]*/cmdline 2>"$tmp/null" | tr '\0' ' ' | grep -q "[w]itness --dir $tmp"
}
wait_until no_witness
promise 'launcher: if it is killed, the witness ends, too' [ $? = 0 ]

# What needs root to be made.
nobody='setpriv --reuid=65534 --regid=65534 --clear-groups'
if [ "$(id -u)" != 0 ] || ! $nobody test -r "$shim" 2>/dev/null; then
	skip 'other users, capabilities, devices' 'needs root and setpriv'
	exit $fail
fi
# shellcheck disable=SC2086
looked $nobody "$tmp/plain"
seen user 'may not write into the directory' '--log'
by=$nobody
looked "$tmp/plain"
seen closed 'may not be looked at' 'as root'
compile closes <<<'#include <sys/prctl.h>
int main(void)
{
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	puts("ready");
	fflush(stdout);
	pause();
	return 0;
}'
# shellcheck disable=SC2086
looked $nobody "$tmp/closes"
seen closed 'may not be looked at: it is another user.s, or it forbids that' 'as root'
cp "$tmp/plain" "$tmp/caps"
if setcap cap_sys_nice=ep "$tmp/caps" 2>/dev/null; then
	for by in "$nobody" ''; do
		# shellcheck disable=SC2086
		looked $nobody "$tmp/caps"
		seen privileged 'is setuid or has capabilities' 'primeshim doctor'
	done
else
	skip 'file capabilities' 'setcap does not work'
fi
by=

# Devices and dma-bufs of our own, by their names: in a root of its own.
compile devices <<<'int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (open(argv[i], O_RDONLY) < 0)
			return 1;
	puts("ready");
	fflush(stdout);
	pause();
	return 0;
}'
compile filtered <<<'#include <sys/prctl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
int main(int argc, char **argv)
{
	struct sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	struct sock_fprog all = { 1, &allow };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, 2, &all) ||
	    (argc > 1 && open(argv[1], O_RDONLY) < 0))
		return 1;
	puts("ready");
	fflush(stdout);
	pause();
	return 0;
}'
compile maps <<<'int main(int argc, char **argv)
{
	if (argc < 2 || mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, open(argv[1], O_RDONLY), 0) ==
			MAP_FAILED)
		return 1;
	puts("ready");
	fflush(stdout);
	pause();
	return 0;
}'
compile raw <<<'int main(void)
{
	open("/dev/dri/card0", O_RDONLY);
	puts("ready");
	fflush(stdout);
#if defined(__x86_64__)
	long ret;
	__asm__ volatile("syscall" : "=a"(ret) : "0"(34) : "rcx", "r11", "memory");
#endif
	pause();
	return 0;
}'
# in_root COMMAND...: looks at it as looked() does, where there are /dev/dri/card0 and /dmabuf:x
in_root() {
	# shellcheck disable=SC2016
	unshare -m bash -c '
		mount --make-rprivate / && root=$1/root && mkdir -p "$root" &&
		mount -t tmpfs none "$root" && cd "$root" || exit 77
		for d in /*; do
			[ -d "$d" ] && [ "$d" != /dev ] && [ ! -L "$d" ] || continue
			mkdir ".$d" && mount --rbind "$d" ".$d" || exit 77
		done
		for d in /*; do [ ! -L "$d" ] || cp -P "$d" .; done
		mkdir -p dev/dri && : >dev/dri/card0 &&
			head -c 4096 /proc/self/exe >dmabuf:x || exit 77
		exec chroot . bash -c "
			LD_PRELOAD=$2 ${*:5} >$1/ready & read -r _ <$1/ready
			$3 witness --once \$! >$4; kill -9 \$!"' \
		sh "$tmp" "$shim" "$tool" "$tmp/seen" "$@" 2>"$tmp/err"
}
rm -f "$tmp/ready" && mkfifo "$tmp/ready"
if ! timeout 60 bash -c "$(declare -f in_root); tmp=$tmp shim=$shim tool=$tool
	in_root $tmp/devices /dev/dri/card0"; then
	skip 'devices' 'no root of its own can be made'
	exit $fail
fi
nothing 'a DRM device alone'
in_root "$tmp/devices" /dev/dri/card0 /dmabuf:x
nothing 'a DRM device and a dma-buf, open only'
in_root "$tmp/filtered" /dev/dri/card0
seen sandbox 'has a DRM device open and a seccomp filter' '--log'
in_root "$tmp/filtered"
nothing 'a seccomp filter, and no device'
in_root "$tmp/maps" /dmabuf:x
seen past 'maps a dma-buf, and the shim has seen nothing of it' 'strace'
case $(uname -m) in
x86_64)
	in_root "$tmp/raw"
	seen raw 'has a DRM device open, and has code for system calls' 'strace'
	;;
*) skip 'system calls without libc' 'another machine' ;;
esac
exit $fail
