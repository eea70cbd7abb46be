#!/bin/bash
# SPDX-License-Identifier: MIT
# Writes docs/warm.tsv and docs/warm.svg: what a cycle of map, touch and unmap costs with mappings
# kept warm and without, on a real kernel in a virtual machine, and the frames of compositors that
# bench/RESULTS.md has. warm-picture.awk draws the one from the other, which
# tests/source/pictures.sh holds together.

export LC_ALL=C.UTF-8
# shellcheck source=scripts/docs/writer.sh
. "$(dirname "$(realpath -- "$0")")/writer.sh" || exit 2

usage() {
	cat <<-EOT
	Usage: $me [--out DIR]
	Measures cycles of map, touch and unmap of an import, whose pages the shim keeps or does
	not, by instructions in a virtual machine with Linux 6.12, takes the frames of compositors
	from bench/RESULTS.md, and writes the numbers and a picture of them: DIR/warm.tsv and
	DIR/warm.svg. Takes a minute, and builds first.

	  --out DIR  where to (default: docs)
	  --help     prints this

	Exit status: 0 if all went well, 1 if not, 2 for bad use or something missing
	EOT
}

# client KEEP WHAT [PAGES]: prints what the test's client has measured
client() {
	PRIMESHIM_KEEP=$1 LD_PRELOAD=$PWD/.libs/libprimeshim.so \
		tests/kernel/warm "$2" vgem udmabuf "${@:3}"
}

# in_guest: prints the numbers, in lines of "WHAT PAGES COLD WARM" with tabs
in_guest() {
	local pages
	for pages in 1 16 256 2048; do
		printf 'cycle\t%s\t%s\t%s\n' $pages "$(client off time $pages)" \
			"$(client 128M time $pages)"
	done
	printf 'faults\t16\t%s\t%s\n' "$(client off faults)" "$(client 128M faults)"
}

# In the guest this script calls itself.
[ "${1-}" != in_guest ] || { in_guest && exit; }
out=$source/docs
options "$@"
[ -d "$out" ] || die "$out is no directory: make it first"
prepare build vm --
make tests/kernel/warm >"$tmp/log" 2>&1 ||
	{ tail -n 20 "$tmp/log" >&2 && die 'tests/kernel/warm cannot be built; see above'; }
"$source/scripts/vm.sh" --kernel 6.12 --icount -- "$source/scripts/docs/warm.sh" in_guest \
	>"$tmp/lines" 2>"$tmp/log" || { tail -n 20 "$tmp/log" >&2 && die 'it failed; see above' 1; }
[ "$(grep -cP '^(cycle|faults)\t\d+\t\d+\t\d+$' "$tmp/lines")" = 5 ] ||
	die "the numbers are not whole: $(cat "$tmp/lines")" 1
{
	echo '# SPDX-License-Identifier: MIT'
	echo '# scripts/docs/warm.sh writes this file: cycle, pages, percent of the mmap by'
	echo '# the exporter, without keeping and with; faults, pages, page faults of 100 cycles;'
	echo '# frames, a compositor, frames a second (bench/RESULTS.md).'
	cat "$tmp/lines"
	awk -f "$source/scripts/docs/warm-frames.awk" "$source/bench/RESULTS.md"
} >"$out/warm.tsv" || die "cannot write to $out"
awk -f "$source/scripts/docs/warm-picture.awk" "$out/warm.tsv" >"$out/warm.svg" ||
	die "cannot write to $out"
