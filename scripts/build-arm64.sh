#!/bin/bash
# SPDX-License-Identifier: MIT
# Builds primeshim and its tests for arm64 in a folder, against the packages that vm.sh --arch arm64
# runs them over.

me=build-arm64.sh
source=$(realpath -- "$0") && source=${source%/*/*}
# shellcheck source=scripts/vm-arm64.sh
. "$source/scripts/vm-arm64.sh" || exit 2

if [ $# != 1 ] || [[ $1 = -* ]]; then
	echo "Usage: $me FOLDER, which is created; then scripts/vm.sh --etnaviv runs what is in it" >&2
	exit 2
fi
for need in aarch64-linux-gnu-gcc:gcc-aarch64-linux-gnu mmdebstrap:mmdebstrap \
	autoreconf:autoconf; do
	command -v "${need%:*}" >/dev/null && continue
	echo "$me: ${need%:*} is missing: install the Debian package ${need#*:}" >&2
	exit 2
done
root=$(arm64_root) || exit 2
[ -e "$source/configure" ] || (cd "$source" && autoreconf -fi) || exit
mkdir -p "$1" && cd "$1" || exit 2
lib=$root/usr/lib/aarch64-linux-gnu
[ -e config.status ] || PKG_CONFIG_LIBDIR=$lib/pkgconfig PKG_CONFIG_SYSROOT_DIR=$root \
	"$source/configure" --host=aarch64-linux-gnu CC="aarch64-linux-gnu-gcc --sysroot=$root" \
	--enable-werror || exit
make -j"$(nproc)" libprimeshim.la tests/libfake.la tests/sync tests/etnaviv tests/unit tests/fuzz \
	scripts/run-with-shim.sh
