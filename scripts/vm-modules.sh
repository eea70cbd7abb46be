# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154 # what vm.sh has
# To be sourced by vm.sh: modules that Debian's kernels do not have. vm.sh builds them once, against
# the headers of the kernel that it boots.
#
#   bypass  tests/kernel/gpu-bypass, which lets a driver pass its self-tests
#   heaps   the kernel's own system heap, of linux-source
#   vkms    the kernel's virtual display, of linux-source
#   evdi    DisplayLink's virtual display, of evdi-dkms; evdi12 is an older one

# Which evdi, by the names of modules: 1.14 refuses imports, 1.12 maps them and is for old kernels.
declare -A evdi_from=([evdi]=trixie [evdi12]=bookworm)

# modules_get SUITE ARCHITECTURE PACKAGE...: fetches the packages into this directory, and nothing
# that they depend on
modules_get() {
	local apt=$PWD/apt suite=$1 arch=$2 options
	shift 2
	# apt removes from its lists whatever is none.
	mkdir -p "$apt/lists/partial" "$apt/cache" && : >"$apt/status" &&
		debian_sources "$suite" >"$apt/sources" || return
	options=(-q -o "Dir::State::Lists=$apt/lists" -o "Dir::State::status=$apt/status"
		-o "Dir::Etc::SourceList=$apt/sources" -o Dir::Etc::SourceParts=/dev/null
		-o "Dir::Cache=$apt/cache" -o "APT::Architecture=$arch"
		-o "APT::Architectures=$arch" -o APT::Sandbox::User=root)
	echo "${0##*/}: fetching $* for $arch" >&2
	apt-get "${options[@]}" update >"$apt/log" 2>&1 ||
		{ cat "$apt/log" >&2; return 1; }
	apt-get "${options[@]}" download "$@" >&2
}

# modules_headers SUITE VERSION: unpacks the headers and build tools of that kernel into this
# directory, and makes them find each other; the tools are this machine's. The file headers gets the
# version of the package.
modules_headers() {
	local package common tools
	if ! modules_get "$1" "$arch" "linux-headers-$2"; then
		echo "${0##*/}: if Debian has only the headers of a newer kernel than $2 now," \
			'delete the cached kernel to fetch the newer one' >&2
		return 1
	fi
	dpkg-deb -f ./linux-headers-*.deb Version >headers || return
	read -r common tools < <(dpkg-deb -f ./linux-headers-*.deb Depends |
		grep -o 'linux-\(headers\|kbuild\)-[^ ,]*' | sort | paste -sd ' ') &&
		modules_get "$1" "$arch" "$common" && modules_get "$1" amd64 "$tools" || return
	for package in ./*.deb; do
		dpkg -x "$package" . || return
	done
	rm ./*.deb && sed -i "s|/usr/src/|$PWD/usr/src/|" "usr/src/linux-headers-$2/Makefile"
}

# modules_source SERIES PATH...: unpacks those directories of the kernel's source, of the version of
# the headers, into the directory linux
modules_source() {
	local series=$1 version
	shift
	version=$(cat headers) || return
	if ! modules_get bookworm-security amd64 "linux-source-$series=$version"; then
		echo "${0##*/}: if Debian has another version of linux-source-$series than" \
			"$version now, delete the cached kernel to fetch the newer one" >&2
		return 1
	fi
	mkdir -p source linux && dpkg -x ./linux-source-*.deb source &&
		tar -xJf "source/usr/src/linux-source-$series.tar.xz" -C linux \
			--strip-components=1 "${@/#/linux-source-$series/}" &&
		rm -r source ./linux-source-*.deb
}

# modules_make NAME: after modules_headers, puts the module's source into the directory module
modules_make() {
	case $1 in
	bypass) cp -r "$source/tests/kernel/gpu-bypass" module ;;
	heaps)
		modules_source "$kernel" drivers/dma-buf &&
			cp -r "$source/tests/kernel/system-heap" module &&
			cp linux/drivers/dma-buf/{dma-heap.c,heaps/system_heap.c} module
		;;
	vkms)
		modules_source "$kernel" drivers/gpu/drm/vkms &&
			mv linux/drivers/gpu/drm/vkms module
		;;
	evdi*)
		modules_get "${evdi_from[$1]}" amd64 evdi-dkms &&
			dpkg -x ./evdi-dkms_*.deb evdi && rm ./*.deb &&
			mv evdi/usr/src/evdi-* module
		;;
	esac
}

# modules_build NAME FILE: builds it as FILE, in a directory beside it that is left for the next try
# if it cannot
modules_build() {
	local dir=${2%/*}/module-$1.new tools=() file flags=() prefix=''
	rm -rf "$dir"
	mkdir -p "$dir" && cd "$dir" || return
	modules_headers "${kernels[$arch-$kernel]% *}" "$version" && modules_make "$1" || return
	# Debian 12's kernels are built by gcc-12.
	case $arch in
	amd64) tools=(CC=gcc-12) ;;
	*) prefix=aarch64-linux-gnu- tools=(ARCH=arm64 "CROSS_COMPILE=$prefix") ;;
	esac
	case $1 in
	vkms) flags=(CONFIG_DRM_VKMS=m) ;;
	evdi*) flags=(DKMS_BUILD=1 "KERNELRELEASE=$version") ;;
	esac
	# The debugging data of a module needs a program of its own, and nobody reads it.
	make -C "usr/src/linux-headers-$version" "${tools[@]}" "${flags[@]}" "M=$PWD/module" \
		CONFIG_DEBUG_INFO_BTF_MODULES= modules >&2 || return
	for file in module/*.ko; do
		"${prefix}strip" -g "$file" && mv "$file" "$2" || return
	done
	cd / && rm -rf "$dir"
}

# module_of NAME KERNEL: prints the file of that module for the kernel in that directory, which is
# made and kept if there is none
module_of() {
	local sum file version directory=''
	version=$(cat "$2/version")
	case $2 in
	*[[:space:]]*) die 2 "make cannot build a module in ${2%/*}: its name has a space" ;;
	esac
	need make make
	case $arch in
	amd64) need gcc-12 gcc-12 ;;
	*) need aarch64-linux-gnu-gcc gcc-aarch64-linux-gnu ;;
	esac
	case $1 in
	bypass) directory=$source/tests/kernel/gpu-bypass ;;
	heaps) directory=$source/tests/kernel/system-heap ;;
	esac
	if [ -n "$directory" ]; then
		sum=$(cat "$directory"/* | sha256sum) || return
	else
		sum=$(sha256sum <<<"${evdi_from[$1]-}")
	fi
	file=${2%/*}/module-$1-$version-${sum:0:12}.ko
	(
		flock 9
		[ -e "$file" ] || modules_build "$1" "$file"
	) 9>"${2%/*}/module-$1.lock" && echo "$file"
}
