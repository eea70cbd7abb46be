# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# To be sourced by scripts/programs.sh where there are DRM devices, mostly in a virtual machine made
# by scripts/vm.sh with virtio-gpu-pci and cirrus-vga: the programs that want one. All are drawn by
# Mesa's llvmpipe and lavapipe, into buffers that the program's own device made and maps.
# shellcheck disable=SC2034,SC2317 # what is set and defined here is used there

# card DRIVER: prints the DRM card whose device has that driver
card() {
	local dir
	for dir in /sys/class/drm/card?; do
		case $(readlink "$dir/device/driver") in
		*/"$1") echo "/dev/dri/${dir##*/}" && return ;;
		esac
	done
}

cube() {
	mkfifo input # An input that has nothing and does not end: at its end kmscube would stop.
	GBM_ALWAYS_SOFTWARE=1 kmscube -D "$1" --count=3 <>input
	rm input
}

# modes_of DRIVER: what there is, and a picture drawn by the CPU into a mapped dumb buffer
modes_of() {
	local connector mode
	modetest -M "$1"
	modetest -M "$1" -c >connectors
	connector=$(awk '$3 == "connected" { print $1; exit }' connectors)
	mode=$(awk '$1 == "#0" { print $2; exit }' connectors)
	modetest -M "$1" -s "$connector:$mode"
}

# Scenes whose pictures glmark2 finds right natively too, in emulation and at any size
glmark() {
	GBM_ALWAYS_SOFTWARE=1 glmark2-es2-drm --validate -b build:use-vbo=false \
		-b build:use-vbo=true -b bump:bump-render=high-poly -b bump:bump-render=normals |
		tee report
	[ "$(grep -c ': Validation: Success$' report)" = 4 ]
}

vulkan() {
	local icd=/usr/share/vulkan/icd.d/lvp_icd.x86_64.json
	XDG_RUNTIME_DIR=$PWD VK_DRIVER_FILES=$icd VK_ICD_FILENAMES=$icd vulkaninfo
}

guest_programs() {
	local name driver path
	# Mesa's path for plain 2D drawing garbles edges in QEMU's emulation of AVX2.
	plain+=(LP_PERF=no_linear MESA_SHADER_CACHE_DISABLE=true)
	for name in virtio_gpu=virtio-pci cirrus=cirrus; do
		driver=${name%=*} path=$(card "${name#*=}")
		if [ -z "$path" ]; then
			echo "# skipped: kmscube and modetest on $driver: there is no such device"
			continue
		fi
		blur='/^Rendered [0-9]+ frames in /d; s/(Using display) 0x[0-9a-f]+/\1 ADDRESS/'
		compare "kmscube on $driver" "cube $path" '' 'libdrm.so.2 calls'
		blur=''
		compare "modetest on $driver" "modes_of $driver" '' 'modetest calls' \
			'libdrm.so.2 calls'
	done
	[ -z "$quick" ] || return
	compare 'glmark2' glmark '' 'libdrm.so.2 calls'
	compare 'vulkaninfo on lavapipe' vulkan '' 'vulkaninfo has'
}
