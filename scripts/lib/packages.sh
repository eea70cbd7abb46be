# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# To be sourced by the scripts in bash: installs the Debian packages that they need.

declare -A packages_of=(
	[analyze]='cppcheck gcovr' # make analyze, make coverage
	[build]='gcc libc6-dev make autoconf automake libtool pkg-config libcap2-bin linux-libc-dev
		libdrm-dev libjson-c-dev libncurses-dev libelf-dev libcap-dev systemtap-sdt-dev
		libpng-dev libgbm-dev libegl-dev libgles-dev libvulkan-dev'
	[vm]='qemu-system-x86 busybox-static kmod cpio mmdebstrap xz-utils'
	[vm-gpu]='gcc gcc-12 make' # of amd64
	[vm-arm]='qemu-system-arm device-tree-compiler mmdebstrap make' # of arm64 and armhf
	[emulation]='qemu-user-static'
	# What build-for.sh needs for a machine.
	[arm64]='gcc-aarch64-linux-gnu libc6-dev-arm64-cross mmdebstrap'
	[armhf]='gcc-arm-linux-gnueabihf libc6-dev-armhf-cross mmdebstrap'
	[i386]='gcc-i686-linux-gnu libc6-dev-i386-cross mmdebstrap'
	[riscv64]='gcc-riscv64-linux-gnu libc6-dev-riscv64-cross mmdebstrap'
	[s390x]='gcc-s390x-linux-gnu libc6-dev-s390x-cross mmdebstrap'
	# What demo-guest.sh needs for each row, and for one of them.
	[demo]='libgl1-mesa-dri libegl-mesa0'
	[demo-gstreamer]='gstreamer1.0-tools gstreamer1.0-plugins-base gstreamer1.0-plugins-good
		gstreamer1.0-gl'
	[demo-weston]='udev weston'
	[demo-dock]='seatd sway swaybg udev util-linux'
	[direct]='ffmpeg' # kernel-direct.sh
	[tour]='python3-pyte bsdutils'
	[survey]='jq mmdebstrap'
	# The root file systems of scripts/docs/survey.sh
	[survey-root]='seatd dbus udev procps kmod libcap2 libjson-c5 libncursesw6 libgl1-mesa-dri
		libegl-mesa0 mesa-vulkan-drivers mesa-utils fonts-dejavu-core weston sway cage
		wayfire phoc kwin-wayland mutter gnome-shell xserver-xorg-core x11-xserver-utils
		xserver-xorg-input-libinput vulkan-tools kmscube glmark2-es2-drm
		glmark2-es2-wayland libdrm-tests mpv ffmpeg gstreamer1.0-tools
		gstreamer1.0-plugins-base gstreamer1.0-plugins-good gstreamer1.0-plugins-bad
		gstreamer1.0-gl obs-studio wf-recorder grim wayvnc kodi kodi-bin cog chromium
		firefox-esr gtk-4-examples libsdl2-tests mir-demos mir-graphics-drivers-desktop
		retroarch drm-info plymouth swaybg foot epiphany-browser xwayland
		libcamera-tools python3-dbusmock libglib2.0-bin qml6-module-qtquick
		qml6-module-qtquick-window qml6-module-qtqml-workerscript libqt6opengl6 qt6-wayland
		qml-qt6 adwaita-icon-theme hicolor-icon-theme'
	[survey-bookworm]='libelf1 gamescope qtwayland5'
	[survey-trixie]='libelf1t64 labwc wl-mirror vkmark libsdl3-tests'
	[dock]='grim libgl1-mesa-dri libegl-mesa0 perl-base seatd sway swaybg udev weston'
	# Not gcc-multilib, which excludes cross compilers.
	[abi]='clang gcc-12-multilib libc6-dev-i386 musl-tools'
	[audit]='apt dpkg binutils debian-archive-keyring'
	[package]='build-essential debhelper dpkg-dev lintian mmdebstrap systemd'
	[bench]='binutils libsocket-wrapper libv4l-0 strace umockdev valgrind'
	[programs]='git python3 libpython3.11-testsuite stress-ng xz-utils libjemalloc2'
	[programs-all]='gcc libc6-dev binutils make valgrind libtcmalloc-minimal4 libmimalloc2.0
		chromium'
	[programs-guest]='kmscube libdrm-tests glmark2-es2-drm libgl1-mesa-dri libegl-mesa0
		vulkan-tools mesa-vulkan-drivers'
	[test]='bash-completion binutils btrfs-progs check codespell e2fsprogs f2fs-tools gdb
		groff-base jq kmscube libglib2.0-bin libjemalloc2 libmimalloc2.0
		libtcmalloc-minimal4 libxml2-utils man-db mandoc perl shellcheck strace
		valgrind xfsprogs xz-utils zsh'
	[trace]='trace-cmd' # kernel-trace.sh
)

# packages_missing GROUP...: prints those of the groups' packages that are not installed
packages_missing() {
	local group package
	for group; do
		for package in ${packages_of[$group]}; do
			case $(dpkg-query -W -f '${db:Status-Abbrev}' "$package" 2>/dev/null) in
			?i*) ;;
			*) echo "$package" ;;
			esac
		done
	done
}

# packages_need GROUP...: installs what is missing of them; fails, and says why, if it cannot
packages_need() {
	local missing as_root=() get=(apt-get -q -y)
	if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
		echo "${0##*/}: this is no Debian: nothing is installed, all has to be there" >&2
		return 0
	fi
	mapfile -t missing < <(packages_missing "$@")
	[ ${#missing[@]} != 0 ] || return 0
	if [ "$(id -u)" != 0 ]; then
		as_root=(sudo DEBIAN_FRONTEND=noninteractive)
		if ! command -v sudo >/dev/null; then
			echo "${0##*/}: packages are missing and there is no sudo; as root, run:" \
				"apt-get install --no-install-recommends ${missing[*]}" >&2
			return 1
		fi
	fi
	echo "${0##*/}: installing ${missing[*]}" >&2
	export DEBIAN_FRONTEND=noninteractive
	# Without lists, or with old ones, apt-get knows no package or no longer its file.
	"${as_root[@]}" "${get[@]}" update >&2 &&
		"${as_root[@]}" "${get[@]}" install --no-install-recommends "${missing[@]}" >&2 &&
		return
	echo "${0##*/}: apt-get failed, see above; missing are: ${missing[*]}" >&2
	return 1
}
