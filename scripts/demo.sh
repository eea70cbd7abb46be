#!/bin/bash
# SPDX-License-Identifier: MIT
# The demonstration: installs missing packages, builds, boots stock Debian kernels in virtual
# machines, and runs unmodified programs there natively and with the shim. Prints a table, and
# writes a directory of pictures. tests/kernel/demo-guest.sh is the part that runs in the machines.

export LC_ALL=C
me=demo.sh
source=$(realpath -- "$0") && source=${source%/*/*}
# shellcheck source=scripts/lib/packages.sh
. "$source/scripts/lib/packages.sh" || exit 2
# shellcheck source=scripts/lib/build.sh
. "$source/scripts/lib/build.sh" || exit 2

out=demo-pictures quick='' here='' resume='' kvm=()

# The rows of the table: a name for the files, the program, importer <- exporter, the kernel. arm64
# is 6.12 for arm64, on a machine whose DMA is not coherent with the caches.
rows=(
	'egl-vgem|dmabuf-texture|vgem <- udmabuf|6.12'
	'egl-cirrus|dmabuf-texture|cirrus <- udmabuf|6.12'
	'gstreamer|gst-launch-1.0|cirrus <- vivid|6.12'
	'radeon|SIGBUS on TTM (radeon)|radeon <- udmabuf|6.12'
	'weston|weston|cirrus <- vgem|6.1'
	'etnaviv|libdrm_etnaviv|etnaviv <- udmabuf|arm64'
	'etnaviv-gbm|gbm_bo_map of Mesa|etnaviv <- udmabuf|arm64'
)

usage() {
	cat <<-EOF
	Usage: $me [options]
	Shows on this machine, without a GPU, what primeshim does: programs that crash when they use
	the CPU mapping of an imported dma-buf draw the right picture with the shim. Installs
	missing Debian packages (by sudo, unless you are root), builds in the directory build, and
	runs programs in virtual machines with stock Debian kernels, natively and with the shim.
	On two quiet processors the first row comes within two minutes, and all within five. It
	downloads up to 650 MB, and 250 MB for --quick. Each step says how long it usually takes.

	Options (--OPTION VALUE or --OPTION=VALUE):
	  --quick    only the first row: one small EGL program
	  --here     no virtual machine: runs the programs on the devices of this machine, and
	             leaves out those for which a device is missing
	  --out DIR  where pictures and logs go (default: $out)
	  --resume   keeps the rows that an interrupted run with the same DIR has completed, if the
	             object is the same; what was installed, fetched and built is kept in any case
	  --kvm      uses KVM for the virtual machines (default: software emulation)
	  --help     prints this

	Then DIR has for each row NAME-put-in.png, NAME-shim.png, and NAME-native.png if the program
	made a picture; NAME-native.log and NAME-shim.log, the output of the programs and the shim;
	and NAME-brackets.txt, how many STARTs and ENDs the kernel counted in each process.

	Exit status: 0 if all is as promised; 1 if not, or if it works natively, which shows
	nothing; 2 for bad use or something missing

	Example:
	  $me --quick --out /tmp/pictures
	EOF
}

# die TEXT
die() {
	echo "$me: $1" >&2
	exit 2
}

# step [TEXT]: prints TEXT or the lines of stdin, with the time that has passed
step() {
	local line
	if [ $# -gt 0 ]; then
		printf '[%3d s] %s\n' $SECONDS "$1"
		return
	fi
	while IFS= read -r line; do
		printf '[%3d s] %s\n' $SECONDS "$line"
	done
}

# begin SECONDS LOG TEXT: says what is done and how long that usually takes, and every 10 seconds
# how it goes on, by the last line of the file LOG, until "done_with"
begin() {
	local usual=$1 log=$2 began=$SECONDS
	step "$3 (usually $usual s)"
	while sleep 10; do
		printf '[%3d s]     %d s of about %d: %s\n' $SECONDS $((SECONDS - began)) \
			"$usual" "$(tail -n 1 "$log" 2>/dev/null | tr -d '\000-\037' | cut -c 1-70)"
	done &
	beat=$!
}

done_with() {
	kill "$beat"
	wait "$beat" 2>/dev/null
	beat=''
}

# work SECONDS LOG TEXT COMMAND...: does that, with its output in LOG. Fails as COMMAND does.
work() {
	local status
	begin "$1" "$out/$2" "$3"
	"${@:4}" >"$out/$2" 2>&1
	status=$?
	done_with
	return $status
}

# install GROUP...: installs what is missing of them
install() {
	local missing
	missing=$(packages_missing "$@" 2>/dev/null | wc -l)
	[ "$missing" != 0 ] || return 0
	# A password is asked for here, and not in the log.
	[ "$(id -u)" = 0 ] || ! command -v sudo >/dev/null || sudo -n true 2>/dev/null ||
		sudo -v || die 'sudo refuses'
	work 25 packages.log "Installing $missing packages and what they need" \
		packages_need "$@" && return
	tail -n 5 "$out/packages.log" >&2
	die "packages are missing; see $out/packages.log"
}

# build_some TARGET...: builds these alone
# shellcheck disable=SC2317
build_some() {
	build_configure "$source" && make -j"$(nproc)" "$@"
}

# machine KERNEL NAME...: sets $machine to the options of vm.sh for that kernel and these rows, and
# $directory to where what runs there is built
machine() {
	machine=("${kvm[@]}" --kernel "$1" --device cirrus-vga) directory=$build
	[[ " $* " != *' radeon '* ]] || machine+=(--gpu radeon)
	[ "$1" != arm64 ] ||
		machine=(--gpu etnaviv --append swiotlb=force) directory=$source/build-arm64
}

# provide NAME COMMAND...: does in the background what a virtual machine waits for; the one that
# runs now comes first
# shellcheck disable=SC2317
provide() {
	nice -n 10 "${@:2}" >"$out/$1.log" 2>&1
	echo $? >"$tmp/$1"
}

# provide_all KERNEL...: the kernel of the first row, or those of the others, with all they need
provide_all() {
	local kernel machine directory
	for kernel; do
		# shellcheck disable=SC2046
		machine "$kernel" $(rows_of "$kernel" "${todo[@]}")
		provide "fetch-$kernel" "$source/scripts/vm.sh" "${machine[@]}" --fetch
		[ "$kernel" != arm64 ] || provide build-arm64 \
			"$source/scripts/build-for.sh" --demo arm64 "$directory"
	done
}

# beside COMMAND...: runs it in a process group of its own, which the end of this script ends
beside() {
	set -m
	"$@" &
	lanes+=($!)
	set +m
}

# provided NAME: waits for what is done in the background
# shellcheck disable=SC2317
provided() {
	until [ -s "$tmp/$1" ]; do
		kill -0 "${lanes[-1]}" 2>/dev/null || [ -s "$tmp/$1" ] || return
		sleep 0.2
	done
	return "$(cat "$tmp/$1")"
}

# await SECONDS NAME TEXT
await() {
	[ ! -s "$tmp/$2" ] || [ "$(cat "$tmp/$2")" != 0 ] || return 0
	work "$1" "wait-$2.log" "$3" provided "$2" && return
	tail -n 5 "$out/$2.log" >&2
	die "$3: it failed; see $out/$2.log"
}

# rows_of KERNEL NAME...: prints those of the names whose row has that kernel
rows_of() {
	local row name
	for row in "${rows[@]}"; do
		for name in "${@:2}"; do
			[ "${row%%|*}|${row##*|}" != "$name|$1" ] || echo "$name"
		done
	done
}

# boot KERNEL NAME...: runs these rows in a virtual machine with that kernel
boot() {
	local kernel=$1 machine directory status usual
	machine "$@"
	shift
	usual=$((10 + $# * 20))
	[ "$*" != weston ] || usual=60
	cd "$directory" || return
	begin $usual "$out/vm-$kernel.log" "Booting Linux $kernel for: $*"
	"$source/scripts/vm.sh" "${machine[@]}" --out "$out" -- \
		"$source/tests/kernel/demo-guest.sh" "$directory" "$out" "$@" \
		2>"$out/vm-$kernel.log" | step
	status=${PIPESTATUS[0]}
	done_with
	case $status in
	0) ;;
	2) die "the virtual machine cannot be started: $(tail -n 1 "$out/vm-$kernel.log")" ;;
	*) step "The virtual machine failed: $(tail -n 1 "$out/vm-$kernel.log")" ;;
	esac
}

# field NAME WAY: prints how that run ended
field() {
	awk -F '\t' -v name="$1" -v way="$2" '$1 == name && $2 == way { print $3; exit }' \
		"$out/results.txt"
}

# picture NAME WAY: prints whether that run's picture is right
picture() {
	local file=$out/$1-$2.png
	if [ ! -e "$file" ]; then
		echo none
	elif case $1 in
		weston) "$build/tests/kernel/pictures" square "$file" ;;
		*) "$build/tests/kernel/pictures" same "$out/$1-put-in.png" "$file" ;;
		esac >"$out/$1-$2-judged.log" 2>&1; then
		echo right
	else
		echo wrong
	fi
}

# brackets NAME: prints how many STARTs and ENDs the kernel counted in the run with the shim. Fails
# if a process made another number of STARTs than of ENDs, or if the kernel counted none.
brackets() {
	local file=$out/$1-brackets.txt
	if [ ! -s "$file" ]; then
		echo -
		[ -n "$here" ]
		return
	fi
	awk -F '\t' '
		{ starts += $3; ends += $4; uneven += $3 != $4 }
		END { print starts "/" ends; exit uneven > 0 || !starts }' "$file"
}

# cells TEXT...: prints a row of the table
cells() {
	printf '%-22s %-18s %-7s %-14s %-14s %-8s %-10s %s\n' "$@"
}

# judge NAME PROGRAM DEVICES KERNEL: sets the row's line of the table, and adds what is wrong to
# $problems
judge() {
	local native shim observe drawn counted works='' skipped
	skipped=$(field "$1" skipped)
	if [ -n "$skipped" ]; then
		lines[$1]=$(cells "$2" "$3" "$4" "skipped: $skipped" '' '' '' '')
		return
	fi
	judged=$((judged + 1))
	native=$(field "$1" native) shim=$(field "$1" shim) observe=$(field "$1" observe)
	: "${native:=no result}" "${shim:=no result}" "${observe:=no result}"
	drawn=$(picture "$1" shim)
	counted=$(brackets "$1") ||
		problems+=("$1 has STARTs without ENDs, or none; see $out/$1-brackets.txt.")
	if [ "$native" = 'exit 0' ]; then
		works=$(picture "$1" native)
		native+=", $works"
	fi
	[ "$observe" != 'exit 0' ] || observe+=", $(picture "$1" observe)"
	lines[$1]=$(cells "$2" "$3" "$4" "$native" "$shim" "$drawn" "$counted" "$observe")
	if [ "$works" = right ]; then
		problems+=("$1 works natively here, so it shows nothing about the shim.")
	fi
	if [ "$native" = 'no result' ]; then
		problems+=("$1 gave no result natively.")
	fi
	if [ "$shim" != 'exit 0' ] || [ "$drawn" != right ]; then
		problems+=("$1 is not right with the shim; see $out/$1-shim*.log.")
	fi
	if [ "$observe" != "$native" ]; then
		problems+=("$1 does not fail with --mode observe as it does natively.")
	fi
}

# table NAME...: judges these rows, if that has not been done, and prints them
table() {
	local row name program devices kernel
	echo
	cells PROGRAM 'IMPORTER <- FROM' KERNEL NATIVELY 'WITH THE SHIM' PICTURE BRACKETS OBSERVING
	for row in "${rows[@]}"; do
		IFS='|' read -r name program devices kernel <<<"$row"
		[[ " $* " = *" $name "* ]] || continue
		[ -z "$here" ] || kernel=$(uname -r | cut -d . -f 1-2)
		[ -n "${lines[$name]-}" ] || judge "$name" "$program" "$devices" "$kernel"
		echo "${lines[$name]}"
	done
	echo
}

# complete NAME: has an earlier run had that row to its end?
complete() {
	[ -n "$(field "$1" observe)$(field "$1" skipped)" ]
}

# object: prints what the results are of: the object, what runs the programs, and where
object() {
	cat "$build/.libs/libprimeshim.so" "$source/tests/kernel/demo-guest.sh" | cksum
	echo "here=$here ${kvm[*]}"
}

# keep: sets $todo to the rows that have to be run, and removes what an earlier run has left of them
keep() {
	local name same='' results
	todo=()
	[ -z "$resume" ] || [ "$(object)" != "$(cat "$out/object.txt" 2>/dev/null)" ] || same=yes
	[ -z "$resume" ] || [ -n "$same" ] ||
		step 'There is no earlier run of this object: all rows are run'
	object >"$out/object.txt"
	for name in "${names[@]}"; do
		[ -z "$same" ] || ! complete "$name" || continue
		todo+=("$name")
		rm -f "$out/$name"-*.{png,log,txt}
		results=$(awk -F '\t' -v name="$name" '$1 != name' "$out/results.txt") &&
			echo "$results" >"$out/results.txt"
	done
	[ ${#todo[@]} = ${#names[@]} ] ||
		step "Kept of the earlier run: $((${#names[@]} - ${#todo[@]})) of ${#names[@]} rows"
}

# shellcheck disable=SC2317
clean_up() {
	local lane
	[[ $BASHPID = "$$" ]] || return
	[ -z "$beat" ] || kill "$beat" 2>/dev/null
	for lane in "${lanes[@]}"; do
		kill -- "-$lane" 2>/dev/null
	done
	rm -rf "$tmp"
}

# shellcheck disable=SC2317
interrupted() {
	echo "$me: interrupted; $me --resume${again:+ $again} goes on where it was" >&2
	exit 130
}

again="$*"
again=${again//--resume/}
while [ $# -gt 0 ]; do
	case $1 in
	--quick) quick=yes ;;
	--here) here=yes ;;
	--resume) resume=yes ;;
	--kvm) kvm=(--kvm) ;;
	--out)
		[ $# -gt 1 ] || die '--out needs a value; see --help'
		out=$2
		shift
		;;
	--out=*) out=${1#*=} ;;
	--help) usage && exit ;;
	*) die "unknown option $1; see --help" ;;
	esac
	shift
done
[ -n "$out" ] || die '--out needs a value; see --help'
mkdir -p -- "$out" 2>/dev/null || die "cannot create $out"
out=$(realpath -- "$out")
[ -w "$out" ] || die "cannot write to $out"
[ -z "$quick" ] || rows=("${rows[0]}")
mapfile -t names < <(printf '%s\n' "${rows[@]%%|*}")
first=${names[0]}
rm -f "$out"/{vm,wait,fetch,build}-*.log
# A complete row of an earlier run is kept, by --resume.
{ [ -n "$resume" ] && [ -e "$out/results.txt" ]; } || : >"$out/results.txt" ||
	die "cannot write to $out"
beat='' lanes=() problems=() judged=0
declare -A lines
tmp=$(mktemp -d) || exit 2
trap clean_up EXIT
# vm.sh exits by itself at Ctrl-C, and bash would go on to the next machine.
trap interrupted INT

# What the first row needs is installed, built and booted first. The rest is fetched meanwhile.
step "Rows: ${names[*]}. All that is said by the steps goes to $out/*.log"
later=()
for name in "${names[@]}"; do
	case $name,$here in
	gstreamer,* | weston,*) later+=("demo-$name") ;;
	radeon,) later+=(vm-gpu) ;;
	# Another machine's row, which --here cannot run.
	etnaviv,) later+=(vm-arm arm64) ;;
	esac
done
if [ -n "$here" ]; then
	install build demo "${later[@]}"
else
	install build demo vm
fi
targets=(libprimeshim.la scripts/run-with-shim.sh tests/kernel/pictures examples/dmabuf-texture)
[ -n "$quick" ] || targets+=(examples/radeon-map)
todo=("$first") build=$source/build
[ -n "$here" ] || beside provide_all 6.12
work 15 build.log 'Building the object and the programs' \
	build_some "${targets[@]}" || {
	tail -n 20 "$out/build.log" >&2
	die "it cannot be built, or gbm, egl, glesv2, libpng or libdrm_radeon is not there;$(
		) see $out/build.log"
}
keep

if [ -n "$here" ]; then
	if [ ${#todo[@]} != 0 ]; then
		"$source/tests/kernel/demo-guest.sh" "$build" "$out" "${todo[@]}" | step
	fi
else
	if [ "${todo[0]-}" = "$first" ]; then
		await 15 fetch-6.12 'Fetching Linux 6.12 of Debian'
		boot 6.12 "$first"
		todo=("${todo[@]:1}")
	fi
	[ -n "$quick" ] || table "$first"
	if [ ${#todo[@]} != 0 ]; then
		install "${later[@]}"
		rm -f "$tmp"/fetch-*
		kernels=()
		for kernel in 6.12 6.1 arm64; do
			[ -z "$(rows_of $kernel "${todo[@]}")" ] || kernels+=("$kernel")
		done
		beside provide_all "${kernels[@]}"
		for kernel in "${kernels[@]}"; do
			mapfile -t now < <(rows_of "$kernel" "${todo[@]}")
			await 15 "fetch-$kernel" "Fetching Linux $kernel of Debian"
			[ "$kernel" != arm64 ] ||
				await 20 build-arm64 'Building for arm64'
			boot "$kernel" "${now[@]}"
			table "${now[@]}"
		done
	fi
fi

step 'The end. All rows:'
table "${names[@]}"
[ $judged != 0 ] ||
	die 'nothing could be run here: load vgem and udmabuf and be root, or leave out --here'
echo "Pictures and logs: $out"
if [ ${#problems[@]} != 0 ]; then
	printf '%s\n' 'Not as promised:' "${problems[@]}"
	exit 1
fi
cat <<EOF
All as promised.
Try a program of yours:  $build/scripts/run-with-shim.sh --mode rescue PROGRAM
Then install it:         make -C $build && sudo make -C $build install
EOF
