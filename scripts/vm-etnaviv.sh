# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# To be sourced by vm.sh: what its options --etnaviv and --system-heap take. The GPU is one in name
# only, a block of registers that always read the same, which is enough for the driver etnaviv to
# register and to import, export, map and sync buffers.

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

# etnaviv_prepare DIR QEMU...: writes the registers and a device tree with the GPU to DIR, for the
# machine that this QEMU makes
etnaviv_prepare() {
	local clock tree=$1/virt.dts
	mkdir -p "$1" && etnaviv_registers "$1/registers" &&
		"${@:2}" -machine "dumpdtb=$1/virt.dtb" -nodefaults -display none 2>/dev/null && dtc -q -I dtb -O dts -o "$tree" "$1/virt.dtb" || return
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

# heap_sources SERIES VERSION: fetches the heaps' sources of that kernel into this directory
heap_sources() {
	apt-get -q -o APT::Sandbox::User=root download "linux-source-$1" >&2 &&
		mkdir source && dpkg -x "linux-source-$1"_*.deb source || return
	if ! ls "linux-source-$1_${2%%+*}"-*.deb >/dev/null; then
		echo "${0##*/}: apt's linux-source-$1 is of another version than $2: delete the" \
			'cached kernel to fetch the one that goes with it' >&2
		return 1
	fi
	tar -xJf "source/usr/src/linux-source-$1.tar.xz" --strip-components=1 \
		"linux-source-$1/drivers/dma-buf" && rm -r source ./*.deb &&
		mv drivers/dma-buf/dma-heap.c drivers/dma-buf/heaps/system_heap.c .
}

# heap_build SOURCE SERIES VERSION FILE: builds the module with the kernel's system heap as FILE, in
# a directory beside it that is left for the next try if it cannot
heap_build() {
	local dir=${4%/*}/system-heap.new headers
	rm -rf "$dir"
	mkdir -p "$dir" && cd "$dir" || return
	mkdir module && cp "$1"/* module && (cd module && heap_sources "$2" "$3") &&
		debian_unpack bookworm-security arm64 "$PWD/root" "linux-headers-$3-arm64" || return
	# The tools that a build runs are to be this machine's.
	apt-get -q -o APT::Sandbox::User=root download "linux-kbuild-$3" >&2 &&
		rm -r "root/usr/lib/linux-kbuild-$3" && dpkg -x ./linux-kbuild-*.deb root || return
	headers=root/usr/src/linux-headers-$3-arm64
	sed -i "s|/usr/src/|$PWD/root/usr/src/|" "$headers/Makefile"
	make -C "$headers" ARCH=arm64 CROSS_COMPILE=aarch64-linux-gnu- "M=$PWD/module" \
		CONFIG_DEBUG_INFO_BTF_MODULES= modules >&2 &&
		aarch64-linux-gnu-strip -g module/heaps.ko && mv module/heaps.ko "$4" && cd / &&
		rm -rf "$dir"
}

# heap_module SOURCE KERNEL SERIES: prints the file of that module for the kernel in that directory,
# which is made and kept if there is none
heap_module() {
	local sum file version
	version=$(cat "$2/version") && sum=$(cat "$1"/* | sha256sum) || return
	file=${2%/*}/system-heap-$version-${sum:0:12}.ko
	(
		flock 9
		[ -e "$file" ] || heap_build "$1" "$3" "${version%-arm64}" "$file"
	) 9>"${2%/*}/system-heap.lock" && echo "$file"
}
