# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# To be sourced by the scripts in bash: root file systems and kernels of other architectures and
# releases, made of Debian's packages, which are unpacked and not configured.

# shellcheck disable=SC2034
declare -A triplet_of=([arm64]=aarch64-linux-gnu [armhf]=arm-linux-gnueabihf
	[i386]=i686-linux-gnu [riscv64]=riscv64-linux-gnu [s390x]=s390x-linux-gnu)
# Debian 12 has no riscv64.
declare -A release_of=([arm64]=bookworm [armhf]=bookworm [i386]=bookworm
	[riscv64]=trixie [s390x]=bookworm)
# The packages for a build and for emulation; then those that a virtual machine has for a COMMAND.
# Add 1 to the layout when you change them, and to the later one when you change debian_later.
debian_layout=9 debian_later_layout=10
debian_base='check libc6-dev libdrm-dev'
debian_machine='bash binutils busybox-static coreutils diffutils findutils gawk gcc grep kmod
	libc-bin libcap-dev libdrm-etnaviv1 libdrm-tests libegl-dev libegl-mesa0 libegl1 libelf-dev
	libgbm-dev libgl1-mesa-dri libgles-dev libjson-c-dev libncurses-dev libpng-dev libvulkan-dev
	mount procps sed strace util-linux'
# A later release's packages: it runs what was built for the first one. Debian 12 has no Vulkan
# drivers of Mesa's for these machines.
debian_later='bash busybox-static coreutils findutils gawk grep kmod libdrm-tests libpng16-16t64
	libvulkan1 mesa-vulkan-drivers mount procps sed util-linux'

# debian_sources SUITE: prints lines for apt's sources, for the suite and its release, with the
# mirrors of this machine
debian_sources() {
	local suite uri
	# shellcheck disable=SC2016
	apt-get indextargets --no-release-info --format '$(RELEASE) $(REPO_URI)' \
		'Created-By: Packages' 'Component: main' |
		while read -r suite uri; do
			case $suite,$1 in
			*-security,*-security) echo "deb $uri $1 main" ;;
			*-*,*) ;;
			*,*-security | *,"${1%-*}") echo "deb $uri ${1%-*} main" ;;
			*) printf 'deb %s %s main\n' "$uri" "${1%-*}" "$uri" "$1" ;;
			esac
		done | awk '!seen[$0]++'
}

# debian_unpack SUITE ARCHITECTURE DIR PACKAGE...: unpacks the packages and all that they depend on
# into a new DIR; status 77: not now, since the mirror is being updated
debian_unpack() {
	local suite=$1 arch=$2 dir=$3 sources
	shift 3
	sources=$(debian_sources "$suite")
	if [ -z "$sources" ]; then
		echo "${0##*/}: apt's sources name no mirror of Debian" >&2
		return 1
	fi
	echo "${0##*/}: fetching $* for $arch" >&2
	rm -rf "$dir"
	# chrootless needs no root. Its output is shown if it fails.
	if mmdebstrap --mode=chrootless "--architectures=$arch" --variant=extract \
		--skip=check/empty,output/dev \
		--include="$(tr -s '\n\t ' , <<<"${*%$'\n'}" | sed 's/,$//')" \
		"${suite%-*}" "$dir" - <<<"$sources" >"$dir.log" 2>&1; then
		rm "$dir.log"
		return
	fi
	tail -n 30 "$dir.log" >&2
	# The mirror's lists are not those that its release names: try later.
	! grep -q 'Mirror sync in progress' "$dir.log" || return 77
	return 1
}

# debian_root ARCHITECTURE [RELEASE]: prints the directory of the root file system; makes and keeps
# it if there is none
debian_root() {
	local root=${XDG_CACHE_HOME:-$HOME/.cache}/primeshim/root-$1 packages=$debian_base
	local release=${2:-${release_of[$1]}}
	if [ "$release" != "${release_of[$1]}" ]; then
		packages=$debian_later root+=-$release-$debian_later_layout
	else
		root+=-$debian_layout
		[[ $1 != arm* ]] || packages+=" $debian_machine"
	fi
	mkdir -p "${root%/*}" || return
	(
		flock 9
		[ ! -e "$root" ] || exit 0
		# shellcheck disable=SC2086
		debian_unpack "$release" "$1" "$root.new" $packages || exit
		# Debian 13 leaves the links of a merged /usr to base-files.
		[ -e "$root.new/lib" ] || ln -s usr/lib "$root.new/lib" || exit
		[[ $1 != arm* ]] || {
			ln -s gawk "$root.new/usr/bin/awk" && ln -sf bash "$root.new/bin/sh"
		} && mv -T "$root.new" "$root"
	) 9>"$root.lock" && realpath "$root"
}

# debian_kernel SUITE ARCHITECTURE META DIR: unpacks that kernel into DIR, which is empty, and
# prints its version
debian_kernel() {
	local image modules
	debian_unpack "$1" "$2" "$4/unpacked" "$3/$1" || return
	# With a merged /usr, lib is a link. From Debian 14 on boot is empty.
	image=$(find "$4/unpacked" -name 'vmlinuz*' -type f) &&
		modules=$(find "$4/unpacked" -path '*/lib/modules' -type d) &&
		mkdir "$4/lib" && mv "$image" "$4/vmlinuz" && mv "$modules" "$4/lib" &&
		rm -r "$4/unpacked" && ls "$4/lib/modules"
}
