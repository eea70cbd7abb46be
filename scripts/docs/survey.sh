#!/bin/bash
# SPDX-License-Identifier: MIT
# Writes docs/survey.md, docs/survey.svg and their data, docs/survey.tsv: what programs of Debian 12
# and 13 do with imports, in virtual machines. tests/kernel/survey-guest.sh is the part that runs
# there.

export LC_ALL=C.UTF-8
# shellcheck source=scripts/docs/writer.sh
. "$(dirname "$(realpath -- "$0")")/writer.sh" || exit 2
# shellcheck source=scripts/lib/debian.sh
. "$source/scripts/lib/debian.sh" || exit 2
# The layout of the root file systems: add one when their packages change.
layout=2

usage() {
	cat <<-EOT
	Usage: $me [--out DIR] [--again | --no-run] [--only PROGRAM]...
	       $me --from FILE [--out DIR]
	Runs programs of Debian 12 and 13 in virtual machines, each natively (--survey) and with
	--mode rescue, and writes DIR/survey.tsv, DIR/survey.md and DIR/survey.svg. Builds in the
	directory build first. Keeps a root file system of each release (7 GB together), and a
	record of each run, in \${XDG_CACHE_HOME:-~/.cache}/primeshim: a run whose record is
	newer than the shim is not done again. All of them take about 3 hours.

	  --from FILE     runs nothing: writes the page and the picture of this survey.tsv
	  --out DIR       where to (default: docs)
	  --again         does all runs again
	  --no-run        runs nothing: writes all three of the records that there are
	  --only PROGRAM  only that program of tests/kernel/survey-programs.sh; the others' lines
	                  are made of the records that there are; may be repeated
	  --help          prints this

	Exit status: 0 if all went well, 1 if not, 2 for bad use, a line of FILE that is wrong, or
	something missing
	EOT
}

# The boots: the machine, the Debian release, and the programs, in this order.
drm='weston weston-dmabuf sway cage wayfire phoc kwin mutter gnome-shell xorg mir'
one='kmscube modetest glmark2-drm drm_info mpv-drm mpv-gpu glimagesink-gbm glimagesink-test kmssink
	v4l2-convert kmsgrab retroarch kodi qt6-eglfs sdl2-kmsdrm cog-drm plymouth'
# Those of them that have to do with two devices: each draws and shows by the second
two='kmscube modetest glmark2-drm mpv-drm mpv-gpu glimagesink-gbm glimagesink-test kmssink
	retroarch kodi qt6-eglfs sdl2-kmsdrm cog-drm'
clients='simple-egl vkcube glmark2-wayland gtk4-demo qt6-wayland sdl2-wayland
	mpv-wayland waylandsink glimagesink-wayland foot xwayland grim wf-recorder wayvnc chromium
	firefox epiphany cog-wayland obs'
boots=(
	"virtio|12|$drm cage-pixman gamescope $one $clients"
	"virtio|13|${drm/gnome-shell } labwc $one vkmark sdl3-kmsdrm $clients wl-mirror"
	"cirrus|12|$drm $two"
	"cirrus|13|${drm/gnome-shell } labwc $two"
	"evdi|12|$drm $two"
	"evdi|13|${drm/gnome-shell } labwc $two"
)
# The options of vm.sh for each machine
declare -A options_of=([virtio]='--device virtio-gpu-pci'
	[cirrus]='--device virtio-gpu-pci --device cirrus-vga'
	[evdi]='--gpu evdi --device virtio-gpu-pci')
declare -A suite_of=([12]=bookworm [13]=trixie)

# What is missing, as "PROGRAM|DEBIAN|WHY"
not_run=(
	'simple-dmabuf-v4l|12, 13|sway offers it no format that the camera has: "requested DRM'\
' format not available"'
	'labwc, wl-mirror, vkmark, SDL 3|12|not in Debian 12'
	'gamescope|13|not in Debian 13'
	'gnome-shell|13|QEMU'\''s software emulation breaks it, and the guest'\''s kernel with it'
	'river, Hyprland, niri, COSMIC|12, 13|not in Debian 12 or 13'
	'Sunshine|12, 13|not in Debian 12 or 13'
	'Waydroid|12, 13|not in Debian; it wants an image of Android'
	'the sessions of Plasma and GNOME|12, 13|they want systemd; KWin, Mutter and GNOME Shell'\
' ran without'
)

# take_options ARG...
take_options() {
	while [ $# -gt 0 ]; do
		case $1 in
		--out=* | --from=* | --only=*) set -- "${1%%=*}" "${1#*=}" "${@:2}" ;;
		--out | --from | --only) ;;
		--again | --no-run)
			[ "$1" != --again ] || again=yes
			[ "$1" != --no-run ] || no_run=yes
			shift && continue
			;;
		--help) usage && exit ;;
		*) die "unknown option $1; see --help" ;;
		esac
		[ -n "${2-}" ] || die "$1 needs a value; see --help"
		case $1 in
		--out) out=$2 ;;
		--from) from=$2 ;;
		--only) only+=" $2" ;;
		esac
		shift 2
	done
	[ -z "$from$no_run" ] || [ -z "$again$only" ] ||
		die '--from and --no-run run nothing; see --help'
	[ -d "$out" ] || die "$out is no directory: make it first"
}

# make_root DEBIAN: prints the root file system of that release; makes it if there is none
make_root() {
	local suite=${suite_of[$1]} root
	root=$cache/root-survey-$suite-$layout
	(
		flock 9
		[ ! -e "$root" ] || exit 0
		echo "$me: making a root file system of $suite" >&2
		rm -rf "$root.new"
		# shellcheck disable=SC2086
		set -- ${packages_of[survey-root]} ${packages_of[survey-$suite]}
		# elogind excludes systemd, so it is not installed.
		# shellcheck disable=SC2016 # mmdebstrap's shell is to expand it
		if ! mmdebstrap --architectures=amd64 --variant=minbase --skip=check/empty \
			--extract-hook='mkdir -p "$1/opt/elogind" && cd "$1/opt" &&
				APT_CONFIG=$MMDEBSTRAP_APT_CONFIG \
				apt-get -q download elogind libelogind0 && for deb in *.deb; do
				dpkg -x "$deb" elogind && rm "$deb" || exit; done' \
			--include="$(IFS=, && echo "$*")" "$suite" "$root.new" - \
			<<<"$(debian_sources "$suite")" >"$root.log" 2>&1; then
			tail -n 20 "$root.log" >&2
			exit 1
		fi
		mv -T "$root.new" "$root"
	) 9>"$root.lock" && echo "$root"
}

# wanted MACHINE DEBIAN PROGRAM: is there no record of it that is newer than the shim?
wanted() {
	local record=$records/$1.$2.$3.native.json
	[ -z "$only" ] || [[ "$only " == *" $3 "* ]] || return
	[ "$record" -nt "$records/shim" ] || return 0
	# The native run may have found something to rescue.
	grep -qE '"imports": *[1-9]' "$record" && [ ! -e "${record/native/rescue}" ]
}

# boot MACHINE DEBIAN PROGRAM...: runs those that are wanted
boot() {
	local machine=$1 debian=$2 program root programs=()
	for program in "${@:3}"; do
		! wanted "$machine" "$debian" "$program" || programs+=("$program")
	done
	[ ${#programs[@]} != 0 ] || return 0
	root=$(make_root "$debian") || die "cannot make the root file system of Debian $debian" 1
	for program in "${programs[@]}"; do
		rm -f "$records/$machine.$debian.$program".{native,rescue}.json
	done
	echo "$me: $machine, Debian $debian: ${programs[*]}" >&2
	# shellcheck disable=SC2086
	(cd "$build" && "$source/scripts/vm.sh" --kernel 6.12 --memory 3072 \
		${options_of[$machine]} --out "$records" -- \
		"$source/tests/kernel/survey-guest.sh" "$build" "$records" "$debian" "$root" \
		"$machine" "${programs[@]}") >&2 ||
		echo "$me: the virtual machine failed; what it has recorded stays" >&2
}

# no_record DEBIAN: prints the programs that have no record on any machine
no_record() {
	local boot debian programs program
	for boot in "${boots[@]}"; do
		IFS='|' read -r -d '' _ debian programs <<<"$boot"
		[ "$debian" = "$1" ] || continue
		for program in $programs; do
			compgen -G "$records/*.$1.$program.native.json" >/dev/null ||
				echo "$program"
		done
	done | sort -u | paste -s -d ' ' | sed 's/ /, /g'
}

# data: prints survey.tsv
data() {
	local boot machine debian programs program way record
	echo '# SPDX-License-Identifier: MIT'
	awk -v what=columns -f "$source/scripts/docs/survey.awk" \
		-f "$source/scripts/docs/survey-page.awk" </dev/null
	for boot in "${boots[@]}"; do
		IFS='|' read -r -d '' machine debian programs <<<"$boot"
		for program in $programs; do
			for way in native rescue; do
				record=$records/$machine.$debian.$program.$way.json
				[ -s "$record" ] || continue
				jq -r -f "$source/scripts/docs/survey.jq" "$record" ||
					die "$record is no record" 1
			done
		done
	done
	for record in "${not_run[@]}"; do
		printf 'not run\t%s\n' "${record//|/$'\t'}"
	done
	for debian in 12 13; do
		programs=$(no_record $debian)
		# shellcheck disable=SC2016 # backquotes of Markdown
		[ -z "$programs" ] ||
			printf 'not run\t%s\t%s\t%s\n' "$programs" $debian \
				'not yet: `scripts/docs/survey.sh --only PROGRAM` runs it'
	done
}

# write FILE: makes the page and the picture of it
write() {
	local what
	for what in page svg; do
		awk -f "$source/scripts/docs/survey.awk" \
			-f "$source/scripts/docs/survey-$what.awk" "$1" >"$tmp/$what" ||
			die "$1 is wrong; see above"
	done
	{ cat "$tmp/page" >"$out/survey.md" && cat "$tmp/svg" >"$out/survey.svg"; } ||
		die "cannot write to $out"
}

out=$source/docs from='' again='' no_run='' only=''
take_options "$@"
if [ -n "$from" ]; then
	[ -r "$from" ] || die "cannot read $from"
	tmp=$(mktemp -d) || exit 2
	trap 'rm -rf "$tmp"' EXIT
	write "$from"
	exit
fi
cache=${XDG_CACHE_HOME:-$HOME/.cache}/primeshim records=$cache/survey
mkdir -p "$records" || exit 2
if [ -n "$no_run" ]; then
	tmp=$(mktemp -d) || exit 2
	trap 'rm -rf "$tmp"' EXIT
else
	prepare build survey vm vm-gpu --
	[ -z "$again" ] || rm -f "$records"/*.json
	# A shim that was only linked again is no other one.
	shim=$(cksum <"$build/.libs/libprimeshim.so") || exit
	[ "$shim" = "$(cat "$records/shim" 2>/dev/null)" ] || echo "$shim" >"$records/shim"
	for boot in "${boots[@]}"; do
		IFS='|' read -r -d '' machine debian programs <<<"$boot"
		# shellcheck disable=SC2086
		boot "$machine" "$debian" $programs
	done
fi
data >"$tmp/survey.tsv" || exit 1
write "$tmp/survey.tsv"
cat "$tmp/survey.tsv" >"$out/survey.tsv" || die "cannot write to $out"
