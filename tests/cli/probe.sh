#!/bin/bash
# SPDX-License-Identifier: MIT
# primeshim probe: what it runs, what it says of the answers, and how it ends. The program that maps
# and the launcher are stand-ins beside a copy of primeshim; tests/kernel/kernel-status.sh has the
# real ones, on a real kernel.
set -u
# shellcheck source=tests/lib/promise.sh
. "$(dirname "$0")/../lib/promise.sh" || exit 99
build=$(cd "${top_builddir:-.}" && pwd -P)
[ -x "$build/tools/primeshim" ] || exit 77
tmp=$(mktemp -d) || exit 99
trap 'rm -rf "$tmp"' EXIT
unset PRIMESHIM_MODE
mkdir "$tmp/bin"
cp "$build/tools/primeshim" "$tmp/bin"
tool=$tmp/bin/primeshim
# The mapping program: answers by importer, and by whether the launcher has run it.
cat >"$tmp/bin/primeshim-probe" <<'EOT'
#!/bin/sh
case $1,$PRIMESHIM_MODE in
drivers,*) printf 'refuses\nmaps\nrefuses\n' ;;
gone,*) echo 'no such device' >&2 && exit 2 ;;
killed,*) kill -9 $$ ;;
takes-none,*) echo 'import ENODEV' ;;
maps,* | *,rescue) [ "$1" = broken ] && echo 'other bytes' || echo right ;;
refuses,off) echo 'map ioctl EINVAL' ;;
*) echo "SIGBUS" ;;
esac
EOT
cat >"$tmp/bin/run-with-shim" <<'EOT'
#!/bin/sh
[ "$1 $2 $3 $4" = '--quiet --mode rescue --' ] || exit 2
shift 4
PRIMESHIM_MODE=rescue exec "$@"
EOT
chmod +x "$tmp/bin"/*

# probed STATUS LINE MEANING ARG...: ends so, and prints those two lines and no other
# shellcheck disable=SC2317
probed() {
	local status
	"$tool" probe "${@:4}" >"$tmp/out" 2>"$tmp/err"
	status=$?
	[ "$status" = "$1" ] && [ "$(sed -n 1p "$tmp/out")" = "$2" ] &&
		[[ $(sed -n 2p "$tmp/out") = *$3* ]] && [ "$(wc -l <"$tmp/out")" = 2 ] && return
	cat "$tmp/out" "$tmp/err"
	return 1
}

# refused REGEX ARG...: status 2, nothing on stdout, and a line on stderr that matches
# shellcheck disable=SC2317
refused() {
	local status
	"$tool" probe "${@:2}" >"$tmp/out" 2>"$tmp/err"
	status=$?
	[ "$status $(wc -c <"$tmp/out")" = '2 0' ] && grep -qE "$1" "$tmp/err"
}

promise 'a map that is refused, and healed' probed 0 \
	'refuses <- vgem: natively: map ioctl EINVAL; with the shim: right' \
	'run-with-shim --mode rescue COMMAND' refuses vgem
promise 'natively means without a shim that is there already' env PRIMESHIM_MODE=rescue \
	bash -c "[ \"\$('$tool' probe refuses vgem | head -n 1)\" = \
	'refuses <- vgem: natively: map ioctl EINVAL; with the shim: right' ]"
promise 'a map that works' probed 0 'maps <- vgem: natively: right; with the shim: right' \
	"the driver's own mapping shows the buffer" maps vgem
promise 'one that the shim does not heal: status 1, and a report is asked for' probed 1 \
	'broken <- vgem: natively: SIGBUS; with the shim: other bytes' 'please report it' \
	broken vgem
promise 'an import that is refused: status 1, and nobody can help' probed 1 \
	'takes-none <- vgem: natively: import ENODEV; with the shim: import ENODEV' \
	'nobody can map them there' takes-none vgem
promise 'a device that is not there' refused 'no such device' gone vgem
promise 'a program that is killed' refused 'Killed' killed vgem
promise 'three words' refused 'one importer and one exporter at a time' a b c
promise 'a wrong option' refused 'unknown option' --bogus
promise 'what would break the kernel' refused 'etnaviv-system-heap' etnaviv heap
if [ -w /dev/udmabuf ]; then
	"$tool" probe >"$tmp/out" 2>"$tmp/err"
	promise 'without a name: each driver once' [ "$(grep -c ' <- udmabuf: ' "$tmp/out")" = 2 ]
else
	promise 'without /dev/udmabuf: what to do' refused '/dev/udmabuf cannot be opened' maps
fi
mv "$tmp/bin/primeshim-probe" "$tmp/bin/other"
promise 'without its program' refused 'primeshim-probe is missing' maps vgem
exit $fail
