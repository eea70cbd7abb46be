#!/bin/bash
# SPDX-License-Identifier: MIT
# Writes docs/survey.md: what run-with-shim.sh --survey says of real programs, in virtual machines.
# tests/kernel/demo-guest.sh is the part that runs in the machines.

export LC_ALL=C
# shellcheck source=scripts/docs/writer.sh
. "$(dirname "$(realpath -- "$0")")/writer.sh" || exit 2

usage() {
	cat <<-EOT
	Usage: $me [--out FILE]
	Runs real programs in virtual machines under run-with-shim.sh --survey, and writes the
	reports to FILE. Builds in the directories build and build-arm64 first. Takes 4 minutes.

	  --out FILE  where to (default: docs/survey.md)
	  --help      prints this

	Exit status: 0 if all went well, 1 if not, 2 for bad use or something missing
	EOT
}

# The machines: the build directory, the rows of demo-guest.sh, and options for vm.sh.
machines=(
	'build|egl-vgem egl-cirrus gstreamer chromium sway|--kernel 6.12 --device virtio-gpu-pci'\
' --device cirrus-vga'
	'build|radeon|--kernel 6.12 --gpu radeon'
	'build|weston|--kernel 6.1 --device cirrus-vga'
	'build-arm64|etnaviv etnaviv-gbm|--kernel 6.12 --gpu etnaviv'
)

# section NAME OPTION...: prints one program's survey
section() {
	local where=${*:2}
	# Directories, process numbers and times differ each time.
	printf '\n## %s (vm.sh %s)\n\n' "$1" "$where"
	sed -E -e 's|/[^ ]*/||g' -e 's/^([^ ]+)\[[0-9]+\], (.*) after [^,]+,/\1, \2,/' \
		-e 's/^/    /' "$tmp/out/$1-survey.txt"
}

text() {
	cat <<-'EOT'
	<!-- SPDX-License-Identifier: MIT -->
	# What programs do with imports

	Written by `scripts/docs/survey.sh`, which runs these programs in virtual machines under
	`run-with-shim.sh --survey`; not by hand. The shim only observes: what fails here fails
	natively. A status of 139 is SIGSEGV, 135 SIGBUS.
	EOT
}

out=$source/docs/survey.md
options "$@"
prepare build demo demo-gstreamer demo-weston survey vm vm-gpu vm-arm arm64 -- arm64
text >"$tmp/new"
for machine in "${machines[@]}"; do
	IFS='|' read -r directory rows options <<<"$machine"
	directory=$source/$directory
	[ "$directory" != "$source/build" ] || directory=$build
	echo "$me: $rows: $options" >&2
	# shellcheck disable=SC2086
	(cd "$directory" && WAYS=survey "$source/scripts/vm.sh" $options --out "$tmp/out" -- \
		"$source/tests/kernel/demo-guest.sh" "$directory" "$tmp/out" $rows) \
		>&2 || exit 1
	for row in $rows; do
		[ -s "$tmp/out/$row-survey.txt" ] ||
			die "there is no survey of $row" 1
		section "$row" "$options" >>"$tmp/new"
	done
done
cat "$tmp/new" >"$out" || die "cannot write $out"
