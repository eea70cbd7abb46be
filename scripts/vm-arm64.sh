# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# To be sourced by vm.sh: what its options --arch arm64 and --etnaviv take, and by build-arm64.sh,
# which builds for it. The root file system is made of Debian's packages, unpacked and not
# configured; the GPU is one in name only, a block of registers that always read the same, which is
# enough for the driver etnaviv to register and to import, export, map and sync buffers.

# Whatever a COMMAND here may want, and libdrm's headers and libraries. Add one to the layout when
# they change.
arm64_layout=1
arm64_packages='bash busybox-static coreutils findutils gawk grep kmod libdrm-dev libdrm-etnaviv1
	libdrm-tests mount procps sed strace util-linux'

# arm64_sources: prints the lines of apt's sources for bookworm, from the mirrors of this machine
arm64_sources() {
	# shellcheck disable=SC2016
	apt-get indextargets --no-release-info --format '$(RELEASE) $(REPO_URI)' \
		'Created-By: Packages' 'Component: main' |
		sed -nE 's/^(bookworm(-updates|-security)?) (.*)/deb \3 \1 main/p' | awk '!seen[$0]++'
}

# arm64_unpack DIR PACKAGE...: unpacks the packages and all that they depend on into a new DIR
arm64_unpack() {
	local dir=$1 sources
	shift
	sources=$(arm64_sources)
	if [ -z "$sources" ]; then
		echo "${0##*/}: apt's sources name no mirror of Debian 12" >&2
		return 1
	fi
	echo "${0##*/}: fetching $* for arm64" >&2
	rm -rf "$dir"
	mmdebstrap --quiet --architectures=arm64 --variant=extract \
		--skip=check/empty,output/dev --include="$(tr -s '\n\t ' , <<<"${*%$'\n'}" | sed 's/,$//')" \
		bookworm "$dir" - <<<"$sources" >&2
}

# arm64_root: prints the folder of the root file system, which is made and kept if there is none
arm64_root() {
	local root=${XDG_CACHE_HOME:-$HOME/.cache}/primeshim/root-arm64-$arm64_layout
	mkdir -p "${root%/*}" || return
	(
		flock 9
		[ ! -e "$root" ] || exit 0
		# shellcheck disable=SC2086
		arm64_unpack "$root.new" $arm64_packages && ln -s gawk "$root.new/usr/bin/awk" &&
			mv -T "$root.new" "$root"
	) 9>"$root.lock" && realpath "$root"
}

# arm64_kernel META DIR: unpacks that kernel into DIR, which is empty; prints its version
arm64_kernel() {
	arm64_unpack "$2/unpacked" "$1" || return
	set -- "$1" "$2" "$2"/unpacked/boot/vmlinuz-*
	mv "$3" "$2/vmlinuz" && mv "$2/unpacked/lib" "$2" && rm -r "$2/unpacked" &&
		echo "${3##*/vmlinuz-}"
}

# etnaviv_registers FILE: writes the block of registers, of a GC7000 that is idle
etnaviv_registers() {
	local at value
	head -c $((0x40000)) /dev/zero >"$1" || return
	while read -r at value; do
		# Little-endian words
		# shellcheck disable=SC2059
		printf "\\x${value:6:2}\\x${value:4:2}\\x${value:2:2}\\x${value:0:2}" |
			dd of="$1" bs=1 seek=$((at)) conv=notrunc status=none || return
	done <<-EOF
	0x000 00070100
	0x004 7fffffff
	0x020 00007000
	0x024 00006214
	0x028 20160929
	0x104 000000ff
	EOF
	truncate -s 64M "$1"
}

# etnaviv_prepare DIR MEMORY: writes the registers and a device tree with the GPU to DIR, for a
# machine with so many MiB
etnaviv_prepare() {
	local clock tree=$1/virt.dts
	mkdir -p "$1" && etnaviv_registers "$1/registers" &&
		qemu-system-aarch64 -M "virt,dumpdtb=$1/virt.dtb" -cpu cortex-a57 -m "$2" -smp 2 \
			-nodefaults -display none 2>/dev/null && dtc -q -I dtb -O dts -o "$tree" "$1/virt.dtb" || return
	# The second bank of flash becomes the registers, and may not be flash to the kernel as well.
	clock=$(sed -n '/apb-pclk {/,/}/s/.*phandle = <\(0x[0-9a-f]*\)>.*/\1/p' "$tree")
	[ -n "$clock" ] || return
	sed -e '/^\tflash@0 {/,/^\t};/d' -e '$d' "$tree" >"$1/etnaviv.dts" || return
	cat >>"$1/etnaviv.dts" <<-EOF
		gpu@4000000 {
			compatible = "vivante,gc";
			reg = <0x00 0x4000000 0x00 0x40000>;
			interrupts = <0x00 0x64 0x04>;
			clocks = <$clock $clock $clock $clock>;
			clock-names = "core", "shader", "bus", "reg";
		};
	};
	EOF
	dtc -q -I dts -O dtb -o "$1/etnaviv.dtb" "$1/etnaviv.dts"
}
