#!/bin/bash
# SPDX-License-Identifier: MIT
# Measures what primeshim costs: the instructions (exact, by callgrind) and nanoseconds that it adds
# to calls of libc, beside other preloaded objects; and what an import costs. report.awk makes
# tables of the results, and holds the counts to their limits. Times depend on the machine, and have
# no limit. The cost of mapping an import is measured in a virtual machine (maps.sh, maps.awk); its
# limit is a multiple of the exporter's mmap in the same run. So is the limit of what brackets add
# to a frame (frames.sh, frames.awk).
set -u
export LC_ALL=C
me=bench.sh
top=$(cd "$(dirname "$(readlink -f "$0")")/.." && pwd -P)
build=$top out='' quick='' most=100000 rounds=15 import_rounds=5
map_rounds=25 count_rounds=11 here='' kvm=''

usage() {
	cat <<-EOF
	Usage: $me [--quick] [--here | --kvm] [--build DIR] [--out FILE] [--help]
	Measures what primeshim costs, and holds it to its limits. Installs what it needs.

	  --quick      instructions only, and up to 10,000 imports instead of 100,000; what maps
	               take in instructions only
	  --here       maps imports on the running kernel (as root; vgem), in no virtual machine
	  --kvm        the virtual machine by KVM (default: software emulation)
	  --build DIR  where primeshim was built (default: the source directory)
	  --out FILE   writes the tables there, too
	  --help       prints this

	Exit status: 0 if all limits are kept, 1 if not, 2 for bad use or something missing.
	EOF
}

# die TEXT
die() {
	echo "$me: ${1//[$'\n\r\e']/?}" >&2
	exit 2
}

# value_of OPTION VALUE
value_of() {
	[ -n "$2" ] || die "$1 wants a value; see --help"
	case $1 in
	--build) build=$2 ;;
	--out) out=$2 ;;
	esac
}

while [ $# != 0 ]; do
	case $1 in
	--quick) quick=yes most=10000 rounds=0 count_rounds=5 ;;
	--here) here=yes ;;
	--kvm) kvm=yes ;;
	--build=* | --out=*) value_of "${1%%=*}" "${1#*=}" ;;
	--build | --out)
		value_of "$1" "${2-}"
		shift
		;;
	--help) usage && exit ;;
	*) die "unknown option $1; see --help" ;;
	esac
	shift
done
[ -d "$build" ] || die "$build is no directory"
build=$(cd "$build" && pwd -P)
# LD_PRELOAD is a list.
[[ $build != *[\ :]* ]] || die "the build directory's path has a blank or a colon: $build"
shim=$build/.libs/libprimeshim.so forwarder=$build/bench/.libs/libforwarder.so
fake=$build/tests/fake/.libs/libfake.so calls=$build/bench/calls
program=$calls # or bench/turns
for file in "$shim" "$forwarder" "$fake" "$calls" "$build"/bench/{turns,maps,frame}; do
	[ -x "$file" ] || die "$file is not there: build it first (make bench)"
done
[ -z "$out" ] || { : >>"$out"; } 2>/dev/null || die "$out cannot be written"
# shellcheck source=scripts/lib/packages.sh
. "$top/scripts/lib/packages.sh"
groups=(bench)
[ -n "$here" ] || groups+=(vm)
[ -n "$here$quick$kvm" ] || groups+=(demo demo-weston dock)
packages_need "${groups[@]}" || exit 2
tmp=$(mktemp -d) || exit 2
trap 'rm -rf "$tmp"' EXIT
mkdir "$tmp/wrapper"
facts=$tmp/facts	# what was found out, for report.awk, which says how it is written
: >"$facts"

say() {
	printf '%s: [%3d s] %s\n' "$me" $SECONDS "$1" >&2
}

# What is preloaded.
library() {
	local path
	for path in /usr/lib/*/"$1"; do
		[ ! -e "$path" ] || echo "$path"
	done | head -n 1
}
peers=(v4l2convert umockdev socket_wrapper socket_wrapper-used)
alone=(native forwarder shim "${peers[@]}" again)
declare -A preload=(
	[native]='' [again]='' [forwarder]=$forwarder [shim]=$shim
	[v4l2convert]=$(library libv4l/v4l2convert.so)
	[umockdev]=$(library libumockdev-preload.so.0)
	[socket_wrapper]=$(library libsocket_wrapper.so)
	[kernel]=$fake [imports]="$shim $fake"
)
preload[socket_wrapper-used]=${preload[socket_wrapper]}
for variant in forwarder shim "${peers[@]}"; do
	[ -n "${preload[$variant]}" ] || die "$variant is not installed"
	nm -D --defined-only "${preload[$variant]}" |
		awk -v name="$variant" '{ sub(/@.*/, "", $3); print "hooks", name, $3 }' >>"$facts"
done

# run VARIANT COMMAND...
run() {
	local more=()
	[ "$1" != socket_wrapper-used ] || more=(SOCKET_WRAPPER_DIR="$tmp/wrapper")
	env LD_PRELOAD="${preload[$1]}" "${more[@]}" "${@:2}" 2>>"$tmp/log"
}

broken() {
	tail -n 20 "$tmp/log" >&2
	die "$1 failed"
}

# cost NAME ROW IMPORTS CALLS <DUMP: callgrind's counts as facts. What the fake kernel takes is left
# out, as it stands for the kernel; how often it is entered is told.
cost() {
	awk -v name="$1" -v row="$2" -v live="$3" -v calls="$4" '
	function base(path) { sub(/.*\//, "", path); return path }
	/^ob=/ { ob = cob = base(substr($0, 4)) }
	/^fn=/ { fn = substr($0, 4) }
	/^cob=/ { cob = base(substr($0, 5)) }
	/^calls=/ { target = $2; edge = 1 }
	/^0x/ && edge {		# a call, with what was called in it
		if (cob == "libfake.so" && ob != cob) {
			fake += $NF
			entry[target] = 1
		}
		edge = 0
		cob = ob
		next
	}
	/^0x/ {			# an instruction
		all += $NF
		ran["ran " name " " row " " fn " " ob] = 1
		if (ob == "libfake.so")
			times[$1] += $NF
		if (name == "shim" && ob == "libprimeshim.so")
			ran["at " row " " substr($1, 3)] = 1
	}
	END {
		for (e in entry)
			entered += times[e]
		printf "ir %s %s %d %d %.0f %d\n", name, row, live, calls, all - fake, entered
		for (r in ran)
			print r
	}'
}

# count NAME VARIANT ARG...: runs calls under callgrind
count() {
	local row live n i=0
	say "instructions: ${*:2}"
	run "$2" valgrind --tool=callgrind --trace-children=no --collect-atstart=no \
		--toggle-collect=measured --dump-before=done --dump-instr=yes \
		--compress-strings=no --compress-pos=no --callgrind-out-file="$tmp/dump" \
		"$program" count "${@:3}" >"$tmp/lines" || broken "valgrind: ${*:2}"
	while read -r row live n; do
		i=$((i + 1))
		cost "$1" "$row" "$live" "$n" <"$tmp/dump.$i" >>"$facts" || exit 2
	done <"$tmp/lines"
	rm -f "$tmp"/dump*
}

# clock NAME VARIANT ARG...
clock() {
	run "$2" "$program" time "${@:3}" >"$tmp/lines" || broken "$*"
	awk -v name="$1" -v round="$round" '{ print "ns", name, $1, $2, round, $4 }' \
		"$tmp/lines" >>"$facts"
}

# turns HOW: counts or clocks frames, by the number of mapped imports
turns() {
	local mapped frame variant
	program=$build/bench/turns
	for mapped in 1 10 100 1000; do
		for frame in list file one idle; do
			for variant in kernel imports; do
				"$1" $variant $variant frame-$frame $mapped
			done
		done
		"$1" kernel kernel frame-calls $mapped
	done
	program=$calls
}

# look PID: bytes mapped and touched in private anonymous mappings; descriptors; bytes of address
# space that are PROT_NONE
look() {
	awk '/^[0-9a-f]+-/ { ours = $2 ~ /p$/ && $5 == 0; none = ours && $2 ~ /^---/ }
	     ours && /^Size:/ { if (none) reserved += $2; else mapped += $2 }
	     ours && /^Anonymous:/ { touched += $2 }
	     END { printf "%d %d %d ", reserved * 1024, mapped * 1024, touched * 1024 }' \
		"/proc/$1/smaps"
	find "/proc/$1/fd" -mindepth 1 | wc -l
}

# weigh VARIANT: it stands still at each line until it is answered
weigh() {
	local label pid n=0
	say "memory: $1"
	mkfifo "$tmp/answers" "$tmp/places"
	LD_PRELOAD=${preload[$1]} "$calls" count memory $most <"$tmp/answers" >"$tmp/places" &
	pid=$!
	exec 8>"$tmp/answers" 9<"$tmp/places"
	while read -r -u 9 label _; do
		echo "weight $1 $label $(look $pid)" >>"$facts"
		n=$((n + 1))
		echo >&8
	done
	exec 8>&- 9<&-
	rm "$tmp/answers" "$tmp/places"
	if ! wait $pid || [ $n != 3 ]; then broken "memory: $1"; fi
}

# maps CLOCK ROUNDS [COMMAND...]: prints the facts of imports on a real kernel, as seen by COMMAND
maps() {
	say "maps on a real kernel: $1"
	(cd "$build" && "${@:3}" "$top/bench/maps.sh" "$1" "$2" ${quick:+quick}) \
		2>>"$tmp/log" || broken maps.sh
}

# frames CLOCK ROUNDS [COMMAND...]: the same of frames
frames() {
	say "frames on a real kernel: $1"
	(cd "$build" && "${@:3}" "$top/bench/frames.sh" "$1" "$2") 2>>"$tmp/log" || broken frames.sh
}

# desktop NAME OPTION...: the same of a compositor, in a virtual machine with these options
desktop() {
	say "frames of $1"
	(cd "$build" && "$top/scripts/vm.sh" --memory 2048 "${@:2}" -- "$top/bench/desktop.sh" \
		emulated 20 "$1") 2>>"$tmp/log" >>"$facts" || broken "desktop.sh $1"
}

# report PART
report() {
	local status=0
	awk -v part="$1" -v most=$most -v quick="$quick" -v rounds=$rounds \
		-v import_rounds=$import_rounds -f "$top/bench/median.awk" \
		-f "$top/bench/report.awk" "$facts" || status=$?
	awk -v part="$1" -f "$top/bench/median.awk" \
		-f "$top/bench/maps.awk" "$facts" || status=$?
	awk -v part="$1" -f "$top/bench/median.awk" \
		-f "$top/bench/frames.awk" "$facts" || status=$?
	awk -v part="$1" -f "$top/bench/desktop.awk" "$facts" || status=$?
	return $status
}

vm=("$top/scripts/vm.sh")
if [ -n "$here" ]; then
	maps time $map_rounds >>"$facts"
elif [ -n "$kvm" ]; then
	maps time $map_rounds "${vm[@]}" --device cirrus-vga --kvm -- >>"$facts"
	frames time $map_rounds "${vm[@]}" --device cirrus-vga --kvm -- >>"$facts"
else
	maps instructions $count_rounds "${vm[@]}" --device cirrus-vga --icount -- >>"$facts"
	[ -n "$quick" ] || maps emulated $map_rounds "${vm[@]}" --device cirrus-vga -- \
		>"$tmp/emulated"
	# The system calls are there already.
	[ -n "$quick" ] || grep '^map ' "$tmp/emulated" >>"$facts"
	frames instructions $count_rounds "${vm[@]}" --device cirrus-vga --icount -- >>"$facts"
	[ -n "$quick" ] || frames emulated $map_rounds "${vm[@]}" --device cirrus-vga -- \
		>"$tmp/emulated"
	if [ -z "$quick" ]; then
		grep '^frame ' "$tmp/emulated" >>"$facts"
		desktop sway --device virtio-gpu-pci
		desktop weston --kernel 6.1 --device cirrus-vga
	fi
fi
for variant in "${alone[@]}"; do
	count "$variant" "$variant" rows
done
objdump -d --no-show-raw-insn "$shim" | sed -n 's/^ *\([0-9a-f]*\):\t/code \1 /p' >>"$facts"
for variant in kernel imports; do
	count $variant-1 $variant rows 1
	count $variant-mapped $variant rows 1 1
	count $variant $variant imports $most
	weigh $variant
done
turns count
for ((round = 1; round <= rounds; round++)); do
	say "nanoseconds: round $round of $rounds"
	for variant in "${alone[@]}"; do
		clock "$variant" "$variant" rows
	done
	for variant in kernel imports; do
		clock $variant-threads $variant threads
		clock $variant-1 $variant rows 1
		clock $variant-mapped $variant rows 1 1
		[ $round -gt $import_rounds ] || clock $variant $variant imports $most
	done
	[ $round -gt $import_rounds ] || turns clock
done
{
	sed -n 's/^model name[^:]*: */machine Processor: /p' /proc/cpuinfo | head -n 1
	echo "machine $(nproc) processors, Linux $(uname -r | sed 's/-.*//') $(uname -m)"
	echo "machine $(getconf GNU_LIBC_VERSION), $(valgrind --version)"
} >>"$facts"
say 'the end'

report tables >"$tmp/tables" || exit 2
[ -z "$out" ] || cp "$tmp/tables" "$out" || exit 2
cat "$tmp/tables"
echo
report promises
