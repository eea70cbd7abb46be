#!/bin/bash
# SPDX-License-Identifier: MIT
# The whole test suite: from a clean build to real kernels in virtual machines.
set -u
me=check.sh
top=$(cd "$(dirname "$(readlink -f "$0")")/.." && pwd -P)
# shellcheck source=scripts/lib/packages.sh
. "$top/scripts/lib/packages.sh"
# shellcheck source=scripts/lib/record.sh
. "$top/scripts/lib/record.sh"
groups=(build test analyze abi vm vm-gpu vm-arm emulation arm64 armhf i386 riscv64 s390x
	demo demo-gstreamer demo-weston direct trace audit package programs bench)
here='' watch='' kvm='' quick='' all_of_it='' resume='' quick_minutes=4
source=$top/build-check/source build=$top/build-check/build record=$top/build-check/record

usage() {
	cat <<-EOF
	Usage: $me [--quick | --all] [--here] [--kvm] [--resume] [--help]
	Builds primeshim from clean and tests it: the unit tests, also under valgrind; the fuzzer;
	the object built by clang, for musl, i386, arm64, armhf, riscv64 and s390x; what Debian's
	Mesa and libdrm import; the Debian packages in a fresh root; real programs with and without
	the shim; what imports do on real Debian kernels in virtual machines; the demonstration.
	Installs the packages that it needs.

	  --quick  leaves out what needs virtual machines or more packages than a build
	  --all    adds what takes longer: the fuzzer's million steps with sanitizers, all of the
	           real programs, the benchmark, the demonstration's rows on GPUs in name only
	  --here   tests the running kernel instead of virtual machines (as root; vgem and cirrus)
	  --kvm    virtual machines by KVM (default: software emulation)
	  --resume goes on with a run that was interrupted or failed: leaves out the steps that
	           succeeded then, if the options and the source tree are the same
	  --help   prints this

	The last line counts the promises that were kept. Exit status: 0 if all were kept, 1 if not,
	2 for bad use or something missing.
	EOF
}

for arg in "$@"; do
	case $arg in
	--quick) quick=yes ;;
	--all) all_of_it=yes ;;
	--here) here=yes ;;
	--kvm) kvm=--kvm ;;
	--resume) resume=yes ;;
	--help) usage && exit ;;
	*) echo "$me: unknown option $arg; see --help" >&2 && exit 2 ;;
	esac
done
[ -z "$quick$all_of_it" ] || [ "$quick" != "$all_of_it" ] ||
	{ echo "$me: --quick and --all exclude each other; see --help" >&2 && exit 2; }
options="$quick,$all_of_it,$here,$kvm"
if [ -n "$resume" ] && lacks=$(record_lacks "$options" "$top"); then
	echo "$me: $lacks: all steps are run"
	resume=''
fi
[ -z "$quick" ] || groups=(build test analyze)
[ -z "$all_of_it" ] || groups+=(dock demo-dock programs-all programs-guest)
packages_need "${groups[@]}" || exit 2

# end PID: ends all that it has started, but for the watch; a signal to this script alone would
# leave them behind
# shellcheck disable=SC2317
end() {
	local child children=()
	read -ra children 2>/dev/null <"/proc/$1/task/$1/children"
	for child in "${children[@]}"; do
		[ "$child" != "$watch" ] || continue
		end "$child"
		kill "$child" 2>/dev/null
	done
}

# watch: when no step has said anything for so long, tells what runs, and ends it; steps that come
# after it are tried. Without it a test that hangs would leave no word of which it is.
watch() {
	local watch=$BASHPID newest
	while sleep 20; do
		newest=$(find "$tmp" -type f -printf '%T@\n' | sort -n | tail -n 1)
		[ $(($(date +%s) - ${newest%.*})) -ge $silence ] || continue
		echo "$me: nothing was said for $((silence / 60)) minutes. This runs:"
		ps -o pid,etime,args --forest -s "$(ps -o sid= -p $$ | tr -d ' ')" | cut -c 1-160
		promise "a step goes on" 1
		end $$
	done
}

# shellcheck disable=SC2317
clean_up() {
	# A child of bash that is killed early still has these traps.
	[[ $BASHPID = "$$" ]] || return
	[ -z "$watch" ] || kill "$watch" 2>/dev/null
	end $$
	rm -rf "$tmp"
}

lane='' # what runs beside the rest, a process group
silence=1200 # seconds without a word from any step, after which something hangs
counting='' steps=0 # how many there are, counted before the first
tmp=$(mktemp -d) || exit 2
trap clean_up EXIT
# vm.sh exits by itself at Ctrl-C, and bash would go on to the next step.
trap 'echo "$me: interrupted; --resume goes on from here" >&2; exit 130' INT
all=$tmp/all
: >"$all"
: >"$tmp/begun"

# speed: prints how much longer than on the usual machine, in thousandths, two compilers take at
# once: now, and if they had the processors to themselves. The usual machine has two processors, and
# takes a second.
speed() {
	local TIMEFORMAT='%3R %3U %3S'
	awk 'BEGIN { for (i = 0; i < 200; i++) print \
		"double f" i "(double x, int n) { double a[64];" \
		"for (int i = 0; i < n; i++) a[i & 63] = x * i + a[(i + " i ") & 63];" \
		"return a[n & 63] + (n > " i " ? x / n : x * n); }" }' >"$tmp/speed.c"
	{
		time {
			gcc -O2 -c -o "$tmp/speed1.o" "$tmp/speed.c" &
			gcc -O2 -c -o "$tmp/speed2.o" "$tmp/speed.c" &
			wait
		}
	} 2>"$tmp/speed"
	awk -v all="$(nproc)" '{
		quiet = ($2 + $3) / (all < 2 ? 1 : 2)
		printf "%d %d\n", ($1 > quiet ? $1 : quiet) * 1000, quiet * 1000
	}' "$tmp/speed"
}

# foretell: prints how long it will take
foretell() {
	local usual=20 now quiet busy='' more=', and what is fetched the first time'
	[ -z "$quick" ] || usual=$quick_minutes more=''
	[ -z "$resume" ] || more+='; less what was done before'
	[ -z "$all_of_it" ] || more+='; --all adds an hour or more'
	read -r now quiet < <(speed)
	[ $((now * 10)) -lt $((quiet * 13)) ] ||
		busy=", or $(((usual * now + 999) / 1000)) if it stays as busy as it is now"
	echo "$me: about $usual minutes on two quiet processors; here about" \
		"$(((usual * quiet + 999) / 1000))$busy$more"
}

# say TEXT: prints that a step begins, and how many there are, if they have been counted
say() {
	local begun
	echo >>"$tmp/begun"
	begun=$(wc -l <"$tmp/begun")
	printf '%s: [%3d s] step %d of %d: %s\n' "$me" $SECONDS "$begun" "$steps" "$1"
}

# count: are steps only counted now?
count() {
	[ -z "$counting" ] || echo >>"$tmp/counted"
	[ -n "$counting" ]
}

# go DIRECTORY: the next steps run there
go() {
	[ -n "$counting" ] || cd "$1" || { promise "there is $1" 1 && return 1; }
}

# promise TEXT STATUS
promise() {
	if [ "$2" = 0 ]; then echo "ok - $1"; else echo "not ok - $1"; fi | tee -a "$all"
}

# skip TEXT: a step that exited with 77, since it cannot be done here and now
skip() {
	echo "skipped - $1" | tee -a "$all"
}

# done_before TEXT: did that step succeed in the run that is resumed? What it promised counts.
done_before() {
	local file
	file=$(record_file "$1")
	[ -n "$resume" ] && [ -e "$file" ] || return
	say "$1: done before"
	cat "$file" >>"$all"
}

# step TEXT COMMAND...: shows the command's output only if it fails
step() {
	local status log=$tmp/log.$BASHPID
	! count || return 0
	! done_before "$1" || return 0
	say "$1"
	("${@:2}") >"$log" 2>&1
	status=$?
	[ $status = 0 ] || tail -n 60 "$log"
	if [ $status = 77 ]; then
		skip "$1"
		return 77
	fi
	promise "$1" $status
	[ $status != 0 ] || { echo "ok - $1" >"$log" && record_step "$1" "$log"; }
	return $status
}

# guest TEXT COMMAND...: a command that prints "ok" and "not ok" lines, which count
guest() {
	local status said=$tmp/said.$BASHPID
	! count || return 0
	! done_before "$1" || return 0
	say "$1"
	"${@:2}" 2>&1 | tee "$said" | tee -a "$all"
	status=${PIPESTATUS[0]}
	case $status in
	77) skip "$1" ;;
	*) promise "$1: ran to its end" "$status" ;;
	esac
	[ "$status" != 0 ] || grep -q '^not ok - ' "$said" ||
		{ echo "ok - $1: ran to its end" >>"$said" && record_step "$1" "$said"; }
}

# seen TEXT COMMAND...: shows the command's output, which does not count
seen() {
	local status
	! count || return 0
	! done_before "$1" || return 0
	say "$1"
	"${@:2}" | tee "$tmp/seen"
	status=${PIPESTATUS[0]}
	promise "$1" "$status"
	[ "$status" != 0 ] || { echo "ok - $1" >"$tmp/seen" && record_step "$1" "$tmp/seen"; }
}

finish() {
	local passed failed skipped begun
	[ -z "$lane" ] || wait "$lane"
	# If a step is missing that no line reported as skipped, something is wrong.
	begun=$(wc -l <"$tmp/begun")
	grep -q '^not ok - \|^skipped - ' "$all" || [ "$begun" = "$steps" ] ||
		promise "all of the $steps steps were begun: $begun" 1
	passed=$(grep -c '^ok - ' "$all")
	failed=$(grep -c '^not ok - ' "$all")
	skipped=$(grep -c '^skipped - ' "$all")
	grep '^not ok - \|^skipped - ' "$all"
	printf '%s: [%3d s] the end\n' "$me" $SECONDS
	echo "$passed passed, $failed failed, $skipped skipped"
	[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
	exit
}

# copy_source: copies the source without what was built in place, which would be in the way of a
# build elsewhere
# shellcheck disable=SC2317
copy_source() {
	rm -rf "$top/build-check"
	mkdir -p "$source" "$build" &&
		tar -C "$top" --exclude=./.git --exclude=./build --exclude=./build-check -cf - . |
		tar -C "$source" -xf - && cd "$source" || return
	[ ! -e Makefile ] || make distclean || return
	record_begin "$options"
}

# promises: prints how many unit tests ran, and what the shell tests promised
promises() {
	[ -n "$counting" ] ||
		cat "$build"/tests/*/*.log | grep -E '^(ok|not ok|[0-9]+%:)' | tee -a "$all"
}

# shellcheck disable=SC2317
lint() {
	shellcheck -x bench/*.sh scripts/*.sh scripts/*/*.sh tests/*/*.sh "$build"/scripts/*.sh
}

# build_and_check: all steps that need only a build
build_and_check() {
	step 'a clean copy of the source' copy_source || return
	step 'autoreconf' autoreconf -fi "$source" || return
	go "$build" || return
	step 'configure, with warnings as errors' "$source/configure" --enable-werror || return
	step 'make' make -j2 || return
	step 'make check' make -j2 check
	promises
	step 'make analyze' make analyze
	[ -z "$all_of_it" ] || step 'make fuzz' make fuzz
	# Only with the tests that read other files of the tree: make check has run all tests.
	step 'make distcheck' make -j2 distcheck DISTCHECK_CONFIGURE_FLAGS=--enable-werror \
		TESTS='tests/source/exports.sh tests/source/tables.sh tests/source/android.sh
			tests/source/man.sh tests/source/completions.sh tests/process/drivers.sh
			tests/cli/status.sh tests/cli/trace.sh tests/cli/settings.sh
			tests/cli/launcher-more.sh tests/source/links.sh'
	go "$source" || return
	step 'shellcheck' lint
}

# other NAME OPTION...: builds and tests with another compiler, or for another ABI of this machine
# shellcheck disable=SC2317
other() {
	# A line's end in a variable of make would end the recipe that uses it.
	local programs=(tests/fuzz/{caches,faults,fuzz} tests/lib/status-client
		tests/process/{brackets,drivers,trap,waits})
	local tests=(tests/source/exports.sh tests/process/{hooked,drivers,brackets,trap}.sh
		tests/cli/status.sh tests/fuzz/fuzz.sh)
	mkdir -p "$top/build-check/$1" && cd "$top/build-check/$1" &&
		"$source/configure" --enable-werror "${@:2}" &&
		make libprimeshim.la tests/fake/libfake.la &&
		STATUS_TOOL=$build/tools/primeshim make check noinst_PROGRAMS= \
			check_PROGRAMS="${programs[*]}" TESTS="${tests[*]}"
}

# others NAME OPTION...
others() {
	step "built for $1: exports, every hooked call, every driver, the fuzzer" other "$@"
	[ -n "$counting" ] || grep -h '^ok' "$top/build-check/$1"/tests/*/*.log |
		sed "s/^ok - /ok - $1: /" | tee -a "$all"
}

# musl_i386: makes a compiler for Debian's musl for i386, whose own does not run here
# shellcheck disable=SC2317
musl_i386() {
	local root=$top/build-check/musl-root
	# shellcheck source=scripts/lib/debian.sh
	. "$top/scripts/lib/debian.sh" && debian_unpack bookworm i386 "$root" musl-dev || return
	ln -s ../../../lib/i386-linux-musl/libc.so "$root/usr/lib/i386-linux-musl"
	sed -e "s|/usr/|$root/usr/|g" -e "s|^-dynamic-linker |-m elf_i386 -dynamic-linker $root|" \
		"$root/usr/lib/i386-linux-musl/musl-gcc.specs" >"$root/specs" || return
	printf '#!/bin/sh\nexec gcc -m32 "-specs=%s" "$@"\n' "$root/specs" >"$root/musl-gcc" &&
		chmod +x "$root/musl-gcc"
}

# emulated ARCHITECTURE [OPTION]: builds for it, and tests by QEMU's user mode
emulated() {
	local dir=$top/build-check/cross-$1${2:+-time64}
	step "built for $1${2:+, 64-bit time}" "$source/scripts/build-for.sh" "${some[@]}" "$1" \
		"$dir" "CPPFLAGS=${2-}" || return
	go "$dir" || return
	CPPFLAGS=${2-} guest "$1${2:+, 64-bit time} by emulation" \
		"$source/tests/kernel/machine.sh" "$1" ${all_of_it:+--long}
}

# etnaviv ARCHITECTURE OPTION...: tests the driver in a virtual machine
etnaviv() {
	go "$top/build-check/cross-$1" || return
	guest "etnaviv: --arch $*" "$top/scripts/vm.sh" --gpu etnaviv --arch "$@" -- \
		"$source/tests/kernel/kernel-etnaviv.sh"
}

# gpu NAME [OPTION...]: tests the real driver of a GPU in name only, in a virtual machine. Call it
# in the build directory of the driver's architecture.
gpu() {
	guest "--gpu $*" "$top/scripts/vm.sh" --gpu "$@" -- \
		"$source/tests/kernel/kernel-gpu.sh" "$1"
}

# vulkan NAME TURNS: Mesa's Vulkan there, of Debian 13, on a machine whose DMA is not coherent
vulkan() {
	guest "Vulkan on --gpu $1" "$top/scripts/vm.sh" --gpu "$1" --release trixie \
		--append swiotlb=force -- "$source/tests/kernel/kernel-vulkan.sh" "$@"
}

# gpus_arm64: nouveau, which raises SIGBUS; with --all the other drivers as well
gpus_arm64() {
	local name
	go "$top/build-check/cross-arm64" || return
	gpu nouveau
	[ -n "$all_of_it" ] || return 0
	for name in msm panfrost v3d lima tegra vc4; do
		gpu $name
		# Bounced: an import of any size is one piece, and DMA is not coherent.
		[ $name = tegra ] || gpu $name --append swiotlb=force
	done
	for name in nouveau msm panfrost v3d lima tegra vc4; do
		gpu $name --kernel 6.1
	done
	# A turn takes one job's hanging or two: seconds.
	for name in panfrost v3d; do
		vulkan $name 200
	done
}

# portability: other compilers, ABIs and machines. Runs beside the rest, on a core of its own.
portability() {
	local headers arch some=(--quick)
	[ -z "$all_of_it" ] || some=()
	headers="-idirafter /usr/include -idirafter /usr/include/$(gcc -print-multiarch)"
	others i386 CC='gcc -m32' CPPFLAGS="$headers"
	guest 'programs of two ABIs' "$source/tests/process/mixed.sh" "$build" \
		"$top/build-check/i386"
	others musl CC=musl-gcc CPPFLAGS="$headers"
	step "musl's compiler for i386" musl_i386 &&
		others musl-i386 CC="$top/build-check/musl-root/musl-gcc" CPPFLAGS="$headers"
	others clang CC=clang
	[ -z "$here" ] || return 0
	for arch in arm64 armhf; do
		step "built for $arch" "$source/scripts/build-for.sh" "${some[@]}" $arch \
			"$top/build-check/cross-$arch" &&
			etnaviv $arch --device virtio-gpu-pci
	done
	gpus_arm64
	emulated armhf '-D_FILE_OFFSET_BITS=64 -D_TIME_BITS=64'
	for arch in arm64 armhf i386 riscv64 s390x; do
		emulated $arch
	done
	[ -n "$all_of_it" ] || return 0
	etnaviv arm64 --kernel 6.1
	etnaviv armhf --kernel 6.1
	etnaviv arm64 --system-heap
	for arch in arm64 armhf; do
		go "$top/build-check/cross-$arch" || return
		guest "$arch" "$top/scripts/vm.sh" --arch $arch -- "$source/tests/kernel/machine.sh"
	done
}

# the_rest: all steps that need virtual machines or packages
the_rest() {
	go "$build" || return
	local short=(--quick) package=() vm name
	[ -z "$all_of_it" ] || short=() package=(--vm)
	guest 'what it costs' make bench BENCH_FLAGS="${short[*]} $kvm ${here:+--here}"
	if [ -n "$counting" ]; then
		portability
	else
		set -m
		portability &
		lane=$!
		set +m
	fi
	guest 'the imports of Mesa and libdrm' "$top/scripts/audit.sh"
	guest 'that audit can fail' "$top/tests/source/audit.sh"
	guest 'the Debian packages' "$top/tests/source/package.sh" "${package[@]}"
	guest 'real programs' "$top/scripts/programs.sh" --lib "$build/.libs/libprimeshim.so" \
		"${short[@]}"

	if [ -n "$here" ]; then
		guest 'the running kernel' "$top/tests/kernel/kernel.sh"
		step 'the demonstration' "$top/scripts/demo.sh" --here --out "$tmp/pictures"
		return
	fi
	vm=("$top/scripts/vm.sh" --device cirrus-vga --device virtio-gpu-pci)
	[ -z "$kvm" ] || vm+=("$kvm")
	guest 'kernel 6.12' "${vm[@]}" --kernel 6.12 -- "$top/tests/kernel/kernel.sh"
	guest 'the fake kernel against 6.12' "${vm[@]}" --kernel 6.12 -- \
		"$top/tests/kernel/conform.sh"
	# shellcheck disable=SC2016
	guest 'kernel 6.12, the status file and primeshim' "${vm[@]}" --kernel 6.12 -- \
		sh -c 'for part in status ab trace sandbox session; do "$0/kernel-$part.sh"; done' \
		"$top/tests/kernel"
	guest 'kernel 6.1' "${vm[@]}" --kernel 6.1 -- "$top/tests/kernel/kernel.sh"
	guest 'kernel 6.12, whose DMA is not coherent' "${vm[@]}" --kernel 6.12 \
		--append swiotlb=force -- "$top/tests/kernel/kernel-sync.sh"
	guest 'kernel 6.12, dma-bufs that programs map themselves' "$top/scripts/vm.sh" \
		--kernel 6.12 --append swiotlb=force --device virtio-gpu-pci -- \
		"$top/tests/kernel/kernel-direct.sh"
	guest 'kernel 6.12, mappings kept warm, in instructions' "$top/scripts/vm.sh" \
		--kernel 6.12 --icount --device cirrus-vga -- \
		"$top/tests/kernel/kernel-warm.sh"
	guest 'kernel 6.1, mappings kept warm' "${vm[@]}" --kernel 6.1 -- \
		"$top/tests/kernel/kernel-warm.sh"
	guest 'kernel 6.12, frames that are drawn late' "${vm[@]}" --kernel 6.12 -- \
		"$top/tests/kernel/kernel-frames.sh" vgem cirrus
	gpu i915
	if [ -n "$all_of_it" ]; then
		for name in amdgpu vkms evdi radeon; do
			gpu $name
		done
		guest 'evdi, frames that are drawn late' "$top/scripts/vm.sh" --gpu evdi -- \
			"$top/tests/kernel/kernel-frames.sh" evdi
		guest 'sway with a dock' "$top/scripts/vm.sh" --gpu evdi --gpu vkms \
			--device virtio-gpu-pci --memory 3072 -- "$top/tests/kernel/kernel-dock.sh"
		gpu nouveau_pci --gpu i915
		gpu i915_gen9
		gpu xe
		guest 'xe and amdgpu, memory that moves or goes' "$top/scripts/vm.sh" \
			--gpu amdgpu --gpu xe -- "$top/tests/kernel/kernel-moved.sh"
		gpu evdi12 --gpu vkms --kernel 6.1
		guest 'a GPU that does not come up' "$top/tests/kernel/gpu-fails.sh"
	fi
	guest 'kernel 6.12, radeon' "${vm[@]}" --kernel 6.12 --gpu radeon -- \
		"$top/tests/kernel/kernel-radeon.sh"
	if [ -n "$all_of_it" ]; then
		guest 'kernel newest' "${vm[@]}" --kernel newest -- "$top/tests/kernel/kernel.sh"
		step 'docs/matrix.md is still so' "$top/scripts/docs/matrix.sh" --check
	fi
	[ -z "$all_of_it" ] || guest 'real programs on devices' "$top/scripts/programs.sh" --guest \
		--lib "$build/.libs/libprimeshim.so"
	# shellcheck disable=SC2086
	seen 'the demonstration' "$top/scripts/demo.sh" $kvm ${all_of_it:+--all} \
		--out "$tmp/pictures"
}

suite() {
	build_and_check && { [ -n "$quick" ] || the_rest; }
}

foretell
counting=yes
suite
counting='' steps=$(wc -l <"$tmp/counted")
watch &
watch=$!
suite
finish
