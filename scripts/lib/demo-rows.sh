# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2034,SC2154 # what demo.sh uses, and what it has
# To be sourced by demo.sh: the rows of the demonstration, and what each needs.

# The rows of the table: a name for the files, the program, importer <- exporter, the kernel, and
# the virtual machine. arm64 is 6.12 for arm64, on a machine whose DMA is not coherent with the
# caches.
rows=(
	'egl-vgem|dmabuf-texture|vgem <- udmabuf|6.12|6.12'
	'egl-cirrus|dmabuf-texture|cirrus <- udmabuf|6.12|6.12'
	'gstreamer|gst-launch-1.0|cirrus <- vivid|6.12|6.12'
	'radeon|SIGBUS on TTM (radeon)|radeon <- udmabuf|6.12|6.12'
	'weston|weston|cirrus <- vgem|6.1|6.1'
	'etnaviv|libdrm_etnaviv|etnaviv <- udmabuf|arm64|arm64'
	'etnaviv-gbm|gbm_bo_map of Mesa|etnaviv <- udmabuf|arm64|arm64'
)
# Those of --all: the real driver code of GPUs in name only.
more_rows=(
	'nouveau|libdrm_nouveau|nouveau <- udmabuf|6.12|pci'
	'nouveau-i915|libdrm_nouveau|nouveau <- i915|6.12|pci'
	'i915|libdrm_intel|i915 <- udmabuf|6.12|pci'
	'amdgpu|ioctls of amdgpu|amdgpu <- udmabuf|6.12|pci'
	'evdi|sway with a dock|evdi <- virtio-gpu|6.12|dock'
	'msm|gbm_bo_map of Mesa|msm <- udmabuf|arm64|msm'
	'vulkan|vkMapMemory of Mesa|v3d <- udmabuf|arm64|v3d'
)
# In the order in which they run.
machines=(6.12 6.1 arm64 pci dock msm v3d)

# machine MACHINE NAME...: sets $machine to the options of vm.sh for that machine and these rows;
# $directory to where what runs there is built; $needs to the words for what is fetched; $fetching
# and $booting to how many seconds that, and the rows, usually take
machine() {
	local name
	machine=("${kvm[@]}") directory=$build needs='Linux 6.12 of Debian' fetching=15
	booting=$((10 + ($# - 1) * 20))
	case $1 in
	arm64 | msm | v3d)
		machine=(--append swiotlb=force) directory=$source/build-arm64
		needs='Linux 6.12 for arm64 of Debian'
		;;
	esac
	case $1 in
	6.12 | 6.1)
		machine+=(--kernel "$1" --device cirrus-vga) needs="Linux $1 of Debian"
		[[ " $* " != *' radeon '* ]] || machine+=(--gpu radeon)
		[ "$1" = 6.12 ] || booting=60
		;;
	arm64) machine+=(--gpu etnaviv) ;;
	pci)
		# An own QEMU, which emulates.
		machine=() needs+=' and QEMU 11' fetching=30
		for name in "${@:2}"; do
			case $name in
			nouveau-i915) machine+=(--gpu nouveau_pci --gpu i915) ;;
			nouveau) machine+=(--gpu nouveau_pci) ;;
			*) machine+=(--gpu "$name") ;;
			esac
		done
		;;
	dock)
		machine+=(--gpu evdi --device virtio-gpu-pci --memory 3072)
		needs+=' and evdi' fetching=40 booting=60
		;;
	msm) machine+=(--gpu msm) ;;
	v3d) machine+=(--gpu v3d --release trixie) needs+=' 12, and Mesa of 13' fetching=20 ;;
	esac
}

# groups_of NAME...: prints the groups of packages that these rows need, see packages.sh
groups_of() {
	local name
	for name; do
		case $name in
		egl-*) echo demo ;;
		gstreamer | weston) echo demo "demo-$name" ;;
		# The machines of others cannot be this one.
		*) [ -z "$here" ] || continue ;;&
		radeon | nouveau* | i915 | amdgpu) echo vm-gpu ;;
		evdi) echo vm-gpu demo demo-dock ;;
		etnaviv* | msm | vulkan) echo vm-arm arm64 ;;
		esac
	done | tr ' ' '\n' | sort -u
}

# targets_of NAME...: prints what of build is made for them
targets_of() {
	local name
	for name; do
		case $name in
		egl-*) echo examples/dmabuf-texture ;;
		radeon | nouveau* | i915 | amdgpu) echo examples/libdrm-map ;;
		evdi) echo tests/kernel/dock ;;
		msm) [ -z "$here" ] || echo examples/gbm-map ;;
		vulkan) [ -z "$here" ] || echo examples/vulkan-map ;;
		esac
	done | sort -u
}

# rows_of MACHINE NAME...: prints those of the names whose row has that machine
rows_of() {
	local row name
	for row in "${rows[@]}"; do
		for name in "${@:2}"; do
			[ "${row%%|*}|${row##*|}" != "$name|$1" ] || echo "$name"
		done
	done
}
