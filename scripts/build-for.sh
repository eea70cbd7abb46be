#!/bin/bash
# SPDX-License-Identifier: MIT
# Builds primeshim and its tests for another architecture in a directory, against Debian's packages
# for that architecture. vm.sh --arch and machine.sh run the tests with the same packages.

me=build-for.sh
source=$(realpath -- "$0") && source=${source%/*/*}
# shellcheck source=scripts/lib/debian.sh
. "$source/scripts/lib/debian.sh" || exit 2

quick='' demo=''
case ${1-} in
--quick) quick=yes && shift ;;
--demo) demo=yes && shift ;;
esac
if [ $# -lt 2 ] || [ -z "${triplet_of[$1]-}" ] || [[ $2 = -* ]]; then
	cat >&2 <<-EOT
	Usage: $me [--quick | --demo] arm64|armhf|i386|riscv64|s390x DIRECTORY [CONFIGURE-OPTION]...
	Builds in DIRECTORY, which is created; scripts/vm.sh --arch and tests/kernel/machine.sh run
	what is in it. --quick leaves out the fuzzer and the faults, --demo all but what
	scripts/demo.sh runs. Exit status 77: the packages cannot be fetched now, as Debian's mirror
	is being updated.
	EOT
	exit 2
fi
triplet=${triplet_of[$1]}
for need in "$triplet-gcc:gcc-$triplet" mmdebstrap:mmdebstrap autoreconf:autoconf; do
	command -v "${need%:*}" >/dev/null && continue
	echo "$me: ${need%:*} is missing: install the Debian package ${need#*:}" >&2
	exit 2
done
root=$(debian_root "$1")
case $? in
0) ;;
77) exit 77 ;;
*) exit 2 ;;
esac
[ -e "$source/configure" ] || (cd "$source" && autoreconf -fi) || exit
mkdir -p "$2" && cd "$2" || exit 2
lib=$root/usr/lib/${triplet/i686/i386}
# Exported, since make runs configure again when configure is new.
export PKG_CONFIG_LIBDIR=$lib/pkgconfig PKG_CONFIG_SYSROOT_DIR=$root
# libtool is the last thing that configure makes.
{ [ -e libtool ] && grep -qF -e "--sysroot=$root" config.status 2>/dev/null; } ||
	"$source/configure" "--host=$triplet" --enable-werror \
	CC="$triplet-gcc --sysroot=$root" "${@:3}" || exit
if [ -n "$demo" ]; then
	make -j"$(nproc)" libprimeshim.la scripts/run-with-shim.sh examples/etnaviv-map \
		examples/gbm-map examples/vulkan-map
	exit
fi
more=()
[ -n "$quick" ] || more=(tests/fuzz/fuzz tests/fuzz/faults)
[ ! -e "$lib/pkgconfig/libdrm_etnaviv.pc" ] ||
	more+=(tests/kernel/etnaviv tests/kernel/etnaviv-mesa examples/etnaviv-map examples/gbm-map
		tools/primeshim)
[ ! -e "$lib/pkgconfig/vulkan.pc" ] || more+=(examples/dmabuf-vulkan examples/vulkan-map)
make -j"$(nproc)" libprimeshim.la tests/fake/libfake.la tests/kernel/libdrm tests/kernel/probe \
	tests/kernel/sync tests/unit/unit tests/process/brackets tests/process/direct \
	tests/process/drivers tests/process/trap tests/process/waits tests/process/warm \
	scripts/run-with-shim.sh "${more[@]}"
