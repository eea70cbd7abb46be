#!/bin/sh
# SPDX-License-Identifier: MIT
# primeshim doctor: each reason why the shim would not work, made for real: programs that ld.so
# would not preload it into, preloads in its way, a sandbox. doctor-root.sh makes those that need
# root.
# Functions that promise() is given are called, and words to split are meant as they are:
# shellcheck disable=SC2317,SC2086
set -u
# shellcheck source=tests/lib/promise.sh
. "$(dirname "$0")/../lib/promise.sh" || exit 99
# shellcheck source=tests/cli/doctor-checks.sh
. "$(dirname "$0")/doctor-checks.sh" || exit 99

# Use
doctor --help
promise '--help: usage and status 0' \
	[ "$status-$(grep -c '^Usage: primeshim doctor' "$tmp/out")" = 0-1 ]
doctor --fast
promise 'an unknown option: status 2 and a line' [ "$status-$(wc -l <"$tmp/err")" = 2-1 ]
doctor
promise 'the library, and what it is for' finds ok library "$lib, for .*, is loaded"
promise 'one line of verdict' [ "$(grep -c '^verdict: ' "$tmp/out")" = 1 ]
doctor -- cat --json
promise "what follows the command is its own" finds ok symbols 'the shim sees the calls of /.*/cat'
promise 'a program of this machine has no problem' no_more
promise 'it is dynamically linked' finds ok architecture 'is dynamically linked and for .*, as is '
promise 'and has no privileges' finds ok privileges 'takes no privileges: no setuid, no setgid'

# Programs that are none
doctor no-such-command
promise 'a command that is not there' problem command 'no-such-command is not in PATH'
doctor "$tmp/none"
promise 'a path that is not there' problem command "$tmp/none does not exist"
doctor "$tmp"
promise 'a directory' problem command 'is a directory'
doctor ''
promise 'no name' problem command 'is not in PATH'
echo x >"$tmp/plain"
doctor "$tmp/plain"
promise 'a file that is not executable' problem command 'is not executable'
doctor "$tmp/no
ne$(printf '\033[31m')"
promise 'what a terminal heeds is not shown' [ "$(tr -d '[:print:]\n' <"$tmp/out" | wc -c)" = 0 ]

# What the launcher asks
# launches STATUS PATTERN: one line on stdout that is so, and nothing else
launches() {
	[ "$status-$(wc -l <"$tmp/out")-$(wc -c <"$tmp/err")" = "$1-1-0" ] &&
		grep -q "$2" "$tmp/out"
}
doctor --launch "$lib" -- cat --json
promise '--launch: the library' launches 0 "^$lib\$"
doctor --launch "$lib" "$tmp/none"
promise '--launch of what is not there: status 127' launches 127 "^$tmp/none does not exist: "
doctor --launch "$lib" "$tmp/plain"
promise '--launch of what is not executable: status 126' launches 126 'is not executable: chmod'
for wrong in '--json --launch x cat' '--launch x' '--launch'; do
	doctor $wrong
	promise "$wrong: status 2 and a line" [ "$status-$(wc -l <"$tmp/err")" = 2-1 ]
done

# What ld.so would not preload into
if compile static 'int main(void) { return 0; }' -static; then
	doctor "$tmp/static"
	promise 'a static program' problem static 'statically linked: LD_PRELOAD has no effect'
	script by-static "#!$tmp/static -x"
	doctor "$tmp/by-static"
	promise 'as the interpreter of a script' problem static 'statically linked'
	script by-env "#!/usr/bin/env -S A=b static"
	before="env PATH=$tmp:$PATH"
	doctor by-env
	promise 'as what env runs' problem static 'statically linked'
	before=
else
	skip 'a static program' "$CC -static does not work"
fi
script loop "#!$tmp/loop"
doctor "$tmp/loop"
promise 'a script that is its own interpreter' problem command 'has interpreters of interpreters'
script lost '#!/no/such/interpreter'
doctor "$tmp/lost"
promise 'a script without its interpreter' problem command '/no/such/interpreter does not exist'
script fine '#!/bin/sh'
doctor "$tmp/fine"
promise 'a script, whose interpreter is looked at' finds ok symbols 'the calls of /.*sh'
foreign=
for cc in "$CC -m32" i686-linux-gnu-gcc arm-linux-gnueabihf-gcc; do
	[ -z "$foreign" ] || continue
	echo 'int main(void) { return 0; }' >"$tmp/foreign.c"
	! $cc -o "$tmp/foreign" "$tmp/foreign.c" 2>/dev/null || foreign=$cc
done
if [ "$foreign" ]; then
	doctor "$tmp/foreign"
	promise "a program of another architecture ($foreign)" \
		problem architecture 'is a program for [iA].*, and the library is for '
else
	skip 'a program of another architecture' 'no compiler for one'
fi
if musl-gcc -o "$tmp/musl" "$tmp/foreign.c" 2>/dev/null; then
	doctor "$tmp/musl"
	promise "a program of another libc" problem libc 'is for musl, the library is for glibc'
else
	skip 'a program of another libc' 'there is no musl-gcc'
fi

# What the shim would not see
compile go 'static const char id[] __attribute__((section(".note.go.buildid"), used)) = "x";
int main(void) { return 0; }'
doctor "$tmp/go"
promise 'a Go program' finds warning 'raw calls' 'is a Go program'
promise 'is no problem' no_more
if compile gets 'int pidfd_getfd(int pidfd, int fd, unsigned int flags);
int main(void) { return pidfd_getfd(0, 0, 0); }'; then
	doctor "$tmp/gets"
	promise 'a call of libc that the shim does not define' \
		finds warning symbols "$tmp/gets calls pidfd_getfd"
fi
compile libgets.so 'int pidfd_getfd(int pidfd, int fd, unsigned int flags);
void f(void) { pidfd_getfd(0, 0, 0); }' -shared -fPIC
compile uses 'void f(void); int main(void) { f(); return 0; }' "$tmp/libgets.so"
doctor "$tmp/uses"
promise 'in a library that it is loaded with' \
	finds warning symbols 'libgets.so calls pidfd_getfd'
promise 'and not in itself' [ "$(grep -c pidfd_getfd "$tmp/out")" = 1 ]
rm "$tmp/libgets.so"
doctor "$tmp/uses"
promise 'a library that is not there' \
	problem libraries 'does not start: .*libgets.so: cannot open'
if compile raw '#include <unistd.h>
int main(void) { return syscall(-1); }' -Wl,--no-as-needed -ldrm; then
	doctor "$tmp/raw"
	promise 'syscall() beside libdrm' \
		finds warning 'raw calls' 'makes system calls by syscall()'
else
	skip 'syscall() beside libdrm' 'there is no libdrm'
fi
case $(uname -m) in
x86_64)
	compile kernel '#include <stdio.h>
int main(void)
{
	long ret;
	__asm__ volatile("syscall" : "=a"(ret) : "0"(39) : "rcx", "r11", "memory");
	printf("%ld", ret);
	return 0;
}' -O1
	doctor "$tmp/kernel"
	promise 'a program with system calls of its own' \
		finds warning 'raw calls' "$tmp/kernel has instructions for system calls"
	promise 'is not said to be seen' [ "$(grep -c '^ok *symbols' "$tmp/out")" = 0 ]
	promise 'is no problem, either' no_more
	;;
*) skip 'a program with system calls of its own' 'another machine' ;;
esac
compile numbers 'int main(int n, char **v) { (void)v; return n * 0x050f; }' -O1
doctor "$tmp/numbers"
promise 'a program without is not taken for one' [ "$(grep -c 'raw calls' "$tmp/out")" = 0 ]
compile runs '#include <fcntl.h>
static __attribute__((constructor)) void f(void) { creat("ran", 0600); }
int main(void) { return 0; }'
cd "$tmp" && doctor ./runs
promise 'the program is not run' [ ! -e "$tmp/ran" ]
cd "$OLDPWD" || exit 99
size=$(wc -c <"$tmp/runs")
broken=0
for cut in 0 3 16 40 63 64 65 200 568 900 1500 $((size / 4)) $((size / 2)) $((size - 900)) \
	$((size - 1)); do
	head -c "$cut" "$tmp/runs" >"$tmp/cut"
	chmod +x "$tmp/cut"
	doctor "$tmp/cut"
	case $status in [01]) ;; *) broken=$cut ;; esac
	# The same file, with rubbish from there on.
	{ cat "$tmp/cut" && head -c $((size - cut)) /dev/urandom; } >"$tmp/cut2"
	chmod +x "$tmp/cut2"
	doctor "$tmp/cut2"
	case $status in [01]) ;; *) broken=$cut ;; esac
done
promise 'a program that is cut short or rubbish does no harm' [ $broken = 0 ]

# Other preloads
compile libmine.so '#include <stddef.h>
void *mmap(void *a, size_t n, int p, int f, int fd, long o)
{ (void)a, (void)n, (void)p, (void)f, (void)fd, (void)o; return (void *)-1; }' -shared -fPIC
compile libdup.so 'int dup(int fd) { return fd; }' -shared -fPIC
compile libother.so 'int harmless(void) { return 0; }' -shared -fPIC
before="env LD_PRELOAD=$lib:$tmp/libother.so"
doctor
promise 'the shim in LD_PRELOAD' finds ok preload "LD_PRELOAD has the shim, $lib"
promise 'an object that is not in its way' \
	finds ok preload 'libother.so (LD_PRELOAD) defines nothing'
before="env LD_PRELOAD=$tmp/libdup.so:$lib"
doctor
promise 'one before it that defines dup' \
	finds warning preload 'libdup.so .* before the shim and defines dup'
before="env LD_PRELOAD=$tmp/none.so:$lib"
doctor
promise 'one that is not there' \
	finds warning preload 'none.so (LD_PRELOAD) cannot be preloaded: cannot open'
before="env LD_PRELOAD=/nowhere/libprimeshim.so"
doctor
promise 'a shim that is not there' \
	problem preload '/nowhere/libprimeshim.so (LD_PRELOAD) cannot be preloaded'
# This one takes every mmap from the program itself, so that it is preloaded and not loaded.
compile libmine.so '#define _GNU_SOURCE
#include <unistd.h>
#include <sys/syscall.h>
void *mmap(void *a, size_t n, int p, int f, int fd, long o)
{ return (void *)syscall(SYS_mmap, a, n, p, f, fd, o); }' -shared -fPIC
before="env LD_PRELOAD=$tmp/libmine.so:$lib"
doctor
promise 'one before it that defines mmap' \
	problem preload 'libmine.so (LD_PRELOAD) comes before the shim and defines mmap:'
before="env LD_PRELOAD=$lib:$tmp/libmine.so"
doctor
promise 'behind it that is no problem' no_more
promise 'and is said' finds note preload 'libmine.so (LD_PRELOAD) defines mmap, too'
file=$(ldconfig -p 2>/dev/null | sed -n 's/^.*libtcmalloc_minimal\.so.* => //p' | head -n 1)
if [ "$file" ]; then
	before="env LD_PRELOAD=${file##*/}:$lib"
	doctor
	promise 'tcmalloc before it, by its bare name' \
		problem preload "${file##*/} .* comes before the shim and defines"
else
	skip 'tcmalloc before it' 'it is not installed'
fi
before=

# Settings
before='env PRIMESHIM_MODE=fast'
doctor
promise 'a wrong variable' finds warning settings 'PRIMESHIM_MODE=fast is not known'
before='env PRIMESHIM_MODE=off'
doctor
promise 'mode off' problem settings 'the shim does nothing'
before="env XDG_CONFIG_HOME=$tmp"
echo 'modus = off' >"$tmp/primeshim.conf"
doctor
promise 'a wrong line of the file' \
	finds warning settings "$tmp/primeshim.conf:1: there is no setting modus"
before='env PRIMESHIM_ONLY=dog,cats'
doctor cat
promise 'a command that is left out' problem settings 'PRIMESHIM_ONLY=dog,cats leaves cat out'
before='env PRIMESHIM_ONLY=dog,cat PRIMESHIM_EXCEPT=dog'
doctor cat
promise 'one that is not' no_more
printf '#!/bin/sh\n' >"$tmp/listed" && chmod +x "$tmp/listed"
before='env PRIMESHIM_ONLY=listed'
doctor "$tmp/listed"
promise 'a script goes by its interpreter' problem settings 'PRIMESHIM_ONLY=listed leaves sh out'
before='env PRIMESHIM_ONLY=sh'
doctor "$tmp/listed"
promise 'and is let in by it' no_more
before=

# Sandboxes
before='env SNAP=/snap/x/1'
doctor
promise 'a container is told of' finds note container 'this is one (snap)'
before=
script flatpak '#!/bin/sh'
cp "$(command -v cat)" "$tmp/bwrap"
doctor "$tmp/bwrap"
promise 'a program that starts containers' \
	finds warning container 'bwrap starts programs in a container'
if setpriv --no-new-privs true 2>/dev/null; then
	before='setpriv --no-new-privs'
	doctor
	promise 'no_new_privs' finds note seccomp 'no_new_privs is set'
	before=
else
	skip 'no_new_privs' 'there is no setpriv'
fi
if compile filter '#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <unistd.h>
int main(int argc, char **argv)
{
	struct sock_filter all[] = { { BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW } };
	struct sock_fprog p = { 1, all };
	if (argc < 2 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, 2, &p))
		return 77;
	execv(argv[1], argv + 1);
	return 77;
}' && "$tmp/filter" /bin/true; then
	before=$tmp/filter
	doctor
	promise 'a seccomp filter' finds note seccomp 'a filter is on (mode 2)'
	before=
else
	skip 'a seccomp filter' 'none can be set'
fi

# JSON
doctor --json "$tmp/none" 'a b'
promise 'JSON has the words of the command' grep -qF '"a b"' "$tmp/out"
promise 'and what to do' grep -q '"advice": *"check its name' "$tmp/out"
promise 'and the status' [ "$status" = 1 ]
if command -v python3 >/dev/null; then
	promise 'it is JSON' python3 -m json.tool "$tmp/out" /dev/null
fi
rm -f "$tmp/b/.libs/libprimeshim.so"
cp "$tmp/libother.so" "$tmp/libgone.so"
compile libneeds.so 'int harmless(void); int f(void) { return harmless(); }' \
	-shared -fPIC "$tmp/libgone.so"
rm "$tmp/libgone.so"
cp "$tmp/libneeds.so" "$lib"
doctor
promise 'a library that does not load' problem library 'cannot be preloaded: .*libgone.so'
cp "$top/.libs/libprimeshim.so" "$lib"
exit $fail
