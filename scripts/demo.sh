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
# shellcheck source=scripts/lib/demo-rows.sh
. "$source/scripts/lib/demo-rows.sh" || exit 2
# shellcheck source=scripts/lib/demo-judge.sh
. "$source/scripts/lib/demo-judge.sh" || exit 2

out=demo-pictures quick='' all_of_it='' asked=() here='' resume='' kvm=()

usage() {
	cat <<-EOF
	Usage: $me [options]
	Shows on this machine, without a GPU, what primeshim does: programs that crash when they use
	the CPU mapping of an imported dma-buf draw the right picture with the shim. Installs
	missing Debian packages (by sudo, unless you are root), builds in the directory build, and
	runs programs in virtual machines with stock Debian kernels, natively and with the shim.
	On two quiet processors the first row comes within two minutes, and all within five;
	--all takes four minutes more. It downloads up to 650 MB, 250 MB for --quick, and 900 MB
	for --all. Each step says how long it usually takes.

	Options (--OPTION VALUE or --OPTION=VALUE):
	  --quick    only the first row: one small EGL program
	  --all      adds rows on the real drivers of GPUs in name only: nouveau, i915, amdgpu and
	             msm; a dock (evdi), and Vulkan
	  --row NAME only that row; may be repeated. "list" prints the names
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

# provide NAME COMMAND...: does in the background what a virtual machine waits for; the one that
# runs now comes first
# shellcheck disable=SC2317
provide() {
	nice -n 10 "${@:2}" >"$out/$1.log" 2>&1
	echo $? >"$tmp/$1"
}

# provide_all MACHINE...: that of the first row, or those of the others, with all they need
provide_all() {
	local name machine directory needs fetching booting
	for name; do
		# shellcheck disable=SC2046
		machine "$name" $(rows_of "$name" "${todo[@]}")
		provide "fetch-$name" "$source/scripts/vm.sh" "${machine[@]}" --fetch
		[ "$directory" != "$build" ] || continue
		[ ! -e "$tmp/build-arm64" ] || continue
		provide build-arm64 "$source/scripts/build-for.sh" --demo arm64 "$directory"
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

# run MACHINE NAME...: waits for all that the virtual machine needs, and runs these rows in it
run() {
	local name=$1 machine directory needs fetching booting status
	machine "$@"
	shift
	await "$fetching" "fetch-$name" "Fetching $needs"
	[ "$directory" = "$build" ] || await 20 build-arm64 'Building for arm64'
	cd "$directory" || return
	begin "$booting" "$out/vm-$name.log" "Booting ${needs%% of Debian*} for: $*"
	"$source/scripts/vm.sh" "${machine[@]}" --out "$out" -- \
		"$source/tests/kernel/demo-guest.sh" "$directory" "$out" "$@" \
		2>"$out/vm-$name.log" | step
	status=${PIPESTATUS[0]}
	done_with
	case $status in
	0) ;;
	2) die "the virtual machine cannot be started: $(tail -n 1 "$out/vm-$name.log")" ;;
	*) step "The virtual machine failed: $(tail -n 1 "$out/vm-$name.log")" ;;
	esac
}

# choose_rows: leaves in $rows those that the options ask for
choose_rows() {
	local row name all=("${rows[@]}" "${more_rows[@]}") chosen=()
	[ -z "$quick" ] || rows=("${rows[0]}")
	[ -z "$all_of_it" ] || rows=("${all[@]}")
	[ ${#asked[@]} != 0 ] || return 0
	for name in "${asked[@]}"; do
		printf '%s\n' "${all[@]%%|*}" | grep -Fqx -e "$name" ||
			die "--row cannot be '$name'; --row list prints the names"
	done
	for row in "${all[@]}"; do
		[[ " ${asked[*]} " != *" ${row%%|*} "* ]] || chosen+=("$row")
	done
	rows=("${chosen[@]}")
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
		# Another row's name may begin with this one's.
		rm -f "$out/$name"-{put-in,native,shim,observe,brackets}*
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
	--all) all_of_it=yes ;;
	--here) here=yes ;;
	--resume) resume=yes ;;
	--kvm) kvm=(--kvm) ;;
	--out | --row)
		[ $# -gt 1 ] || die "$1 needs a value; see --help"
		set -- "$1=$2" "${@:3}"
		continue
		;;
	--out=*) out=${1#*=} ;;
	--row=list) printf '%s\n' "${rows[@]%%|*}" "${more_rows[@]%%|*}" && exit ;;
	--row=*) asked+=("${1#*=}") ;;
	--help) usage && exit ;;
	*) die "unknown option $1; see --help" ;;
	esac
	shift
done
[ -n "$out" ] || die '--out needs a value; see --help'
ways=$(printf %s "${quick:+--quick }" "${all_of_it:+--all }" "${asked[*]:+--row }")
[[ "$ways" != *' -'* ]] || die "$(sed 's/ / and /; s/ $//' <<<"$ways") exclude each other"
mkdir -p -- "$out" 2>/dev/null || die "cannot create $out"
out=$(realpath -- "$out")
[ -w "$out" ] || die "cannot write to $out"
choose_rows
mapfile -t names < <(printf '%s\n' "${rows[@]%%|*}")
first=${names[0]}
rm -f "$out"/{vm,wait,fetch,build}-*.log
# A complete row of an earlier run is kept, by --resume.
{ [ -n "$resume" ] && [ -e "$out/results.txt" ]; } || : >"$out/results.txt" ||
	die "cannot write to $out"
beat='' lanes=()
tmp=$(mktemp -d) || exit 2
trap clean_up EXIT
# vm.sh exits by itself at Ctrl-C, and bash would go on to the next machine.
trap interrupted INT

# What the first row needs is installed, built and booted first. The rest is fetched meanwhile. What
# --row asks for is one after the other.
step "Rows: ${names[*]}. All that is said by the steps goes to $out/*.log"
# shellcheck disable=SC2046
if [ -n "$here" ]; then
	install build $(groups_of "${names[@]}")
elif [ ${#asked[@]} != 0 ]; then
	install build vm $(groups_of "${names[@]}")
else
	install build vm $(groups_of "$first")
fi
mapfile -t targets < <(targets_of "${names[@]}")
targets+=(libprimeshim.la scripts/run-with-shim.sh tests/kernel/pictures)
todo=("$first") build=$source/build
[ -n "$here" ] || [ ${#asked[@]} != 0 ] || beside provide_all 6.12
work 15 build.log 'Building the object and the programs' \
	build_some "${targets[@]}" || {
	tail -n 20 "$out/build.log" >&2
	die "it cannot be built, or gbm, egl, glesv2, libpng or libdrm is not there;$(
		) see $out/build.log"
}
keep

if [ -n "$here" ]; then
	if [ ${#todo[@]} != 0 ]; then
		"$source/tests/kernel/demo-guest.sh" "$build" "$out" "${todo[@]}" | step
	fi
else
	if [ ${#asked[@]} = 0 ]; then
		if [ "${todo[0]-}" = "$first" ]; then
			run 6.12 "$first"
			todo=("${todo[@]:1}")
		fi
		[ -n "$quick" ] || table "$first"
	fi
	if [ ${#todo[@]} != 0 ]; then
		# shellcheck disable=SC2046
		install $(groups_of "${todo[@]}")
		rm -f "$tmp"/fetch-*
		wanted=()
		for name in "${machines[@]}"; do
			[ -z "$(rows_of "$name" "${todo[@]}")" ] || wanted+=("$name")
		done
		beside provide_all "${wanted[@]}"
		for name in "${wanted[@]}"; do
			mapfile -t now < <(rows_of "$name" "${todo[@]}")
			run "$name" "${now[@]}"
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
