#!/bin/sh
# SPDX-License-Identifier: MIT
# primeshim doctor: reasons why the shim would not work that root alone can make: setuid programs,
# capabilities, devices that may not be opened, a dock, /etc/ld.so.preload.
# Functions that promise() is given are called, and words to split are meant as they are:
# shellcheck disable=SC2317,SC2086
set -u
# shellcheck source=tests/lib/promise.sh
. "$(dirname "$0")/../lib/promise.sh" || exit 99
# shellcheck source=tests/cli/doctor-checks.sh
. "$(dirname "$0")/doctor-checks.sh" || exit 99

# What needs root to be made, and another user to be seen
nobody='setpriv --reuid=65534 --regid=65534 --clear-groups'
if [ "$(id -u)" != 0 ] || ! $nobody test -r "$lib" 2>/dev/null; then
	skip 'setuid programs, capabilities, devices' 'needs root and setpriv'
	exit 77
fi
cat=$(command -v cat)
# privileged NAME MODE OWNER
privileged() {
	rm -f "$tmp/$1"
	cp "$cat" "$tmp/$1" && chown "$3" "$tmp/$1" && chmod "$2" "$tmp/$1"
}
if grep -q '^NoNewPrivs:[[:space:]]*1' /proc/self/status; then
	skip 'setuid and setgid programs' 'no_new_privs is set'
else
	before=$nobody
	privileged suid 4755 0:0
	doctor "$tmp/suid"
	promise 'a setuid program' problem setuid 'is setuid to root: ld.so ignores LD_PRELOAD'
	promise 'names /etc/ld.so.preload, the file of settings, and a trusted directory' grep -q \
		'^ *-> .*/etc/ld.so.preload.*/etc/primeshim.conf.*chmod u+s.*/usr/lib' "$tmp/out"
	privileged sgid 2755 0:0
	doctor "$tmp/sgid"
	promise 'a setgid program' problem setuid 'is setgid to root'
	privileged own 4755 65534:65534
	doctor "$tmp/own"
	promise "a setuid program of one's own" no_more
	before="$nobody --no-new-privs"
	doctor "$tmp/suid"
	promise 'a setuid program under no_new_privs' no_more
	before=
	privileged suid 4755 65534:0
	doctor "$tmp/suid"
	promise 'one that is root, run by root, is setuid to another' \
		problem setuid 'is setuid to another'
fi
for caps in cap_sys_nice=ep cap_sys_nice=p cap_sys_nice=i; do
	privileged kwin_wayland 755 0:0
	if ! setcap $caps "$tmp/kwin_wayland" 2>/dev/null; then
		skip "$caps" 'setcap does not work'
		continue
	fi
	before=$nobody
	doctor "$tmp/kwin_wayland"
	case $caps in
	*i) promise "$caps gives nothing" no_more ;;
	*)
		promise "$caps" \
			problem capabilities "has file capabilities (cap_sys_nice=${caps#*=})"
		promise "$caps: kwin_wayland's way out" \
			grep -q "^ *-> .*setcap -r $tmp/kwin_wayland): KDE's compositor has\
 cap_sys_nice" "$tmp/out"
		;;
	esac
	before=
	doctor "$tmp/kwin_wayland"
	promise "$caps: of root's" no_more
done
privileged kwin_wayland 755 0:0
if setcap cap_sys_resource=ep "$tmp/kwin_wayland" 2>/dev/null; then
	before=$nobody
	doctor "$tmp/kwin_wayland"
	promise 'another capability of kwin_wayland: it is named' \
		problem capabilities 'has file capabilities (cap_sys_resource=ep)'
	promise 'and nothing is said of one that it has not' \
		[ "$(grep -c cap_sys_nice "$tmp/out")" = 0 ]
	before=
fi
privileged bounded 755 0:0
if setcap cap_sys_nice=ep "$tmp/bounded" 2>/dev/null &&
	setpriv --bounding-set -sys_nice true 2>/dev/null; then
	for who in '' "$nobody"; do
		before="$who setpriv --bounding-set -sys_nice"
		[ -z "$who" ] || before="setpriv --bounding-set -sys_nice $who"
		! $before "$tmp/bounded" /dev/null 2>"$tmp/err"
		promise 'a capability outside of the bounding set: exec says EPERM' \
			grep -q 'not permitted' "$tmp/err"
		doctor "$tmp/bounded"
		promise 'which is a problem' problem capabilities \
			'has cap_sys_nice, which is outside of the bounding set here'
	done
	before='setpriv --bounding-set -sys_nice'
	setcap cap_sys_nice=p "$tmp/bounded"
	promise 'without the effective bit it is executed' $before "$tmp/bounded" /dev/null
	doctor "$tmp/bounded"
	promise 'and that is none' no_more
	before=
else
	skip 'the bounding set' 'setcap or setpriv does not work'
fi
ln -sf kwin_wayland "$tmp/to-kwin"
privileged sunshine 755 0:0
if setcap cap_sys_admin+p "$tmp/sunshine" 2>/dev/null; then
	before=$nobody
	ln -sf sunshine "$tmp/to-sunshine"
	doctor "$tmp/to-sunshine"
	promise 'Sunshine, by a symlink' \
		grep -q '^ *-> .*Sunshine has cap_sys_admin for the KMS' "$tmp/out"
	before=
fi

# Devices and /etc of our own
mkdir -p "$tmp/dev/dri" "$tmp/etc" "$tmp/sys"
cp -a /etc/passwd /etc/group /etc/ld.so.cache "$tmp/etc/" 2>/dev/null
# within COMMAND...
within() {
	# shellcheck disable=SC2016
	unshare -m sh -c \
		'mount --bind "$1/etc" /etc && mount --bind "$1/dev" /dev &&
			mount --bind "$1/sys" /sys && shift && exec "$@"' \
		sh "$tmp" "$@"
}
if ! mknod -m 666 "$tmp/dev/null" c 1 3 2>/dev/null ||
	! within sh -c ': >/dev/null' 2>/dev/null; then
	skip 'devices' 'needs a mount namespace and mknod'
	exit $fail
fi
before=within
doctor
promise 'no device' problem devices 'no /dev/dri/card'
mknod -m 660 "$tmp/dev/dri/renderD250" c 226 250 && chgrp 44 "$tmp/dev/dri/renderD250"
doctor cat
promise 'a device that may be opened' finds ok devices 'renderD250 (.*) may be opened'
promise 'where nothing is wrong the status is 0' [ "$status" = 0 ]
promise 'and the verdict is good' grep -q '^verdict: it should work' "$tmp/out"
promise 'and what to do next is said' \
	grep -q '^advice: run-with-shim --mode rescue cat; .*--survey cat$' "$tmp/out"
doctor -- cat -n /
promise "with the program's arguments" \
	grep -q '^advice: run-with-shim --mode rescue cat -n /; .*--survey cat -n /$' "$tmp/out"
doctor -- cat 'a b'
promise 'but for such as a shell would change' \
	grep -q '^advice: run-with-shim --mode rescue cat; .*--survey cat$' "$tmp/out"
mkdir -p "$tmp/sys/dev/char/226:250/device" "$tmp/sys/bus/evdi" "$tmp/sys/module/evdi"
ln -s ../../../../bus/evdi "$tmp/sys/dev/char/226:250/device/driver"
doctor
promise "a dock's display: what it is" finds note devices \
	"renderD250 is a DisplayLink dock's display (evdi): it has no GPU"
promise 'and what to do' grep -q '^ *-> run the compositor with --mode rescue' "$tmp/out"
echo 1.14.8 >"$tmp/sys/module/evdi/version"
doctor
promise 'the same of a new evdi' finds note devices "dock's display (evdi): it has no GPU"
for old in 1.12.0 1.14.2; do
	echo $old >"$tmp/sys/module/evdi/version"
	doctor
	promise "evdi $old: which version it is" finds warning devices "display (evdi $old)"
	promise 'and which is wanted' grep -q '^ *-> update evdi to 1.14.3' "$tmp/out"
done
rm -r "$tmp/sys/dev" "$tmp/sys/module"
before="within $nobody"
doctor
promise 'a device of a group that one is not in' problem devices 'none of 1 devices may be opened'
promise 'the group is named' grep -q '^ *-> become a member.*usermod -aG video nobody' "$tmp/out"
before='within setpriv --reuid=65534 --regid=65534 --groups=44'
doctor
promise 'as its member it may be opened' finds ok devices 'renderD250 (.*) may be opened'
before=within
printf '# the shim\n%s %s/none.so # of old\n' "$lib" "$tmp" >"$tmp/etc/ld.so.preload"
doctor
promise 'the shim in /etc/ld.so.preload' finds ok preload "/etc/ld.so.preload has the shim, $lib"
promise 'what is not there is told' \
	problem preload 'none.so (/etc/ld.so.preload) cannot be preloaded'
exit $fail
