# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# To be sourced by vm.sh: what its option --radeon takes, so that the driver radeon runs on QEMU's
# ati-vga. The driver needs any file as firmware and tests/kernel/radeon-bypass, a module that is built
# against the kernel's own headers once.

# radeon_fetch_headers VERSION: unpacks the headers and build tools of that kernel into this directory,
# and makes them find each other there
radeon_fetch_headers() {
	local package names=("linux-headers-$1")
	while read -r package; do
		names+=("$package")
	done < <(apt-cache depends "${names[0]}" 2>/dev/null |
		sed -n 's/.* Depends: \(linux-headers-.*-common\|linux-kbuild-.*\)/\1/p')
	if [ ${#names[@]} != 3 ]; then
		echo "${0##*/}: apt knows no ${names[0]}: run apt-get update, or, if it has only" \
			"those of a newer kernel, delete the cached kernel to fetch that one" >&2
		return 1
	fi
	echo "${0##*/}: fetching ${names[*]}" >&2
	apt-get -q -o APT::Sandbox::User=root download "${names[@]}" >&2 || return
	for package in ./*.deb; do
		dpkg -x "$package" . || return
	done
	sed -i "s|/usr/src/|$PWD/usr/src/|" "usr/src/linux-headers-$1/Makefile"
}

# radeon_build SOURCE VERSION FILE: builds the module for that kernel as FILE, in a directory beside it
# that is left for the next try if it cannot
radeon_build() {
	local dir=${3%/*}/radeon-bypass.new
	rm -rf "$dir"
	mkdir -p "$dir" && cd "$dir" || return
	radeon_fetch_headers "$2" && mkdir module && cp "$1"/* module || return
	# The debugging data of a module needs a program of its own, and nobody reads it.
	make -C "usr/src/linux-headers-$2" "M=$PWD/module" CONFIG_DEBUG_INFO_BTF_MODULES= \
		modules >&2 && mv module/radeon_bypass.ko "$3" && cd / && rm -rf "$dir"
}

# radeon_prepare SOURCE KERNEL DIR: writes the modules of the kernel in that directory, numbered in
# their order, and what the guest does with them to DIR; ends the script if it cannot
radeon_prepare() {
	local sum file version
	need make make
	need gcc-12 gcc-12
	sum=$(cat "$1"/* | sha256sum) || die 2 "cannot read $1"
	version=$(cat "$2/version")
	file=${2%/*}/radeon-bypass-$version-${sum:0:12}.ko
	case $file in
	*[[:space:]]*) die 2 "--radeon builds a module, which a space in ${2%/*} prevents" ;;
	esac
	if [ ! -e "$file" ]; then
		(
			flock 9
			[ -e "$file" ] || radeon_build "$1" "$version" "$file" ||
				die 2 "cannot build the module for radeon on $version; see above"
		) 9>"${2%/*}/radeon-bypass.lock" || exit 2
	fi
	if ! mkdir "$3" || ! unpack_modules "$2" "$3/modules" radeon ||
		! cp "$file" "$3/modules/999-radeon_bypass" || ! radeon_guest >"$3/main"; then
		die 2 "cannot unpack the modules of radeon to $3"
	fi
}

# radeon_guest: prints what goes on in the guest, before the command and as a part of its main
radeon_guest() {
	cat <<-'EOF'
	# Never executed, but read: a multiple of 8 bytes.
	mkdir -p /lib/firmware/radeon && head -c 2048 /dev/zero >/lib/firmware/radeon/R100_cp.bin ||
		fail 'the guest cannot write the firmware of radeon'

	# The kprobes want the driver loaded, and the driver wants the kprobes before its device.
	pci=/sys/bus/pci
	echo 0 >$pci/drivers_autoprobe
	loaded=$(cut -d ' ' -f 1 /proc/modules)
	for file in /run/vm/radeon/modules/*; do
		name=${file##*/}
		name=${name#*-}
		! grep -qx "${name//-/_}" <<<"$loaded" || continue
		insmod "$file" || fail "the guest cannot load the module $name"
	done
	# A console's mode set divides by zero on that device.
	echo 0 >/sys/module/drm_kms_helper/parameters/fbdev_emulation ||
		fail 'the guest cannot keep the console from radeon'
	for device in $pci/devices/*; do
		[ "$(cat "$device/vendor")" = 0x1002 ] || continue
		echo "${device##*/}" >$pci/drivers/radeon/bind
		break
	done
	echo 1 >$pci/drivers_autoprobe
	for device in $pci/drivers/radeon/0*/drm/card*; do
		[ -e "$device" ] || fail 'radeon did not take its device'
	done
	[ "$(cat /sys/module/radeon_bypass/parameters/skipped)" -ge 2 ] ||
		fail 'radeon was not kept from testing its device: it would refuse imports'
	EOF
}
