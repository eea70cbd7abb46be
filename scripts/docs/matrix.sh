#!/bin/bash
# SPDX-License-Identifier: MIT
# Writes docs/matrix.md: what comes of mapping an import, on real kernels in virtual machines.
# tests/kernel/matrix-guest.sh is the part that runs in the machines.

export LC_ALL=C
set -o pipefail
# shellcheck source=scripts/docs/writer.sh
. "$(dirname "$(realpath -- "$0")")/writer.sh" || exit 2

usage() {
	cat <<-EOT
	Usage: $me [--out FILE] [--check [--only TEXT]]
	Boots Debian's kernels, asks each importer there about each exporter, natively and in every
	mode, and writes the tables to FILE. Builds in the directories build, build-arm64 and
	build-armhf first. Takes 17 minutes, of which 8 are for virtio-gpu with blobs where there is
	no /dev/udmabuf.

	  --out FILE  where to (default: docs/matrix.md), and a picture to the same name with .svg
	  --check     writes nothing; fails if FILE has other tables. The kernels' third numbers
	              are not compared, as Debian's updates change them
	  --only TEXT with --check: boots only the machines whose lines below have TEXT, and
	              compares only the rows that these machines give: a row that they
	              do not give any more is not missed
	  --help      prints this

	The machines, each a build directory and options for vm.sh:
	$(printf '  %s\n' "${machines[@]}")

	Exit status: 0 if all went well, 1 if not, 2 for bad use or something missing
	EOT
}

# The machines: the build directory, and options for vm.sh.
machines=(
	'build --kernel 6.1 --device cirrus-vga --device virtio-gpu-pci --gpu vkms --gpu evdi12'
	'build --kernel 6.1 --gpu radeon'
	'build --kernel 6.1 --gpu i915 --gpu nouveau_pci'
	'build --kernel 6.12 --device cirrus-vga --device virtio-gpu-pci --gpu vkms --gpu evdi'
	'build --kernel 6.12 --gpu radeon'
	'build --kernel 6.12 --gpu i915 --gpu amdgpu --gpu nouveau_pci'
	'build --kernel 6.12 --gpu xe'
	'build --kernel newest --device cirrus-vga --device virtio-gpu-pci'
	'build --kernel newest --memory 1024 --device virtio-gpu-pci,blob=true'
	'build --kernel newest --device bochs-display'
	'build --kernel newest --gpu i915 --gpu nouveau_pci'
	'build-arm64 --kernel 6.1 --gpu etnaviv --device virtio-gpu-pci'
	'build-arm64 --kernel 6.1 --gpu nouveau --gpu v3d --gpu panfrost --gpu lima'
	'build-arm64 --kernel 6.1 --gpu msm'
	'build-arm64 --kernel 6.1 --gpu tegra'
	'build-arm64 --kernel 6.1 --gpu vc4'
	'build-arm64 --kernel 6.12 --gpu etnaviv --device virtio-gpu-pci'
	'build-arm64 --kernel 6.12 --gpu nouveau --gpu v3d --gpu panfrost --gpu lima'
	'build-arm64 --kernel 6.12 --gpu msm'
	'build-arm64 --kernel 6.12 --gpu tegra'
	'build-arm64 --kernel 6.12 --gpu vc4'
	'build-arm64 --kernel newest --gpu etnaviv --device virtio-gpu-pci'
	'build-arm64 --kernel newest --gpu nouveau --gpu v3d --gpu panfrost'
	'build-arm64 --kernel newest --gpu msm'
	'build-arm64 --kernel newest --gpu tegra'
	'build-arm64 --kernel newest --gpu vc4'
	'build-armhf --kernel 6.12 --gpu etnaviv --arch armhf --device virtio-gpu-pci'
	'build --kernel 6.12 --append swiotlb=force --device cirrus-vga --device virtio-gpu-pci'\
' --gpu vkms --gpu evdi'
	'build --kernel 6.12 --append swiotlb=force --gpu i915 --gpu nouveau_pci'
	'build --kernel 6.12 --append swiotlb=force --gpu radeon'
	'build --kernel 6.12 --append swiotlb=force --gpu xe'
	'build-arm64 --kernel 6.12 --append swiotlb=force --gpu nouveau --gpu v3d'\
' --gpu panfrost --gpu lima'
	'build-arm64 --kernel 6.12 --append swiotlb=force --gpu etnaviv'
	'build-arm64 --kernel 6.12 --append swiotlb=force --gpu msm'
	'build-arm64 --kernel 6.12 --append swiotlb=force --gpu tegra'
	'build-arm64 --kernel 6.12 --append swiotlb=force --gpu vc4'
)

# ask: prints the lines of all machines
ask() {
	local machine directory around guest
	for machine in "${machines[@]}"; do
		directory=$source/${machine%% *} around=("$source/scripts/vm.sh")
		guest=("$source/tests/kernel/matrix-guest.sh")
		[ "$directory" != "$source/build" ] || directory=$build
		echo "$me: ${machine#* }" >&2
		[[ $machine != *swiotlb* ]] || guest+=(--lost)
		# Other machines ask about the other importers.
		[[ $machine = *--device* ]] ||
			mapfile -t -O ${#guest[@]} guest < <(
				grep -o -- '--gpu [a-z0-9]*' <<<"$machine" |
					sed 's/.* //; s/_pci$//')
		[[ $machine != *bochs* ]] || guest+=(bochs)
		if [[ $machine = *blob=true* ]]; then
			guest+=(virtio_gpu)
			# Without /dev/udmabuf here, a virtual machine provides it. The guest inside
			# that takes minutes to boot, and prints its progress.
			[ -w /dev/udmabuf ] ||
				around+=(--memory 4096 -- "$source/scripts/vm.sh" --console
					--append loglevel=7)
		fi
		# shellcheck disable=SC2086
		(cd "$directory" && "${around[@]}" ${machine#* } -- "${guest[@]}") || return
	done
}

# tables: prints the lines of stdin as tables, one for each kernel
tables() {
	awk -F '\t' '
		$1 == "lost" {
			kernel = $2 " (" $3 "), DMA bounced"
			if (kernel != before) {
				printf "\n## Linux %s\n\n", kernel
				print "| importer | natively | redirect | rescue |"
				print "| --- | --- | --- | --- |"
				before = kernel
			}
			printf "| %s | %s | %s | %s |\n", $4, $5, $6, $7
			next
		}
		{ kernel = $1 " (" $2 ")" }
		kernel != before {
			printf "\n## Linux %s\n\n", kernel
			printf "| importer | exporter | natively | "
			print "redirect | rescue | observe | deny |"
			print "| --- | --- | --- | --- | --- | --- | --- |"
			before = kernel
		}
		{ printf "| %s | %s | %s | %s | %s | %s | %s |\n", $3, $4, $5, $6, $7, $8, $9 }'
}

text() {
	cat <<-'EOT'
	<!-- SPDX-License-Identifier: MIT -->
	# What comes of mapping an import

	`scripts/docs/matrix.sh` writes this file: it asks real kernels in virtual machines. Each
	cell is a program of its own (`tests/kernel/probe.c`). It imports a dma-buf of the exporter,
	asks for an offset by the ioctl that the importer's programs use, maps that offset, reads
	what the exporter wrote, and writes what the exporter is to read.

	[The tables as a picture](matrix.svg).

	*right* means that all of it works. Else the cell names the step that failed: *import*, *map
	ioctl* or *mmap* with the errno, *SIGBUS* at the first touch, or *other bytes* than the
	buffer's. *virtio_gpu, blobs* is QEMU's with `blob=true`, which takes other devices'
	dma-bufs in kernels newer than 6.12. *heap* is /dev/dma_heap/system; *udmabuf* is
	/dev/udmabuf; *vivid* is the kernel's test camera; the others are dumb buffers of that
	driver. The system heap on etnaviv is left out: natively its munmap breaks the kernel, see
	docs/etnaviv-system-heap.md.

	The drivers are the real ones of Debian's kernels. The GPUs are in name only: a driver sees
	a block of registers that always read the same (`scripts/vm.sh --gpu list`). vkms and evdi
	have no device at all.

	*DMA bounced* (`swiotlb=force`) asks whether the caches are in sync. There the kernel loses
	a write of the CPU that no END followed, and a write of a device before which the CPU had no
	START. A cell says how many of 400 bytes were lost: the program writes half of them through
	the mapping for the device to read, and the device writes the other half for the next
	mapping to read (`tests/kernel/sync lost`). A word in place of a number says that the import
	could not be mapped, as above. tegra and vc4 lose bytes natively because they map other
	memory, the others because nobody syncs. docs/sync.md says who syncs with the shim.
	EOT
}

# rows FILE: prints each row of its tables after the table's title and a tab; the title is without
# the kernel's third number
rows() {
	sed -E 's/^(## Linux [0-9]+\.[0-9]+)[^ ]*/\1/' "$1" |
		awk '/^## / { title = $0 } /^\| (importer|---) / { next }
			title != "" && /^\| / { print title "\t" $0 }'
}

# same_rows NEW OLD: are NEW's rows in OLD as well? Prints those of the same importer and exporter
# that differ. A table of lost bytes has no exporters.
same_rows() {
	rows "$1" >"$tmp/new.rows" && rows "$2" >"$tmp/all.rows" || return
	[ -s "$tmp/new.rows" ] || { echo "$me: no rows" && return 1; }
	awk -F '\t' '
		{
			split($2, cell, / \| /)
			key = $1 cell[1] ($1 ~ /bounced$/ ? "" : cell[2])
		}
		FNR == NR { given[key]; next }
		key in given
	' "$tmp/new.rows" "$tmp/all.rows" >"$tmp/old.rows" &&
		diff -u "$tmp/old.rows" "$tmp/new.rows"
}

out=$source/docs/matrix.md check='' only=''
options "$@"
if [ -n "$only" ]; then
	[ -n "$check" ] || die '--only goes with --check; see --help'
	mapfile -t machines < <(printf '%s\n' "${machines[@]}" | grep -F -e "$only")
	[ ${#machines[@]} != 0 ] || die "no machine has '$only'; see --help"
fi
groups=(build vm vm-gpu) archs=()
for arch in arm64 armhf; do
	[[ " ${machines[*]}" != *" build-$arch "* ]] || archs+=("$arch")
done
[ ${#archs[@]} = 0 ] || groups+=(vm-arm)
prepare "${groups[@]}" "${archs[@]}" -- "${archs[@]}"
ask >"$tmp/lines" || exit 1
{ text && tables <"$tmp/lines"; } >"$tmp/new" || exit 1
if [ -z "$check" ]; then
	cat "$tmp/new" >"$out" || die "cannot write $out"
	awk -f "$source/scripts/docs/matrix-picture.awk" "$out" >"${out%.md}.svg" ||
		die "cannot write ${out%.md}.svg"
	exit 0
fi
if [ -n "$only" ]; then
	same_rows "$tmp/new" "$out"
	exit
fi
for file in "$tmp/new" "$out"; do
	sed -E 's/^(## Linux [0-9]+\.[0-9]+)[^ ]*/\1/' "$file" \
		>"$tmp/$(basename "$file").numbers" || die "cannot read $file"
done
diff -u "$tmp/$(basename "$out").numbers" "$tmp/new.numbers"
