#!/bin/bash
# SPDX-License-Identifier: MIT
# What run-with-shim --install-session writes, under a real user systemd and as a login starts it:
# a service whose map of an import on vgem is refused natively works with the drop-in, and is
# refused again when that is removed. As root, in a virtual machine made by scripts/vm.sh; in the
# build directory. Prints "ok - ..." and "not ok - ..." lines; the caller counts them.
# shellcheck disable=SC2016,SC2317 # words that are meant as they are; functions for promise()
set -u
# shellcheck source=tests/lib/wait.sh
. "$(dirname "$0")/../lib/wait.sh" || exit 99
# shellcheck source=tests/lib/promise.sh
. "$(dirname "$0")/../lib/promise.sh" || exit 99
export LC_ALL=C.UTF-8
manager=/usr/lib/systemd/systemd
launcher=$PWD/scripts/run-with-shim.sh
if [ ! -x tests/kernel/probe ] || [ ! -x "$launcher" ]; then
	echo "not ok - $PWD is no build directory"
	exit 1
fi
if [ ! -x $manager ] || ! command -v systemctl >/dev/null; then
	skip 'sessions under a user systemd' 'there is no systemd'
	exit 0
fi
unset LD_PRELOAD PRIMESHIM_MODE DESTDIR SUDO_UID

# A user with a runtime directory, a control group of its own, and the devices.
user=65534
tmp=$(mktemp -d) || exit 99
promise_log=$tmp/why
chmod 755 "$tmp"
as_user=(setpriv "--reuid=$user" "--regid=$user" --clear-groups env -u XDG_CONFIG_HOME
	-u XDG_DATA_HOME -u DBUS_SESSION_BUS_ADDRESS "HOME=$tmp/home" "XDG_RUNTIME_DIR=$tmp/run")
units=$tmp/home/.config/systemd/user
mkdir -p "$tmp/run" "$units"
chmod 700 "$tmp/run"
chmod 666 /dev/dri/* /dev/udmabuf
# What systemd wants of a machine that it has booted.
mkdir -p /run/systemd/system
group=/sys/fs/cgroup$(cut -d : -f 3 /proc/self/cgroup)/session
mkdir "$group"
printf '[Service]\nType=oneshot\nExecStart=%s vgem udmabuf\nStandardOutput=truncate:%s\n' \
	"$PWD/tests/kernel/probe" "$tmp/home/answer" >"$units/look.service"
chown -R "$user:$user" "$tmp/run" "$tmp/home" "$group"

(echo 0 >"$group/cgroup.procs" && exec "${as_user[@]}" $manager --user >"$tmp/manager" 2>&1) &
pid=$!
trap 'kill $pid 2>/dev/null; wait $pid; rm -rf "$tmp"' EXIT

control() {
	"${as_user[@]}" systemctl --user "$@"
}

running() {
	! kill -0 "$pid" 2>/dev/null || control is-system-running 2>/dev/null |
		grep -qxE 'running|degraded'
}

# answers WANT: what the service has said, after systemd has read its files again
answers() {
	rm -f "$tmp/home/answer"
	control daemon-reload && control start look.service &&
		[ "$(cat "$tmp/home/answer")" = "$1" ]
}

# session NAME: what the program of the installed session says
session() {
	local exec_line
	exec_line=$(sed -n 's/^Exec=//p' "/usr/share/wayland-sessions/primeshim-$1.desktop") &&
		"${as_user[@]}" sh -c "exec $exec_line"
}

# says WANT COMMAND...
says() {
	local said
	said=$("${@:2}")
	echo "$said"
	[ "$said" = "$1" ]
}

# heals OPTION... WANT: with the drop-in of these options the service says that
heals() {
	"${as_user[@]}" "$launcher" "${@:1:$#-1}" --install-session look.service &&
		answers "${!#}"
}

has_drop_in() {
	control daemon-reload && control show -p DropInPaths look.service | grep primeshim.conf
}

environment_has() {
	control show -p Environment look.service >"$tmp/environment"
	cat "$tmp/environment"
	grep -qF -e "$1" "$tmp/environment"
}

# ends: systemd ends when it is told to
ends() {
	kill "$pid" && wait_until eval '! kill -0 "$pid"' 2>/dev/null
}

# taken DIRECTORY COMMAND...: it removes what was installed, and the directory is as it was
taken() {
	"${@:2}" && diff "$tmp/before" <(find "$1" | sort)
}

wait_until running
promise 'a user systemd runs' kill -0 $pid
kill -0 $pid 2>/dev/null || cat "$tmp/manager"

find "$tmp/home/.config" | sort >"$tmp/before"
promise "natively the service's map of an import is refused" answers 'map ioctl EINVAL'
promise 'with the drop-in the map works' heals right
promise 'systemd knows the drop-in' has_drop_in
promise 'systemd verifies the unit with it' "${as_user[@]}" systemd-analyze --user verify \
	"$units/look.service"
promise 'installed in the mode observe, the map is refused' heals --mode observe 'map ioctl EINVAL'
odd='a "b" %h $HOME \c'
promise 'installed for another program, the map is refused' heals --only "$odd" 'map ioctl EINVAL'
promise 'systemd has read the special characters of its name as they are' \
	environment_has 'PRIMESHIM_ONLY=a \"b\" %h \$HOME \\c'
promise 'and installed for both, the map works' heals --only "$odd" --only probe right
promise 'removed, no file is left' taken "$tmp/home/.config" \
	"${as_user[@]}" "$launcher" --remove-session look.service
promise 'and the map is refused as before' answers 'map ioctl EINVAL'

mkdir -p /usr/share/wayland-sessions
printf '[Desktop Entry]\nName=Look\nExec=%s vgem udmabuf\nType=Application\n' \
	"$PWD/tests/kernel/probe" >/usr/share/wayland-sessions/look.desktop
find /usr/share/wayland-sessions | sort >"$tmp/before"
promise 'a session is installed by root' "$launcher" --install-session look
promise 'a login that starts it has the shim' says right session look
promise 'removed, no file is left of it' taken /usr/share/wayland-sessions \
	"$launcher" --remove-session look
promise 'systemd ends as it should' ends
exit $fail
