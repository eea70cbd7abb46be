# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# To be sourced by the scripts in bash: builds primeshim, its tests and its examples.

# build_all SOURCE [ARCHITECTURE]...: builds in the directory $build, which is SOURCE if SOURCE has
# been configured, and else SOURCE/build; for other architectures in SOURCE/build-ARCHITECTURE
build_all() {
	local source=$1 arch
	shift
	build=$source/build
	[ ! -e "$source/config.status" ] || build=$source
	mkdir -p "$build" && cd "$source" || return
	if [ ! -e configure ] || [ configure.ac -nt configure ] ||
		[ Makefile.am -nt Makefile.in ]; then
		autoreconf -fi || return
	fi
	cd "$build" || return
	if [ ! -e config.status ]; then
		"$source/configure" || return
	elif grep -Eq 'HAVE_(EXAMPLE|RADEON_MAP|JSON|TOOL)_TRUE"\]="#"' config.status; then
		# Their libraries were missing when it was configured.
		./config.status --recheck && ./config.status || return
	fi
	make -j"$(nproc)" || return
	for arch; do
		"$source/scripts/build-for.sh" --quick "$arch" "$source/build-$arch" || return
	done
}
