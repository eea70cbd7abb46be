#!/bin/bash
# SPDX-License-Identifier: MIT
# When scripts/vm.sh gives a virtual machine up: when it hangs, but not when it is slow. A script
# plays QEMU: it writes like a guest into the directory that vm.sh shares with it. Needs neither
# QEMU nor a kernel.
set -u
# shellcheck source=tests/lib/promise.sh
. "$(dirname "$0")/../lib/promise.sh" || exit 99
src=$(realpath "${top_srcdir:-$(dirname "$0")/../..}")
tmp=$(mktemp -d) || exit 2
trap 'rm -rf "$tmp"' EXIT

# shellcheck disable=SC2317 # promise calls it; of the guest $name
explain() {
	sed 's/^/# /' "$tmp/$name.err"
}

[ "$(uname -m)" = x86_64 ] || { echo 'skipped: vm.sh is asked for an amd64 guest'; exit 77; }
linux=$tmp/cache/primeshim/linux-6.12-1
mkdir -p "$tmp/bin" "$linux"
echo 6.12 >"$linux/version"
for tool in modprobe cpio xz busybox; do
	printf '#!/bin/sh\n' >"$tmp/bin/$tool"
done
# ldd says of it that it is static, as it is no program.
cat >"$tmp/bin/qemu-system-x86_64" <<'STUB'
#!/bin/bash
for arg; do
	[[ $arg != *mount_tag=vm,* ]] || dir=${arg#*path=} dir=${dir%%,*}
done
. "$GUEST"
STUB
chmod +x "$tmp"/bin/*

# guest NAME OPTION...: vm.sh with a guest that does what stdin says, in a shell where $dir is the
# directory. Leaves its status, out and err in files. All of them run at once, as they mostly wait.
guest() {
	cat >"$tmp/$1"
	GUEST=$tmp/$1 XDG_CACHE_HOME=$tmp/cache PATH=$tmp/bin:$PATH \
		"$src/scripts/vm.sh" "${@:2}" -- true >"$tmp/$1.out" 2>"$tmp/$1.err"
	echo $? >"$tmp/$1.status"
}

# ended STATUS
# shellcheck disable=SC2317
ended() {
	[ "$(cat "$tmp/$name.status")" = "$1" ]
}

# told PATTERN: what the last line on stderr is
# shellcheck disable=SC2317
told() {
	tail -n 1 "$tmp/$name.err" | grep -q "^vm.sh: $1\$"
}

guest ends --stall 3 <<'GUEST' &
echo 'a line of COMMAND' >"$dir/out"
echo 3 >"$dir/status"
GUEST
guest hangs --stall 3 <<'GUEST' &
echo 'the console'
echo 'ok - the last that is heard of it' >>"$dir/out"
trap 'echo terminated; exit' TERM # as QEMU says, too
while :; do sleep 0.2; done
GUEST
guest silent --stall 3 <<'GUEST' &
exec sleep 100
GUEST
guest stubborn --stall 3 <<'GUEST' &
trap '' TERM
while :; do sleep 0.2; done
GUEST
for stream in out err console; do
	export stream
	guest slow-$stream --stall 5 <<'GUEST' &
for i in 1 2 3 4 5 6 7; do
	sleep 1
	case $stream in
	console) echo $i ;;
	*) echo $i >>"$dir/$stream" ;;
	esac
done
echo 0 >"$dir/status"
GUEST
done
guest for-ever --stall 5 --timeout 6 <<'GUEST' &
while :; do
	echo on and on
	sleep 0.5
done
GUEST
# The kernel may die of the emulator.
guest dies-once --stall 5 <<'GUEST' &
[ -e "$dir/booted" ] || { : >"$dir/booted"; echo 'BUG: unable to handle page fault'; exit; }
: >"$dir/begun"
echo 'a line of COMMAND' >>"$dir/out"
echo 4 >"$dir/status"
GUEST
guest dies-twice --stall 5 <<'GUEST' &
echo x >>"$dir/boots"
echo "Kernel panic of boot $(wc -l <"$dir/boots")"
GUEST
guest dies-later --stall 5 <<'GUEST' &
: >"$dir/begun"
echo x >>"$dir/boots"
echo "Oops of boot $(wc -l <"$dir/boots")"
GUEST
# It computes for 12 s, on a processor that another program keeps nearly all of.
guest starved --stall 5 <<'GUEST' &
(until [ -e "$dir/ready" ]; do echo "getting ready"; sleep 1; done) &
cpu=$(taskset -pc $$ | sed 's/.*: *\([0-9]*\).*/\1/')
taskset -pc "$cpu" $$ >/dev/null
timeout 600 bash -c 'while :; do :; done' &
trap 'kill $!' EXIT
trap exit TERM
renice -n 19 -p $$ >/dev/null
: >"$dir/ready"
SECONDS=0
until [ $SECONDS -ge 12 ]; do :; done
echo 0 >"$dir/status"
GUEST
wait

name=ends
promise 'a guest that ends: the status is its own' ended 3
promise 'and what it has written is there' grep -qx 'a line of COMMAND' "$tmp/$name.out"
name=hangs
promise 'a guest that hangs is given up' ended 125
promise 'and how long it was silent is said, and its last line' \
	told "given up: silent for 3 s (--stall) at [1-9][0-9]* s, its last line:\
 ok - the last that is heard of it"
promise 'and its console is shown' grep -qx 'the console' "$tmp/$name.err"
name=silent
promise 'so is one that never said anything' ended 125
promise 'and it is said so' told 'given up: .*, its last line: '
name=stubborn
promise 'so is one that does not end when it is told to' ended 125
for stream in out err console; do
	name=slow-$stream
	promise "a slow guest that writes to its $stream is not given up" ended 0
done
name=starved
[ ! -e /proc/self/schedstat ] || promise 'nor is one that gets no processor' ended 0
name=for-ever
promise 'one that writes for ever is, after --timeout' ended 125
promise 'and it is said so' \
	told 'given up: not done after 6 s (--timeout), its last line: on and on'
name=dies-once
promise 'a guest whose kernel dies before it does anything boots again' ended 4
promise 'and what it writes then is there once' \
	[ "$(cat "$tmp/$name.out")" = 'a line of COMMAND' ]
promise 'and it is said so' \
	[ "$(cat "$tmp/$name.err")" = "vm.sh: the guest's kernel died while it booted: it boots \
again" ]
name=dies-twice
promise 'but not a third time' ended 125
promise 'and the last console is shown' grep -qx 'Kernel panic of boot 2' "$tmp/$name.err"
name=dies-later
promise 'nor one whose kernel dies later' ended 125
promise 'and the console of its one boot is shown' grep -qx 'Oops of boot 1' "$tmp/$name.err"
name=bad
for bad in 0 x -1 ''; do
	guest bad --stall "$bad" </dev/null
	promise "--stall cannot be '$bad'" ended 2
done
exit $fail
