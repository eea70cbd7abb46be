#!/bin/bash
# SPDX-License-Identifier: MIT
# Writes docs/tour.md and docs/timeline.svg: what primeshim shows of real programs, which run in
# virtual machines.

export LC_ALL=C.UTF-8
# shellcheck source=scripts/docs/writer.sh
. "$(dirname "$(realpath -- "$0")")/writer.sh" || exit 2

usage() {
	cat <<-EOT
	Usage: $me [--out DIR]
	Runs weston with the shim and without, and an EGL program by primeshim ab, in virtual
	machines with stock Debian kernels, and writes what primeshim shows of them: DIR/tour.md and
	DIR/timeline.svg. Builds in the directory build first. Takes 2 minutes.

	  --out DIR  where to (default: docs)
	  --help     prints this

	Exit status: 0 if all went well, 1 if not, 2 for bad use or something missing
	EOT
}

# machine TEXT VM-OPTION... -- COMMAND: runs it in a virtual machine, in the build directory
machine() {
	echo "$me: $1" >&2
	"$source/scripts/vm.sh" --device cirrus-vga --out "$tmp/out" "${@:2}" >"$tmp/log" 2>&1 ||
		{ tail -n 20 "$tmp/log" >&2 && die "$1: it failed; see above" 1; }
}

# top_in_guest: records the terminal of primeshim top, once there is something to see
top_in_guest() {
	until [ -n "$(find /tmp/seen -name '*.primeshim' 2>/dev/null)" ]; do
		sleep 1
	done
	export TERM=xterm
	script --log-timing "$1/top-timing" -qec \
		'stty rows 8 cols 120; exec tools/primeshim top -d 1 -n 20 /tmp/seen' "$1/top"
}

# weston_in_guest: runs weston, and what shows its status files
# shellcheck disable=SC2317
weston_in_guest() {
	top_in_guest "$1" >/dev/null 2>&1 </dev/null &
	WAYS='shim observe' PRIMESHIM_DIR=/tmp/seen \
		"$source/tests/kernel/demo-guest.sh" "$PWD" "$1" weston || exit
	wait
	tools/primeshim report /tmp/seen >"$1/report.txt" &&
		tools/primeshim plot /tmp/seen -o "$1/timeline.svg" &&
		tools/primeshim trace /tmp/seen -o "$1/trace.json" &&
		tools/primeshim watch --all \
			"$(find /tmp/seen -name '*.primeshim' | sort | head -n 1)" |
		sed -n '1,14p' >"$1/watch.txt"
}

# ab_in_guest: runs the program that dies natively
# shellcheck disable=SC2317
ab_in_guest() {
	export GBM_ALWAYS_SOFTWARE=1 LP_PERF=no_linear
	tools/primeshim ab -n 5 --quiet --markdown --output /tmp/out.png -- \
		examples/dmabuf-texture --driver vgem /tmp/out.png /tmp/in.png >"$1/ab.md"
}

# shown FILE: prints it indented, without what differs each time
shown() {
	sed -E -e 's|/tmp/tmp\.[^/ ]*/||g' -e 's/^/    /' "$tmp/out/$1"
}

text() {
	cat <<-'EOT'
	<!-- SPDX-License-Identifier: MIT -->
	# A tour of primeshim(1)

	`scripts/docs/tour.sh` writes this file from real runs in virtual machines, where all is
	slow.

	## What has happened?

	Weston 10 of Debian 12 on cirrus shows a client's buffers, which come from vgem, on Linux
	6.1; once with the shim, and once with the shim just looking on (`--mode observe`), where it
	dies. `run-with-shim --report weston …`, or `primeshim report` while weston runs or later:

	EOT
	shown report.txt
	cat <<-'EOT'

	## When?

	`primeshim plot`: each import is a lane, the mappings are dark, the brackets blue. A
	triangle is a map that the driver refused, hollow where the shim has made it. Below, without
	the shim, weston is refused and dies at the second try. (`primeshim trace` writes the same
	for ui.perfetto.dev.)

	![Timeline of weston, with the shim and without](timeline.svg)

	And `primeshim watch` has the single events, as they come:

	EOT
	shown watch.txt
	cat <<-'EOT'

	## What happens now?

	`primeshim top` while weston runs, a screen of it:

	<!-- not run: it is what primeshim top printed -->

	EOT
	shown top.txt
	cat <<-'EOT'

	## Does it make a difference?

	`primeshim ab -- dmabuf-texture …` runs [an EGL program](../examples/dmabuf-texture.c)
	both ways, in turn; here on vgem, with a picture from udmabuf, on Linux 6.12:

	EOT
	cat "$tmp/out/ab.md"
	cat <<-'EOT'

	A program that runs need not be started again: `primeshim set PID mode=redirect` changes its
	mode, `primeshim top` shows all of them live, and `primeshim doctor -- COMMAND` says what
	would be in the way.
	EOT
}

# In the guest this script calls itself.
case ${1-} in
weston_in_guest | ab_in_guest) "$1" "$2" && exit ;;
esac
out=$source/docs
options "$@"
[ -d "$out" ] || die "$out is no directory: make it first"
prepare build demo demo-weston tour vm --
machine 'weston on Linux 6.1' --kernel 6.1 -- \
	"$source/scripts/docs/tour.sh" weston_in_guest "$tmp/out"
machine 'primeshim ab on Linux 6.12' --kernel 6.12 -- \
	"$source/scripts/docs/tour.sh" ab_in_guest "$tmp/out"
"$source/scripts/docs/screen.py" 120 8 "$tmp/out/top-timing" "$tmp/out/top" \
	'top: [1-9]' '[0-9] weston ' '[1-9][0-9.]* maps/s' >"$tmp/out/top.txt" ||
	die 'no recording of primeshim top' 1
for file in report.txt watch.txt top.txt ab.md timeline.svg; do
	[ -s "$tmp/out/$file" ] || die "$file was not written" 1
done
{
	sed 's|/tmp/tmp\.[^/]*/||' "$tmp/out/timeline.svg" >"$out/timeline.svg" &&
		text >"$out/tour.md"
} || die "cannot write to $out"
