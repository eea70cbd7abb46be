#!/bin/bash
# SPDX-License-Identifier: MIT
# Ctrl-C ends scripts/demo.sh and scripts/check.sh, although what they run exits by itself then, as
# scripts/vm.sh does. The build, a step of it and the virtual
# machine are stand-ins.
# shellcheck disable=SC2016,SC2317 # what a stand-in expands; functions that promise() calls
set -u
# shellcheck source=tests/lib/wait.sh
. "$(dirname "$0")/../lib/wait.sh" || exit 99
# shellcheck source=tests/lib/promise.sh
. "$(dirname "$0")/../lib/promise.sh" || exit 99
src=$(cd "${top_srcdir:-.}" && pwd -P)
tmp=$(mktemp -d) || exit 99
pid=
clean_up() {
	[ ! -e "$tmp/pids" ] || xargs -r kill -9 <"$tmp/pids" 2>/dev/null
	[ -z "$pid" ] || kill -9 -- "-$pid" 2>/dev/null
	rm -rf "$tmp"
}
trap clean_up EXIT

# gone: has the script ended?
gone() {
	! grep -q '^State:[[:space:]]*[^ZX]' "/proc/$pid/status" 2>/dev/null
}

# ended_by N: does the script exit with that status? It has nothing to do any more.
ended_by() {
	local hang=20
	wait_until gone || return
	wait "$pid"
	[ $? = "$1" ]
}

# emptied: has the script taken its directory away?
emptied() {
	[ -z "$(ls -A "$tmp/tmp")" ]
}

[ -e "/proc/$$/task/$$/children" ] && [ -e "$src/scripts/demo.sh" ] || exit 77
mkdir -p "$tmp/scripts/lib" "$tmp/bin" "$tmp/tmp" "$tmp/build/examples"
cp "$src/scripts/check.sh" "$src/scripts/demo.sh" "$tmp/scripts/"
echo 'packages_need() { :; }' >"$tmp/scripts/lib/packages.sh"
echo 'build_all() { build=$source/build; }' >"$tmp/scripts/lib/build.sh"
printf '#!/bin/sh\n' >"$tmp/bin/gcc"
cat >"$tmp/scripts/vm.sh" <<EOF
#!/bin/bash
# It takes a while, as a virtual machine does: what else is in the pipeline has ended before.
trap 'kill \$!; sleep 0.5; exit 130' INT
sleep 100000 &
echo \$! \$\$ >>"$tmp/pids"
wait
EOF
chmod +x "$tmp/bin/gcc" "$tmp/scripts/vm.sh"
for stand_in in bin/autoreconf build/examples/dmabuf-texture build/examples/radeon-map; do
	cp "$tmp/scripts/vm.sh" "$tmp/$stand_in"
done

set -m # each script is a process group
# A test that runs in the background may have inherited that SIGINT is ignored.
heeds=(env --default-signal=INT)
"${heeds[@]}" "$tmp/scripts/demo.sh" --out "$tmp/pictures" >/dev/null 2>&1 &
pid=$!
promise 'demo.sh has started a virtual machine' wait_until lines "$tmp/pids" 1
kill -INT -- "-$pid"
promise 'Ctrl-C ends demo.sh, with status 130' ended_by 130
promise 'demo.sh has started no other virtual machine' test "$(wc -l <"$tmp/pids")" = 1

PATH=$tmp/bin:$PATH TMPDIR=$tmp/tmp "${heeds[@]}" "$tmp/scripts/check.sh" --quick >/dev/null 2>&1 &
pid=$!
promise 'check.sh has started a step' wait_until lines "$tmp/pids" 2
kill -INT -- "-$pid"
promise 'Ctrl-C ends check.sh, with status 130' ended_by 130
promise 'check.sh leaves no file' emptied
pid=
exit $fail
