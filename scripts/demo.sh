#!/bin/bash
# SPDX-License-Identifier: MIT
# The demonstration: installs missing packages, builds, boots stock Debian kernels in virtual
# machines, and runs unmodified programs there natively and with the shim. Prints a table, and
# writes a directory of pictures. tests/kernel/demo-guest.sh is the part that runs in the machines.

export LC_ALL=C
me=demo.sh
# vm.sh exits by itself at Ctrl-C, and bash would go on to the next machine.
trap 'exit 130' INT
source=$(realpath -- "$0") && source=${source%/*/*}
# shellcheck source=scripts/lib/packages.sh
. "$source/scripts/lib/packages.sh" || exit 2
# shellcheck source=scripts/lib/build.sh
. "$source/scripts/lib/build.sh" || exit 2

out=demo-pictures quick='' here='' kvm=()

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
	Takes 2 to 5 minutes after the download of up to 650 MB, of which --quick needs 250.

	Options (--OPTION VALUE or --OPTION=VALUE):
	  --quick    only the first row: one small EGL program, in less than a minute
	  --here     no virtual machine: runs the programs on the devices of this machine, and
	             leaves out those for which a device is missing
	  --out DIR  where pictures and logs go (default: $out)
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

# boot KERNEL NAME...: runs these rows in a virtual machine with that kernel
boot() {
	local kernel=$1 machine=("${kvm[@]}" --kernel "$1" --device cirrus-vga) directory=$build
	shift
	[[ " $* " != *' radeon '* ]] || machine+=(--gpu radeon)
	if [ "$kernel" = arm64 ]; then
		machine=(--gpu etnaviv --append swiotlb=force) directory=$source/build-arm64
	fi
	step "Booting Linux $kernel (fetched the first time) for: $*"
	cd "$directory" || return
	"$source/scripts/vm.sh" "${machine[@]}" --out "$out" -- \
		"$source/tests/kernel/demo-guest.sh" "$directory" "$out" "$@" \
		2>"$out/vm-$kernel.log" | step
	case ${PIPESTATUS[0]} in
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

# judge NAME PROGRAM DEVICES KERNEL: adds a line to the table, and what is wrong to $problems
judge() {
	local native shim observe drawn counted works=''
	native=$(field "$1" native) shim=$(field "$1" shim) observe=$(field "$1" observe)
	drawn=$(picture "$1" shim)
	counted=$(brackets "$1") ||
		problems+=("$1 has STARTs without ENDs, or none; see $out/$1-brackets.txt.")
	if [ "$native" = 'exit 0' ]; then
		works=$(picture "$1" native)
		native+=", $works"
	fi
	[ "$observe" != 'exit 0' ] || observe+=", $(picture "$1" observe)"
	cells "$2" "$3" "$4" "${native:=no result}" "${shim:=no result}" "$drawn" \
		"$counted" "${observe:=no result}"
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

while [ $# -gt 0 ]; do
	case $1 in
	--quick) quick=yes ;;
	--here) here=yes ;;
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
for row in "${rows[@]}"; do
	rm -f "$out/${row%%|*}"-*.{png,log,txt}
done
rm -f "$out"/vm-*.log
: >"$out/results.txt" || die "cannot write to $out"

step 'Looking for missing packages'
groups=(build demo) others=()
[ -n "$here" ] || groups+=(vm)
for row in "${rows[@]}"; do
	case ${row%%|*},$here in
	gstreamer,* | weston,*) groups+=("demo-${row%%|*}") ;;
	radeon,) groups+=(vm-gpu) ;;
	# Another machine's row, which --here cannot run.
	etnaviv,) groups+=(vm-arm arm64) others=(arm64) ;;
	esac
done
packages_need "${groups[@]}" || exit 2

step 'Building; what that says goes to build.log'
build_all "$source" "${others[@]}" >"$out/build.log" 2>&1 || {
	tail -n 20 "$out/build.log" >&2
	die "it cannot be built; see $out/build.log"
}
for example in dmabuf-texture radeon-map; do
	[ -x "$build/examples/$example" ] ||
		die "no $example was built: gbm, egl, glesv2, libpng or libdrm_radeon was not found"
done

if [ -n "$here" ]; then
	mapfile -t names < <(printf '%s\n' "${rows[@]%%|*}")
	"$source/tests/kernel/demo-guest.sh" "$build" "$out" "${names[@]}" | step
else
	for kernel in 6.12 6.1 arm64; do
		names=()
		for row in "${rows[@]}"; do
			[ "${row##*|}" != $kernel ] || names+=("${row%%|*}")
		done
		[ ${#names[@]} = 0 ] || boot $kernel "${names[@]}"
	done
fi

problems=() judged=0
echo
cells PROGRAM 'IMPORTER <- FROM' KERNEL NATIVELY 'WITH THE SHIM' PICTURE BRACKETS OBSERVING
for row in "${rows[@]}"; do
	IFS='|' read -r name program devices kernel <<<"$row"
	[ -z "$here" ] || kernel=$(uname -r | cut -d . -f 1-2)
	skipped=$(field "$name" skipped)
	if [ -n "$skipped" ]; then
		cells "$program" "$devices" "$kernel" "skipped: $skipped" '' '' '' ''
		continue
	fi
	judge "$name" "$program" "$devices" "$kernel"
	judged=$((judged + 1))
done
echo
[ $judged != 0 ] ||
	die 'nothing could be run here: load vgem and udmabuf and be root, or leave out --here'
echo "Pictures and logs: $out"
[ ${#problems[@]} != 0 ] || exit 0
printf '%s\n' "${problems[@]}"
exit 1
