#!/bin/sh
# SPDX-License-Identifier: MIT
# primeshim doctor: each reason why the shim would not work, made for real: programs that ld.so
# would not preload it into, preloads in its way, devices that may not be opened, a sandbox.
# Functions that promise() is given are called, and words to split are meant as they are:
# shellcheck disable=SC2317,SC2086
set -u
# shellcheck source=tests/lib/promise.sh
. "$(dirname "$0")/../lib/promise.sh" || exit 99
top=$(cd "${top_builddir:-.}" && pwd -P)
[ -x "$top/tools/primeshim" ] || exit 77
CC=${CC:-cc}
tmp=$(mktemp -d) || exit 99
trap 'rm -rf "$tmp"' EXIT
trap 'exit 1' HUP INT TERM
chmod 755 "$tmp"
unset LD_PRELOAD PRIMESHIM_MODE PRIMESHIM_ONLY PRIMESHIM_EXCEPT SNAP
export XDG_CONFIG_HOME=/nonexistent
PATH=$PATH:/usr/sbin:/sbin

# A copy, which every user may read.
mkdir -p "$tmp/b/tools" "$tmp/b/.libs"
cp "$top/tools/primeshim" "$tmp/b/tools/"
cp "$top/.libs/libprimeshim.so" "$tmp/b/.libs/"
chmod -R a+rX "$tmp/b"
lib=$tmp/b/.libs/libprimeshim.so
before=''

# doctor [ARG]...: leaves its output and status
doctor() {
	$before "$tmp/b/tools/primeshim" doctor "$@" >"$tmp/out" 2>"$tmp/err"
	status=$?
}

explain() {
	sed 's/^/# /' "$tmp/out" "$tmp/err"
	echo "# status $status"
}

# finds STATE CHECK PATTERN: there is such a line
finds() {
	grep -q "^$1 *$2: .*$3" "$tmp/out"
}

# problem CHECK PATTERN: and the status is 1, and the next line says what to do
problem() {
	[ "$status" = 1 ] && finds problem "$1" "$2" &&
		grep -A 1 "^problem *$1: .*$2" "$tmp/out" | tail -n 1 | grep -q '^  *-> ' &&
		tail -n 1 "$tmp/out" | grep -q '^verdict: it does not work here'
}

# no_more [CHECK]: no problem but that of the devices, which not every machine has
no_more() {
	! grep '^problem' "$tmp/out" | grep -qv '^problem *devices:'
}

# script NAME TEXT
script() {
	printf '%s\n' "$2" >"$tmp/$1"
	chmod +x "$tmp/$1"
}

# compile NAME TEXT [OPTION]...: a program or object of C
compile() {
	name=$1
	echo "$2" >"$tmp/$name.c"
	shift 2
	$CC -o "$tmp/$name" "$tmp/$name.c" "$@" 2>"$tmp/err"
}

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
if compile remaps '#define _GNU_SOURCE
#include <sys/mman.h>
int main(void) { return remap_file_pages(0, 0, 0, 0, 0); }'; then
	doctor "$tmp/remaps"
	promise 'a call of libc that the shim does not define' \
		finds warning symbols "$tmp/remaps calls remap_file_pages"
fi
compile libremaps.so '#define _GNU_SOURCE
#include <sys/mman.h>
void f(void) { remap_file_pages(0, 0, 0, 0, 0); }' -shared -fPIC
compile uses 'void f(void); int main(void) { f(); return 0; }' "$tmp/libremaps.so"
doctor "$tmp/uses"
promise 'in a library that it is loaded with' \
	finds warning symbols 'libremaps.so calls remap_file_pages'
promise 'and not in itself' [ "$(grep -c remap_file_pages "$tmp/out")" = 1 ]
rm "$tmp/libremaps.so"
doctor "$tmp/uses"
promise 'a library that is not there' \
	problem libraries 'does not start: .*libremaps.so: cannot open'
if compile raw '#include <unistd.h>
int main(void) { return syscall(-1); }' -Wl,--no-as-needed -ldrm; then
	doctor "$tmp/raw"
	promise 'syscall() beside libdrm' \
		finds warning 'raw calls' 'makes system calls by syscall()'
else
	skip 'syscall() beside libdrm' 'there is no libdrm'
fi
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

# What needs root to be made, and another user to be seen
nobody='setpriv --reuid=65534 --regid=65534 --clear-groups'
if [ "$(id -u)" != 0 ] || ! $nobody test -r "$lib" 2>/dev/null; then
	skip 'setuid programs, capabilities, devices' 'needs root and setpriv'
	exit $fail
fi
cat=$(command -v cat)
# privileged NAME MODE OWNER
privileged() {
	rm -f "$tmp/$1"
	cp "$cat" "$tmp/$1" && chown "$3" "$tmp/$1" && chmod "$2" "$tmp/$1"
}
if grep -q '^NoNewPrivs:[[:space:]]*1' /proc/self/status; then
	skip 'setuid and setgid programs' 'no_new_privs is set'
else
	before=$nobody
	privileged suid 4755 0:0
	doctor "$tmp/suid"
	promise 'a setuid program' problem setuid 'is setuid to root: ld.so ignores LD_PRELOAD'
	promise 'names /etc/ld.so.preload, the file of settings, and a trusted directory' grep -q \
		'^ *-> .*/etc/ld.so.preload.*/etc/primeshim.conf.*chmod u+s.*/usr/lib' "$tmp/out"
	privileged sgid 2755 0:0
	doctor "$tmp/sgid"
	promise 'a setgid program' problem setuid 'is setgid to root'
	privileged own 4755 65534:65534
	doctor "$tmp/own"
	promise "a setuid program of one's own" no_more
	before="$nobody --no-new-privs"
	doctor "$tmp/suid"
	promise 'a setuid program under no_new_privs' no_more
	before=
	privileged suid 4755 65534:0
	doctor "$tmp/suid"
	promise 'one that is root, run by root, is setuid to another' \
		problem setuid 'is setuid to another'
fi
for caps in cap_sys_nice=ep cap_sys_nice=p cap_sys_nice=i; do
	privileged kwin_wayland 755 0:0
	if ! setcap $caps "$tmp/kwin_wayland" 2>/dev/null; then
		skip "$caps" 'setcap does not work'
		continue
	fi
	before=$nobody
	doctor "$tmp/kwin_wayland"
	case $caps in
	*i) promise "$caps gives nothing" no_more ;;
	*)
		promise "$caps" \
			problem capabilities "has file capabilities (cap_sys_nice=${caps#*=})"
		promise "$caps: kwin_wayland's way out" \
			grep -q "^ *-> .*setcap -r $tmp/kwin_wayland): KDE's compositor has\
 cap_sys_nice" "$tmp/out"
		;;
	esac
	before=
	doctor "$tmp/kwin_wayland"
	promise "$caps: of root's" no_more
done
ln -sf kwin_wayland "$tmp/to-kwin"
privileged sunshine 755 0:0
if setcap cap_sys_admin+p "$tmp/sunshine" 2>/dev/null; then
	before=$nobody
	ln -sf sunshine "$tmp/to-sunshine"
	doctor "$tmp/to-sunshine"
	promise 'Sunshine, by a symlink' \
		grep -q '^ *-> .*Sunshine has cap_sys_admin for the KMS' "$tmp/out"
	before=
fi

# Devices and /etc of our own
mkdir -p "$tmp/dev/dri" "$tmp/etc"
cp -a /etc/passwd /etc/group /etc/ld.so.cache "$tmp/etc/" 2>/dev/null
# within COMMAND...
within() {
	# shellcheck disable=SC2016
	unshare -m sh -c \
		'mount --bind "$1/etc" /etc && mount --bind "$1/dev" /dev && shift && exec "$@"' \
		sh "$tmp" "$@"
}
if ! mknod -m 666 "$tmp/dev/null" c 1 3 2>/dev/null ||
	! within sh -c ': >/dev/null' 2>/dev/null; then
	skip 'devices' 'needs a mount namespace and mknod'
	exit $fail
fi
before=within
doctor
promise 'no device' problem devices 'no /dev/dri/card'
mknod -m 660 "$tmp/dev/dri/renderD250" c 226 250 && chgrp 44 "$tmp/dev/dri/renderD250"
doctor cat
promise 'a device that may be opened' finds ok devices 'renderD250 (.*) may be opened'
promise 'where nothing is wrong the status is 0' [ "$status" = 0 ]
promise 'and the verdict is good' grep -q '^verdict: it should work' "$tmp/out"
before="within $nobody"
doctor
promise 'a device of a group that one is not in' problem devices 'none of 1 devices may be opened'
promise 'the group is named' grep -q '^ *-> become a member.*usermod -aG video nobody' "$tmp/out"
before='within setpriv --reuid=65534 --regid=65534 --groups=44'
doctor
promise 'as its member it may be opened' finds ok devices 'renderD250 (.*) may be opened'
before=within
printf '# the shim\n%s %s/none.so # of old\n' "$lib" "$tmp" >"$tmp/etc/ld.so.preload"
doctor
promise 'the shim in /etc/ld.so.preload' finds ok preload "/etc/ld.so.preload has the shim, $lib"
promise 'what is not there is told' \
	problem preload 'none.so (/etc/ld.so.preload) cannot be preloaded'
exit $fail
