#!/bin/bash
# SPDX-License-Identifier: MIT
# Ctrl-C ends scripts/demo.sh and scripts/check.sh, although what they run exits by itself then, as
# scripts/vm.sh does; and --resume goes on where they were. The build, the steps and the virtual
# machines are stand-ins.
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

fails() {
	! "$@"
}

# emptied: has the script taken its directory away?
emptied() {
	[ -z "$(ls -A "$tmp/tmp")" ]
}

# asked: prints the rows that virtual machines were asked for, one machine a line
asked() {
	sed -n 's/.*demo-guest\.sh [^ ]* [^ ]* //p' "$tmp/asked"
}

# demo OPTION...: runs it to its end
demo() {
	: >"$tmp/asked"
	: >"$tmp/fetched"
	: >"$tmp/groups"
	PATH=$tmp/bin:$PATH "$tree/scripts/demo.sh" --out "$tmp/pictures" "$@" \
		>"$tmp/said" 2>&1
}

# quick OPTION...: check.sh, whose steps are stand-ins
quick() {
	: >"$tmp/ran"
	PATH=$tmp/bin:$PATH TMPDIR=$tmp/tmp "$tree/scripts/check.sh" --quick "$@" >"$tmp/said" 2>&1
}

# ran NAME: how often that program was run
ran() {
	grep -c "^$1\$" "$tmp/ran"
}

[ -e "/proc/$$/task/$$/children" ] && [ -e "$src/scripts/demo.sh" ] || exit 77
# check.sh notices what changes in its tree.
tree=$tmp/tree
mkdir -p "$tree/scripts/lib" "$tree/tests/kernel" "$tree/build/.libs" "$tmp/bin" "$tmp/tmp" \
	"$tree/build/tests/kernel"
cp "$src/scripts/check.sh" "$src/scripts/demo.sh" "$tree/scripts/"
cp "$src/scripts/lib/record.sh" "$src"/scripts/lib/demo-*.sh "$tree/scripts/lib/"
# No package is missing.
cat >"$tree/scripts/lib/packages.sh" <<EOF
packages_need() { :; }
packages_missing() { printf '%s\n' "\$@" >>"$tmp/groups"; }
EOF
echo 'build_configure() { build=$source/build; }' >"$tree/scripts/lib/build.sh"
: >"$tree/tests/kernel/demo-guest.sh"
echo 'first' >"$tree/build/.libs/libprimeshim.so"
# A program that takes a while to end at Ctrl-C, as a virtual machine does: what else is in the
# pipeline has ended before.
cat >"$tmp/hang" <<EOF
trap 'kill \$!; sleep 0.5; exit 130' INT
sleep 100000 &
echo \$! \$\$ >>"$tmp/pids"
wait
EOF
# The machines: each row has its results; while there is the file "stuck" they hang in gstreamer.
cat >"$tree/scripts/vm.sh" <<EOF
#!/bin/bash
case " \$* " in
*' --fetch '*) echo "\$*" >>"$tmp/fetched" && exit 0 ;;
esac
echo "\$*" >>"$tmp/asked"
while [ "\$1" != -- ]; do shift; done
shift 2
out=\$2
shift 2
for row; do
	for way in native shim observe; do
		how='exit 0'
		[ \$way = shim ] || how=SIGSEGV
		printf '%s\t%s\t%s\n' "\$row" \$way "\$how" >>"\$out/results.txt"
		if [ \$row = gstreamer ] && [ -e "$tmp/stuck" ]; then
			. "$tmp/hang"
		fi
	done
	printf 'p\t1\t2\t2\t0\n' >"\$out/\$row-brackets.txt"
	: >"\$out/\$row-shim.png"
done
EOF
# A step of check.sh: hangs while it is the one that is stuck.
cat >"$tmp/bin/step" <<EOF
#!/bin/bash
name=\${0##*/}
[ \$name != make ] || name+=\${*: -1}
echo "\$name" >>"$tmp/ran"
[ "\$(cat "$tmp/stuck" 2>/dev/null)" != "\$name" ] || . "$tmp/hang"
[ "\$(cat "$tmp/broken" 2>/dev/null)" != "\$name" ]
EOF
cp "$tmp/bin/step" "$tree/configure"
printf '#!/bin/sh\n' >"$tmp/bin/gcc"
cp "$tmp/bin/gcc" "$tree/build/tests/kernel/pictures"
printf '#!/bin/sh\nmkdir -p "$3"\n' >"$tree/scripts/build-for.sh"
cp "$tmp/bin/step" "$tmp/bin/autoreconf"
cp "$tmp/bin/step" "$tmp/bin/shellcheck"
cp "$tmp/bin/step" "$tmp/bin/make"
chmod +x "$tmp/bin"/* "$tree/scripts"/*.sh "$tree/configure" "$tree/build/tests/kernel/pictures"

set -m # each script is a process group
# A test that runs in the background may have inherited that SIGINT is ignored.
heeds=(env --default-signal=INT)
: >"$tmp/asked"
: >"$tmp/stuck"
PATH=$tmp/bin:$PATH "${heeds[@]}" "$tree/scripts/demo.sh" --out "$tmp/pictures" >/dev/null 2>&1 &
pid=$!
promise 'demo.sh has started a virtual machine that hangs' wait_until lines "$tmp/pids" 1
kill -INT -- "-$pid"
promise 'Ctrl-C ends demo.sh, with status 130' ended_by 130
promise 'demo.sh has started no other virtual machine' test "$(wc -l <"$tmp/pids")" = 1
promise 'the first row had a machine of its own' \
	[ "$(asked)" = $'egl-vgem\negl-cirrus gstreamer radeon' ]
rm "$tmp/stuck"
all=$'egl-vgem\negl-cirrus gstreamer radeon\nweston\netnaviv etnaviv-gbm'
promise 'demo.sh --resume succeeds' demo --resume
promise 'it runs only the rows that were not completed' \
	[ "$(asked)" = $'gstreamer radeon\nweston\netnaviv etnaviv-gbm' ]
promise 'its table has all rows' [ "$(sed -n '/The end/,$p' "$tmp/said" |
	grep -c 'SIGSEGV *exit 0 *right *2/2 *SIGSEGV')" = 7 ]
promise 'and it says that all is as promised' grep -qx 'All as promised.' "$tmp/said"
promise 'a row has each result once' [ "$(sort "$tmp/pictures/results.txt" | uniq -d)" = '' ]
promise 'demo.sh --resume has nothing more to run' demo --resume
promise 'and starts no machine' [ "$(asked)" = '' ]
promise 'without --resume it succeeds' demo
promise 'and runs all rows' [ "$(asked)" = "$all" ]
# What only the rows of --all need
more='nouveau|i915|amdgpu|evdi|msm|v3d|trixie|dock'
promise 'it fetches nothing for rows that were not asked for' fails grep -Eq -e "$more" \
	"$tmp/fetched" "$tmp/groups"
promise 'demo.sh --all --resume succeeds' demo --all --resume
promise 'it runs only what --all adds' \
	[ "$(asked)" = $'nouveau nouveau-i915 i915 amdgpu\nevdi\nmsm\nvulkan' ]
promise 'its table has all rows' [ "$(sed -n '/The end/,$p' "$tmp/said" |
	grep -c 'SIGSEGV *exit 0 *right *2/2 *SIGSEGV')" = 14 ]
promise 'demo.sh --row succeeds' demo --row msm --row=nouveau
promise 'it runs these rows alone' [ "$(asked)" = $'nouveau\nmsm' ]
promise 'it fetches two machines' [ "$(wc -l <"$tmp/fetched")" = 2 ]
promise 'and no package of other rows' fails grep -Eq '^demo|^emulation' "$tmp/groups"
while read -ra options; do
	demo "${options[@]}"
	status=$?
	promise "demo.sh ${options[*]} exits with $status: $(cat "$tmp/said")" \
		[ "$status $(wc -l <"$tmp/said")" = '2 1' ]
done <<-'EOT'
	--quick --all
	--quick --row weston
	--all --row weston
	--row none
	--row
EOT
echo 'another object' >"$tree/build/.libs/libprimeshim.so"
promise 'with another object demo.sh --resume succeeds' demo --resume
promise 'and runs all rows' [ "$(asked)" = "$all" ]

rm -rf "$tree/build"
echo autoreconf >"$tmp/stuck"
: >"$tmp/ran"
PATH=$tmp/bin:$PATH TMPDIR=$tmp/tmp "${heeds[@]}" "$tree/scripts/check.sh" --quick \
	>/dev/null 2>&1 &
pid=$!
promise 'check.sh has started a step' wait_until lines "$tmp/pids" 2
kill -INT -- "-$pid"
promise 'Ctrl-C ends check.sh, with status 130' ended_by 130
promise 'check.sh leaves no file' emptied
rm "$tmp/stuck"

# The last step fails, so that there is something to do for later runs.
echo shellcheck >"$tmp/broken"
promise 'check.sh --resume fails, as a step does' fails quick --resume
promise 'it leaves out the step that was done' grep -q 'clean copy of the source: done before' \
	"$tmp/said"
promise 'it runs the step that it was in' [ "$(ran autoreconf)" = 1 ]
promise 'all steps count' grep -q '^7 passed, 1 failed, 0 skipped$' "$tmp/said"
rm "$tmp/broken"
promise 'resumed once more it succeeds' quick --resume
promise 'what failed is run again, and it alone' [ "$(cat "$tmp/ran")" = shellcheck ]
promise 'and all steps count' grep -q '^8 passed, 0 failed, 0 skipped$' "$tmp/said"
promise 'check.sh without --resume succeeds' quick
promise 'and runs all steps' [ "$(ran autoreconf) $(ran configure) $(ran shellcheck)" = '1 1 1' ]
echo '# changed' >>"$tree/scripts/vm.sh"
promise 'with another source check.sh --resume succeeds' quick --resume
promise 'and says what has changed' grep -q 'scripts/vm.sh has changed: all steps are run' \
	"$tmp/said"
promise 'and runs all steps' [ "$(ran autoreconf) $(ran configure) $(ran shellcheck)" = '1 1 1' ]
pid=
exit $fail
