#!/bin/bash
# SPDX-License-Identifier: MIT
# Runs real programs natively and with the shim, which has nothing to do in them, and compares the
# exit status, stdout, stderr and files, byte for byte. Beside each program stands a sed script,
# which takes away what differs between any two runs (pids, times); nothing else does.
# shellcheck disable=SC2317 # the programs are called by bash -c

export LC_ALL=C
me=programs.sh
top=$(cd "$(dirname "$(readlink -f "$0")")/.." && pwd -P)
# shellcheck source=scripts/lib/packages.sh
. "$top/scripts/lib/packages.sh"
modes='observe redirect'
build='' lib='' quick='' guest='' here=''

usage() {
	cat <<-END
	Usage: $me [options] [BUILD-DIRECTORY]
	Compares what real programs do with the shim, in the modes ${modes/ / and }, with what they
	do without it. Installs the packages that it needs. BUILD-DIRECTORY is where make was run
	(default: the directory of the sources).

	Options (--OPTION VALUE or --OPTION=VALUE):
	  --lib FILE  the shim (default: .libs/libprimeshim.so in BUILD-DIRECTORY)
	  --quick     the shorter half, in 100 s; with --guest kmscube and modetest
	  --guest     the programs that want a DRM device, in a virtual machine
	  --here      the same on the running kernel: virtio-gpu and cirrus, as root
	  --help      prints this

	Prints "ok - ..." and "not ok - ..." lines; "# skipped: ..." for what cannot be run here.
	Exit status: 0 if all is the same, 1 if not, 2 for bad use or something missing.
	END
}

die() {
	echo "$me: $1" >&2
	exit 2
}

while [ $# -gt 0 ]; do
	case $1 in
	--lib) [ $# -gt 1 ] || die "--lib needs a value; see --help"; lib=$2 && shift ;;
	--lib=*) lib=${1#*=} ;;
	--quick) quick=--quick ;;
	--guest) guest=yes ;;
	--here) here=yes ;;
	--help) usage && exit ;;
	-*) die "unknown option $1; see --help" ;;
	*) [ -z "$build" ] || die "give one build directory; see --help"; build=$1 ;;
	esac
	shift
done
[ -z "$guest" ] || [ -z "$here" ] || die '--guest and --here exclude each other; see --help'
build=${build:-$top}
lib=${lib:-$build/.libs/libprimeshim.so}
[ -f "$lib" ] || die "there is no $lib: run make in the build directory, or give --lib; see --help"
lib=$(readlink -f -- "$lib")
groups=(programs)
[ -n "$quick" ] || groups+=(programs-all)
[ -z "$guest$here" ] || groups=(programs-guest)
[ -z "$guest" ] || groups+=(vm)
packages_need "${groups[@]}" || exit 2
if [ -n "$guest" ]; then
	exec "$top/scripts/vm.sh" --device virtio-gpu-pci --device cirrus-vga -- \
		"$top/scripts/programs.sh" --here ${quick:+"$quick"} --lib "$lib"
fi

# Copies the shim: nobody can build it anew meanwhile, and every user can read the copy.
tmp=$(mktemp -d /tmp/programs.XXXXXX) || exit 2
trap 'rm -rf "$tmp"' EXIT
chmod 755 "$tmp" && cp "$lib" "$tmp/libprimeshim.so" || exit 2
lib=$tmp/libprimeshim.so
kept=0 broken=0
ulimit -c 0

# The environment of programs. $before and $after are other preloaded libraries.
plain=(PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME="$tmp/work" LC_ALL=C.UTF-8)
user=() before='' after='' blur=''
# A program that hangs ends after so many seconds. A busy machine may be ten times slower.
limit=1800

# promise TEXT COMMAND...: it succeeds
promise() {
	if "${@:2}"; then
		echo "ok - $1" && kept=$((kept + 1))
	else
		echo "not ok - $1" && broken=$((broken + 1))
	fi
}

# preload [LIBRARY]: prints the environment for it
preload() {
	local list=${before:+$before:}${1:+$1:}${after:+$after:}
	[ -z "$list" ] || echo "LD_PRELOAD=${list%:}"
}

# new_directory: makes the directory that programs run in, by the same path each time
new_directory() {
	rm -rf "$tmp/work"
	mkdir "$tmp/work"
	[ ${#user[@]} = 0 ] || chown 65534:65534 "$tmp/work"
}

# run WAY [VARIABLE=VALUE]...: runs $recipe, a function with arguments, in a new directory, by a
# bash with the same environment; keeps the results in $tmp/WAY
run() {
	local result=$tmp/$1
	rm -rf "$result"
	mkdir "$result"
	new_directory
	(
		cd "$tmp/work" || exit
		exec timeout -k 5 "$limit" env -i "${plain[@]}" "${@:2}" "${user[@]}" bash -c \
			"$(declare -f "${recipe%% *}"); set -eo pipefail; $recipe" \
			</dev/null >"$result/stdout" 2>"$result/stderr"
	)
	echo $? >"$result/status"
	sed -E -i "$blur" "$result/stdout" "$result/stderr"
	mv "$tmp/work" "$result/files"
}

# same WAY OTHER: prints in which way two runs differ, and fails if they do
same() {
	local what status=0
	for what in status stdout stderr files; do
		diff -r --no-dereference "$tmp/$1/$what" "$tmp/$2/$what" >"$tmp/diff" && continue
		status=1
		head -n 8 "$tmp/diff" | cut -c1-200 | sed "s/^/# $what: /"
	done
	return $status
}

# seen: from a run with LD_DEBUG=bindings,files, prints the programs that have the shim, and the
# programs and libraries whose calls lead to it
seen() {
	cat "$tmp"/bindings.* | awk -v lib="$lib" '
	$2 == "calling" && $4 == lib { has = 1 }
	$2 == "initialize" { if (has) print $NF " has the shim"; has = 0 }
	$2 == "binding" && $7 == lib { print $4 " calls the shim" }' | sed 's|^[^ ]*/||' | sort -u
}

# compare NAME RECIPE SHORT-RECIPE WHAT...: runs it natively and in each mode, and compares. Runs it
# (or SHORT-RECIPE) once more to see that the shim is in use: seen() has to print each WHAT.
compare() {
	local name=$1 recipe=$2 short=$3 mode what alone
	alone=$(preload)
	run native ${alone:+"$alone"}
	run again ${alone:+"$alone"}
	what=$(cat "$tmp/native/status")
	if [ "$what" != 0 ] || ! same native again; then
		promise "$name: ends well without the shim (status $what), twice the same" false
		tail -n 20 "$tmp/native/stderr" | sed 's/^/# /'
		return
	fi
	what+=", $(wc -l <"$tmp/native/stdout") lines of stdout"
	what+=", $(wc -l <"$tmp/native/stderr") of stderr"
	what+=" and $(find "$tmp/native/files" -type f | wc -l) files"
	for mode in $modes; do
		run "$mode" "$(preload "$lib")" "PRIMESHIM_MODE=$mode"
		promise "$name, mode $mode: status $what are the same" same native "$mode"
	done
	recipe=${short:-$recipe}
	rm -f "$tmp"/bindings.*
	run traced "$(preload "$lib")" LD_DEBUG=bindings,files "LD_DEBUG_OUTPUT=$tmp/bindings"
	seen >"$tmp/seen"
	for what in "${@:4}"; do
		promise "$name: $what the shim" grep -qxF "$what the shim" "$tmp/seen"
	done
}

if [ -n "$here" ]; then
	# shellcheck source=tests/kernel/programs-guest.sh
	. "$top/tests/kernel/programs-guest.sh"
fi

# git with small windows onto its packs, so that it maps and unmaps much
git_work() {
	export GIT_AUTHOR_DATE='2020-01-02 03:04:05 +0000'
	export GIT_COMMITTER_DATE=$GIT_AUTHOR_DATE
	local set
	for set in user.name=N user.email=n@example.org core.packedGitWindowSize=64k \
		core.packedGitLimit=1m core.bigFileThreshold=1m pack.threads=1 gc.auto=0; do
		git config --global "${set%%=*}" "${set#*=}"
	done
	git init -q -b main one
	cp /usr/lib/python3.11/*.py one
	git -C one add .
	git -C one commit -q -m first
	sed -i 's/self/this/' one/[a-m]*.py
	git -C one commit -q -a -m second
	git -C one gc -q --aggressive --prune=now
	git clone -q --no-local one two
	git -C two fsck --full --strict
	git -C two log --stat --format=%H
	git -C two rev-list --objects --all
	git -C two diff HEAD~1
	# With threads no two packs are the same, but their contents are.
	git -C two -c pack.threads=2 repack -a -d -f -q
	git -C two fsck --full --strict
	git -C two cat-file --batch-all-objects --batch-check
	# Packs that several threads made, and the times and inodes of files.
	rm -rf two/.git/objects/pack one/.git/index two/.git/index
}

# What a process inherits: environment, descriptors, limits, signals and threads
given() {
	env | grep -v -e '^LD_PRELOAD=' -e '^PRIMESHIM_MODE=' -e '^_='
	find /proc/self/fd -type l -printf 'descriptor %f\n'
	ulimit -a
	# SigQ counts the signals that are queued for all of the user's processes.
	grep -e '^Sig[^Q]' -e ^Shd -e ^Threads -e ^Seccomp: /proc/self/status
}

python_tests() {
	/usr/bin/python3 -m unittest -v "$@"
}

# stress_work NAME OPERATIONS [OPTION]...,...
stress_work() {
	local each
	for each; do
		# shellcheck disable=SC2086
		set -- $each
		# It ends by the number of operations. The time limit is for a hang.
		stress-ng --verify --timeout 900 "--$1" 1 "--$1-ops" "$2" "${@:3}" || return
	done
}

# compile N: a generated program of N files, with a precompiled header (which gcc maps at the
# address that it was made at), linked by two linkers and as a whole; and python's byte code
compile() {
	local i linker
	printf '#include <%s.h>\n' stdio stdlib string math errno unistd pthread sys/mman >all.h
	for ((i = 0; i < $1; i++)); do
		awk -v u=$i 'BEGIN {
			print "#include \"all.h\""
			for (f = 0; f < 60; f++) {
				print "static double f" f "(double x, const char *s) {"
				print "char b[64]; double a[" f + 3 "];"
				print "for (int i = 0; i < " f + 3 "; i++) a[i] = sin(x*i + " u ");"
				print "snprintf(b, sizeof(b), \"%s %d %.3f\", s, " f ", a[" f "]);"
				print "switch (strlen(b) % 5) {"
				for (c = 0; c < 4; c++)
					print "case " c ": return a[" c % 3 "] * " c + f ";"
				print "} return a[" f "] + atof(b); }"
			}
			print "double unit" u "(double x) {"
			for (f = 0; f < 60; f++)
				print "x += f" f "(x, __func__) / 1e3;"
			print "return x; }"
		}' >unit$i.c
	done
	{
		echo '#include "all.h"'
		for ((i = 0; i < $1; i++)); do echo "double unit$i(double);"; done
		echo 'int main(void) { double x = 0;'
		for ((i = 0; i < $1; i++)); do echo "printf(\"%f \", x += unit$i(x));"; done
		echo 'return 0; }'
	} >main.c
	cat >Makefile <<-'END'
	OBJECTS = $(patsubst %.c,%.o,$(wildcard *.c))
	all: bfd gold whole
	CC = gcc -g -O2 -flto -ffat-lto-objects -frandom-seed=$@
	%.o: %.c all.h.gch; $(CC) -H -c $< 2>$*.used
	all.h.gch: all.h; $(CC) -x c-header all.h
	bfd gold: $(OBJECTS); gcc -fno-lto -fuse-ld=$@ -o $@ $(OBJECTS) -lm
	whole: $(OBJECTS); $(CC) -flto=2 -o $@ $(OBJECTS) -lm
	END
	make -s -j2
	grep -l '^! all.h.gch' ./*.used
	rm all.h.gch # has addresses in it
	for linker in bfd gold whole; do ./$linker; done
	# Keeps their times, which are in the byte code.
	cp -a /usr/lib/python3.11/asyncio /usr/lib/python3.11/email /usr/lib/python3.11/*.py .
	/usr/bin/python3 -m compileall -q -f -j 2 .
}

# Several threads allocate, map and unmap; $1: how much, $2...: what runs the program
threads() {
	cat >threads.py <<-'END'
	import hashlib, mmap, sys, threading
	digests = [hashlib.sha256() for _ in range(4)]
	def work(n):
	    with open("input", "rb") as file:
	        for i in range(int(sys.argv[1])):
	            with mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as part:
	                digests[n].update(part[n * i % 9999:][:4096 + i])
	            with mmap.mmap(-1, 4096 * (1 + i % 16)) as part:
	                part[-8:] = b"%8d" % i
	                digests[n].update(part[:])
	                digests[n].update(b"".join(b"%d" % (j * n) for j in range(i)))
	threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
	for thread in threads: thread.start()
	for thread in threads: thread.join()
	for digest in digests: print(digest.hexdigest())
	END
	seq 1 "$1"000 | awk '{ print $1 * 7919 % 1000003, $1 }' >input
	PYTHONMALLOC=malloc "${@:2}" /usr/bin/python3 threads.py "$1"
	"${@:2}" xz -T2 --block-size=64KiB -k input
	"${@:2}" sort --parallel=2 -S 1M input >sorted
}

# chromium as an ordinary user, in its sandbox: prints the page after its script ran, and a picture
browse() {
	cat >page.html <<-'END'
	<!DOCTYPE html><meta charset="utf-8"><title>before</title>
	<p id="p">before</p><canvas id="c" width="300" height="200"></canvas>
	<script>
	let numbers = [];
	for (let i = 0; i < 50000; i++) numbers.push(i * 7919 % 10007);
	numbers.sort((a, b) => a - b);
	document.title = "after";
	document.getElementById("p").textContent = numbers.slice(5000, 5010);
	let canvas = document.getElementById("c").getContext("2d");
	for (let i = 0; i < 200; i++) {
		canvas.fillStyle = `rgb(${i}, ${255 - i}, 90)`;
		canvas.fillRect(i, i / 2, 60, 60);
	}
	</script>
	END
	export DBUS_SESSION_BUS_ADDRESS=unix:path=/nowhere
	export DBUS_SYSTEM_BUS_ADDRESS=unix:path=/nowhere
	local page=file://$PWD/page.html
	mkdir profile
	set -- --headless --no-first-run --user-data-dir="$PWD/profile" "$@"
	if [ "${*: -1}" = --remote-debugging-port=0 ]; then
		exec chromium "$@" "$page"
	fi
	chromium "$@" --dump-dom "$page"
	chromium "$@" --screenshot="$PWD/page.png" --window-size=400,300 "$page"
	rm -rf profile .cache .config .local .pki
}

# processes SESSION: prints chromium's kinds of processes in it, how they are confined, and whether
# they have the shim
processes() {
	local dir type shim space
	for dir in /proc/[0-9]*; do
		[ "$(sed 's/.*) //' "$dir/stat" | cut -d ' ' -f 4)" = "$1" ] || continue
		# chromium sets titles, whose words have blanks between them.
		type=$(tr '\0' ' ' <"$dir/cmdline" | grep -o -e '/chromium ' -e '--type=[^ ]*')
		case $type in
		*--type=*) type=${type#*--type=} ;;
		?*) type=browser ;;
		*) continue ;;
		esac
		shim='without the shim' space='its own'
		! grep -q " $lib\$" "$dir/maps" || shim='with the shim'
		[ ! "$dir/ns/user" -ef /proc/self/ns/user ] || space='our'
		echo "$type $shim, seccomp $(sed -n 's/^Seccomp:\t//p' "$dir/status")," \
			"$space user namespace"
	done 2>/dev/null | sort -u
}

# look WAY [VARIABLE=VALUE]...: chromium shows the page; its processes go to $tmp/WAY
look() {
	local session i
	new_directory
	(
		cd "$tmp/work" || exit
		exec setsid env -i "${plain[@]}" "${@:2}" "${user[@]}" bash -c \
			"$(declare -f browse); browse --remote-debugging-port=0"
	) </dev/null >"$tmp/log" 2>&1 &
	session=$!
	: >"$tmp/$1"
	for ((i = 0; i < 240; i++)); do
		sleep 0.5
		processes $session >"$tmp/now"
		if grep -q '^renderer.*seccomp 2' "$tmp/now" && cmp -s "$tmp/now" "$tmp/$1"; then
			break
		fi
		mv "$tmp/now" "$tmp/$1"
	done
	kill -- -$session
	wait $session
	for ((i = 0; i < 50; i++)); do
		kill -KILL -- -$session || return 0
		sleep 0.1
	done
} 2>/dev/null # bash would say how it was killed

chromium_work() {
	local mode
	[ "$(id -u)" != 0 ] || user=(setpriv --reuid=65534 --regid=65534 --clear-groups)
	if ! "${user[@]}" unshare -U true 2>/dev/null; then
		echo '# skipped: chromium: ordinary users may not make user namespaces here'
		user=()
		return
	fi
	# Many of its threads say that there is no D-Bus; its start script has a number of its own.
	blur='/ERROR:dbus\//d; s/[0-9]+(: unexpected operator)/N\1/'
	compare chromium browse
	if [ "$(id -u)" != 0 ]; then
		echo "# skipped: chromium's processes: only root can look into them"
		return
	fi
	look native.processes
	promise 'chromium: natively it has a sandbox' \
		grep -q '^renderer without.* 2, its own user namespace' "$tmp/native.processes"
	sed -i 's/without the shim/with the shim/' "$tmp/native.processes"
	for mode in $modes; do
		look "$mode.processes" "$(preload "$lib")" "PRIMESHIM_MODE=$mode"
		promise "chromium, mode $mode: $(wc -l <"$tmp/native.processes") kinds of \
processes, all with the shim, are confined as natively" \
			diff "$tmp/native.processes" "$tmp/$mode.processes"
	done
	user=()
}

host_programs() {
	local each tests='test.test_mmap test.test_fcntl test.test_pty'
	compare 'a process' given '' 'env has' 'find has' 'grep calls'
	compare git git_work '' 'git calls'

	blur='s/^(Ran [0-9]+ tests) in [0-9.]+s$/\1/; s/([Cc]hild) \([0-9]+\)/\1 PID/'
	[ -z "$quick" ] || tests+=' test.test_subprocess.POSIXProcessTestCase'
	[ -n "$quick" ] || tests+=' test.test_subprocess'
	compare "python3's tests" "python_tests $tests" 'python_tests test.test_mmap' \
		'python3 calls'

	blur='s/\[[0-9]+\]/[PID]/; s/( run completed in).*/\1/'
	compare stress-ng "stress_work ${stress[*]@Q}" '' 'stress-ng calls'
	blur=''

	# Behind each allocator stands who has to call the shim. libtcmalloc_minimal does not: it
	# has an mmap and a munmap of its own.
	for each in libjemalloc.so.2=libjemalloc.so.2 libmimalloc.so.2=libmimalloc.so.2 \
		libtcmalloc_minimal.so.4=python3; do
		before=${each%=*}
		compare "threads with $before before the shim" 'threads 60' 'threads 3' \
			"${each#*=} calls" 'xz has' 'sort has'
		after=$before before=''
		compare "threads with $after after the shim" 'threads 60' 'threads 3' \
			"${each#*=} calls" 'xz has' 'sort has'
		after=''
		[ -z "$quick" ] || return
	done
	compare 'threads under valgrind' 'threads 15 valgrind -q --error-exitcode=9' '' \
		'python3 calls'
	compare 'gcc, both linkers and the byte code of python3' 'compile 24' 'compile 2' \
		'cc1 calls' 'lto1 calls' 'ld.gold calls' 'ld.bfd has' 'python3 calls'
	chromium_work
}

# As many operations as half a minute has room for. --verify checks the contents.
stress=('mmap 4 --mmap-bytes 4M' 'mremap 50 --mremap-bytes 4M' 'mmapmany 300' 'mmapaddr 300'
	'mmapfixed 20' 'mmaphuge 2' 'munmap 1' 'madvise 2' 'remap 2' 'msync 50' 'mlock 300'
	'dup 20' 'close 300' 'open 300' 'fork 200' 'vfork 200' 'clone 30' 'pthread 200'
	'malloc 300' 'stackmmap 5' 'fault 50' 'sigsegv 50' 'file-ioctl 50' 'dev-shm 2')

if [ -n "$here" ]; then
	guest_programs
else
	host_programs
fi
echo "$me: $SECONDS s, $kept passed, $broken failed"
[ $broken = 0 ] && [ $kept -gt 0 ]
