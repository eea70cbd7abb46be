#!/bin/bash
# SPDX-License-Identifier: MIT
# If SIGTERM ends scripts/check.sh, no process and no file is left: with a compiler that never
# returns, and has children.
set -u
# shellcheck source=tests/lib/wait.sh
. "$(dirname "$0")/../lib/wait.sh" || exit 99
src=$(cd "${top_srcdir:-.}" && pwd -P)
tmp=$(mktemp -d) || exit 99
pid=
# shellcheck disable=SC2317
clean_up() {
	[ ! -e "$tmp/pids" ] || xargs -r kill -9 <"$tmp/pids" 2>/dev/null
	rm -rf "$tmp"
}
trap clean_up EXIT
fail=0

# promise TEXT COMMAND...: it succeeds
promise() {
	if "${@:2}"; then echo "ok - $1"; else echo "not ok - $1"; fail=1; fi
}

# gone: is none of the processes there any more? One that nobody has waited for is none.
# shellcheck disable=SC2317
gone() {
	local p
	while read -r p; do
		! grep -q '^State:[[:space:]]*[^ZX]' "/proc/$p/status" 2>/dev/null || return 1
	done <"$tmp/pids"
}

# emptied: has check.sh taken its directory away?
# shellcheck disable=SC2317
emptied() {
	[ -z "$(ls -A "$tmp/tmp")" ]
}

[ -e "/proc/$$/task/$$/children" ] && [ -e "$src/scripts/check.sh" ] || exit 77
mkdir -p "$tmp/scripts/lib" "$tmp/bin" "$tmp/tmp"
cp "$src/scripts/check.sh" "$tmp/scripts/"
cp "$src/scripts/lib/record.sh" "$tmp/scripts/lib/"
echo 'packages_need() { :; }' >"$tmp/scripts/lib/packages.sh"
cat >"$tmp/bin/gcc" <<EOF
#!/bin/bash
sleep 100000 &
echo \$! >>"$tmp/pids"
echo \$\$ >>"$tmp/pids"
exec sleep 100000
EOF
chmod +x "$tmp/bin/gcc"
PATH=$tmp/bin:$PATH TMPDIR=$tmp/tmp "$tmp/scripts/check.sh" --quick >/dev/null 2>&1 &
pid=$!
# Two compilers, with a child each that is told of.
promise 'check.sh has started what never ends' wait_until lines "$tmp/pids" 4
kill "$pid"
wait "$pid" 2>/dev/null
hang=20
promise 'and ends it when it is ended' wait_until gone
promise 'and leaves no file' emptied
exit $fail
