# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# To be sourced by the scripts in bash: builds primeshim, its tests and its examples.

# build_configure SOURCE: sets $build, which is SOURCE if SOURCE has been configured, and else
# SOURCE/build; configures there if that has not been done, and goes there
build_configure() {
	local source=$1
	build=$source/build
	[ ! -e "$source/config.status" ] || build=$source
	mkdir -p "$build" && cd "$source" || return
	if [ ! -e configure ] || [ configure.ac -nt configure ] ||
		[ Makefile.am -nt Makefile.in ]; then
		autoreconf -fi || return
	fi
	cd "$build" || return
	# libtool is the last thing that it makes: without it configure was interrupted.
	if [ ! -e config.status ] || [ ! -e libtool ]; then
		"$source/configure" || return
	elif grep -Eq 'HAVE_(EXAMPLE|LIBDRM_MAP|JSON|TOOL)_TRUE"\]="#"' config.status; then
		# Their libraries were missing when it was configured.
		./config.status --recheck && ./config.status || return
	fi
}

# build_all SOURCE [ARCHITECTURE]...: configures and builds in $build; for other architectures in
# SOURCE/build-ARCHITECTURE
build_all() {
	local source=$1 arch
	shift
	build_configure "$source" || return
	make -j"$(nproc)" || return
	for arch; do
		"$source/scripts/build-for.sh" --quick "$arch" "$source/build-$arch" || return
	done
}
