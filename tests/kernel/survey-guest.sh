#!/bin/bash
# SPDX-License-Identifier: MIT
# The part of scripts/docs/survey.sh that runs in a virtual machine: runs programs of a Debian
# release in its root file system, each once in mode observe and once in mode rescue, and leaves a
# record of each run. tests/kernel/survey-programs.sh has the programs.
#
#   survey-guest.sh BUILD OUT DEBIAN ROOT MACHINE PROGRAM...
#
# A record is OUT/MACHINE.DEBIAN.PROGRAM.WAY.json: what the launcher reported, and what this script
# has done and seen. Beside it there is the program's log. A run whose record is there is left out.

export LC_ALL=C
me=survey-guest.sh
here=$(dirname "$(realpath -- "$0")")

if [ $# -lt 6 ] || [ ! -x "$1/scripts/run-with-shim.sh" ] || [ ! -d "$2" ]; then
	echo "Usage: $me BUILD OUT DEBIAN ROOT MACHINE PROGRAM..." >&2
	exit 2
fi
build=$1 out=$2 debian=$3 root=$4 machine=$5
source=${here%/*/*}

# card DRIVER: prints the DRM card of that driver; a virtual device may have its name instead
card() {
	local dir device driver
	for dir in /sys/class/drm/card[0-9]; do
		device=$(readlink -f "$dir/device") driver=$(readlink -f "$dir/device/driver")
		case ${driver##*/}-${device##*/} in
		"$1"-* | *-"$1".[0-9]) echo "/dev/dri/${dir##*/}" && return ;;
		esac
	done
}

# enter: runs this script in the other root
enter() {
	local directory modules
	# No device but those of the machine; vivid, the camera, stays.
	[ "$machine" = vgem ] || rmmod vgem 2>/dev/null
	# Debian 13's has no directory for the kernel's modules.
	modules=lib/modules/$(uname -r)
	mkdir -p "$root/$modules"
	for directory in dev dev/pts dev/shm "$modules" proc sys \
		sys/fs/cgroup sys/kernel/debug run; do
		mount --bind "/$directory" "$root/$directory" || return
	done
	mount -t tmpfs -o mode=1777 tmp "$root/tmp" || return
	for directory in "$source" "$build" "$out"; do
		mkdir -p "$root$directory" && mount --bind "$directory" "$root$directory" || return
	done
	case $machine in
	evdi) "$build/tests/kernel/dock" "/tmp/dock" chroot "$root" "$here/$me" "$@" ;;
	*) chroot "$root" "$here/$me" "$@" ;;
	esac
}

if [ "$root" != / ]; then
	# The programs say nothing here: vm.sh hears from this that the guest goes on.
	while sleep 30; do
		echo "$me: $SECONDS s"
	done &
	heart=$!
	trap 'kill $heart' EXIT
	enter "$1" "$2" "$3" / "${@:5}"
	exit
fi
shift 5

tmp=$(mktemp -d) || exit 2
export XDG_RUNTIME_DIR=$tmp/run HOME=$tmp/home
chmod 711 "$tmp" && mkdir -m 700 "$XDG_RUNTIME_DIR"
mkdir -p /tmp/.X11-unix && chmod 1777 /tmp/.X11-unix
as_nobody=(setpriv --reuid=65534 --regid=65534 --clear-groups)
# Mesa's software rendering. QEMU's emulation of AVX2 breaks one of llvmpipe's instructions, and its
# path for plain 2D drawing, natively as well.
export GBM_ALWAYS_SOFTWARE=1 GALLIUM_OVERRIDE_CPU_CAPS=sse4.1 LP_PERF=no_linear
export LIBSEAT_BACKEND=seatd WLR_RENDERER_ALLOW_SOFTWARE=1 WLR_LIBINPUT_NO_DEVICES=1
export DBUS_SYSTEM_BUS_ADDRESS=unix:path=/run/dbus/system_bus_socket
unset DISPLAY WAYLAND_DISPLAY
# An input that has nothing and does not end: at its end kmscube would stop.
mkfifo "$tmp/input" && exec 3<>"$tmp/input"

virtio=$(card virtio-pci) second=
[ -n "$virtio" ] || virtio=$(card virtio_gpu)
case $machine in
cirrus | evdi | vkms) second=$(card "$machine") ;;
esac
cards=$virtio${second:+:$second}
# The display of programs for one.
shown=${second:-$virtio}

start_services() {
	export SYSTEMD_IGNORE_CHROOT=1
	PATH=$PATH:/lib/systemd:/usr/lib/systemd systemd-udevd --daemon
	udevadm trigger && udevadm settle
	chmod 666 /dev/dri/* /dev/video* /dev/udmabuf 2>/dev/null
	SEATD_VTBOUND=0 seatd -g nogroup >"$tmp/seatd.log" 2>&1 &
	mkdir -p /run/dbus && dbus-daemon --system --fork
	DBUS_SESSION_BUS_ADDRESS=$("${as_nobody[@]}" dbus-daemon --session --fork --print-address)
	export DBUS_SESSION_BUS_ADDRESS
}

# start_login: starts elogind, for what takes its devices from logind alone
start_login() {
	local daemon library=/opt/elogind/usr/lib/x86_64-linux-gnu
	login=(python3 "$here/survey-login.py" 65534)
	! pgrep -x elogind >/dev/null || return 0
	daemon=$(find /opt/elogind -name elogind -type f -perm -1 | grep -v init.d)
	library=/opt/elogind/lib/x86_64-linux-gnu:/opt/elogind/lib/elogind:$library:$library/elogind
	LD_LIBRARY_PATH=$library "$daemon" >>"$log" 2>&1 &
	sleep 4
}

# blank: takes the text console from the displays, so that what is shown is the program's
blank() {
	local file
	for file in /sys/class/vtconsole/vtcon*/bind; do
		! grep -q 'frame buffer' "${file%/*}/name" || echo 0 >"$file"
	done
	for file in /dev/fb?; do
		cat /dev/zero >"$file"
	done
} 2>/dev/null

# children PID: prints the processes below it
children() {
	local child
	for child in $(pgrep -P "$1"); do
		echo "$child"
		children "$child"
	done
}

# looked: prints what each display shows, "WIDTHxHEIGHT COLOURS SHARE FRAME", a line each
looked() {
	local card
	for card in ${cards//:/ }; do
		timeout 20 "$build/tests/kernel/scanout" "$card" 2>>"$log" || echo -
	done
}

# frames: prints the numbers of the frame buffers, out of what looked() says
frames() {
	sed 's/.* //'
}

# pictures LOOKED: prints those of the displays that show a frame of the program's, "-" for others;
# fails if none has a picture, which is more than a colour or two
pictures() {
	paste -d ' ' <(printf '%s\n' "$1") <(printf '%s\n' "$console") | awk -v least="$least" '
		{ own = NF == 5 && $4 != $5 }
		own && $2 >= least { good = 1 }
		{ printf "%s%s", (NR > 1) ? "+" : "", own ? $1 "/" $2 "/" $3 : "-" }
		END { exit !good }'
}

# as_user FUNCTION: runs it as the program's user
as_user() {
	"${user[@]}" bash -c "$(declare -f "$1"); $(declare -p client debian); $1"
}

# quoted TEXT: as a string of JSON
quoted() {
	local text=${1//[$'\001'-$'\037']/ }
	text=${text//\\/\\\\}
	printf '"%s"' "${text//\"/\\\"}"
}

# ends LAUNCHER: has the program under it end, in good order
ends() {
	local timer
	timer=$(pgrep -P "$1" -x timeout)
	# It passes the signal on, and kills after a while.
	[ -z "$timer" ] || kill "$timer"
}

# run PROGRAM WAY: a run and its record
run() {
	local name=$1 way=$2 console launcher=() beside status began ended=false seen='' since=''
	local log report
	local record=$out/$machine.$debian.$1.$2.json
	local user=("${as_nobody[@]}") login=() command=() package=$1 pid
	local until=drawn limit=50 stay=4 least=3
	log=${record%.json}.log report=$tmp/report.json
	[ ! -s "$record" ] || return 0
	rm -rf "$HOME" "${XDG_RUNTIME_DIR:?}"/*
	mkdir "$HOME" && chmod 711 "$HOME"
	rmmod vgem 2>/dev/null
	: >"$log"
	blank
	(
	prepare() { :; }
	# shellcheck disable=SC2317 # as_user calls it
	after() { :; }
	grep -q in_session <<<"$(declare -f "p_$name")" || end_session
	"p_$name" || exit
	# The directories are the program's user's.
	[ ${#user[@]} = 0 ] || chown -R 65534 "$HOME" "$XDG_RUNTIME_DIR"
	: >"$report" && chmod 666 "$report"
	case $way in
	native) launcher=("$build/scripts/run-with-shim.sh" --survey) ;;
	*) launcher=("$build/scripts/run-with-shim.sh" --mode rescue --report) ;;
	esac
	launcher+=(--log --json --out "$report")
	console=$(looked | frames)
	# Clients are shown by the session.
	[ ! -e "$tmp/session.pid" ] || console=${console//[0-9]/0}
	prepare >>"$log" 2>&1
	echo "$me: $machine, Debian $debian, $name, $way" >&2
	began=$SECONDS
	"${login[@]}" "${user[@]}" "${launcher[@]}" timeout -k 15 $((limit + 30)) \
		"${command[@]}" >>"$log" 2>&1 <&3 &
	pid=$!
	as_user after >>"$log" 2>&1 &
	beside=$!
	while sleep 1 && kill -0 $pid 2>/dev/null; do
		if [ $((SECONDS - began)) -ge "$limit" ]; then
			ended=true
			break
		fi
		[ "$until" = drawn ] || continue
		if [ -n "$since" ]; then
			[ $((SECONDS - since)) -lt "$stay" ] || { ended=true && break; }
		elif pictures "$(looked)" >/dev/null; then
			since=$SECONDS
		fi
	done
	kill -0 $pid 2>/dev/null || ended=false
	# The others show nothing themselves.
	[ $ended = false ] || [ "$until" != drawn ] || seen=$(pictures "$(looked)") || seen=
	[ $ended = false ] || ends $pid
	wait $pid
	status=$?
	# shellcheck disable=SC2046
	kill $(children $beside) $beside 2>/dev/null
	[ -s "$report" ] || { echo "$name, $way: there is no report" >&2 && exit 1; }
	{
		printf '{"machine":%s,"debian":%s,"program":%s,"way":%s,"version":%s,' \
			"$(quoted "$machine")" "$debian" "$(quoted "$name")" "$(quoted "$way")" \
			"$(quoted "$(dpkg-query -W -f '${Version}' "$package" 2>/dev/null)")"
		printf '"ended":%s,"seconds":%d,"status":%d,"shown":%s,"report":' $ended \
			$((SECONDS - began)) $status "$(quoted "$seen")"
		cat "$report"
		echo '}'
	} >"$record.new" && mv "$record.new" "$record"
	echo "$me: $name, $way: status $status, $([ $ended = false ] || echo ended,)" \
		"shows ${seen:-nothing}, $((SECONDS - began)) s" >&2
	)
}

# shellcheck source=tests/kernel/survey-programs.sh
. "$here/survey-programs.sh" || exit 2
start_services
for program; do
	declare -F "p_$program" >/dev/null || { echo "$me: no program $program" >&2; exit 2; }
	run "$program" native
	# Where nothing was imported there is nothing to rescue.
	! grep -qE '"imports": *[1-9]' "$out/$machine.$debian.$program.native.json" ||
		run "$program" rescue
done
end_session
