#!/bin/bash
# SPDX-License-Identifier: MIT
# sway where it has to map imports: on a virtio-gpu alone, with a dock (evdi) beside it, on vkms
# with a dock, on a dock alone, and with a dock that is plugged in while the session runs. Weston on
# a dock alone. The picture that counts is the one that evdi gives to DisplayLink's daemon. Root, in
# a virtual machine made by scripts/vm.sh with --gpu evdi, --gpu vkms and the device virtio-gpu-pci.
# Run in the build directory.
# Prints "ok - ..." and "not ok - ..." lines; the caller counts them.
set -u
export LC_ALL=C
# shellcheck source=tests/lib/promise.sh
. "$(dirname "$0")/../lib/promise.sh" || exit 99
dock=$PWD/tests/kernel/dock shim=$PWD/scripts/run-with-shim.sh tool=$PWD/tools/primeshim
tmp=$(mktemp -d) || exit 2
chmod 711 "$tmp"
mkdir "$tmp/run" && chown 65534 "$tmp/run"

# The pages that llvmpipe's threads write are not covered by a fence. The other card may show them
# half drawn; docs/desktop.md says more. With no thread each frame is whole.
export LP_NUM_THREADS=0
# QEMU's emulation of AVX2 breaks one of llvmpipe's instructions (vpgatherdd), natively as well.
export GALLIUM_OVERRIDE_CPU_CAPS=sse4.1 LP_PERF=no_linear
export XDG_RUNTIME_DIR=$tmp/run HOME=$tmp/run
export LIBSEAT_BACKEND=seatd WLR_RENDERER_ALLOW_SOFTWARE=1 WLR_LIBINPUT_NO_DEVICES=1
as_nobody=(setpriv --reuid=65534 --regid=65534 --clear-groups)

# A guest that is silent is given up.
while sleep 30; do
	echo "# $SECONDS s"
done &
heart=$!
seat=
trap 'kill $heart $seat; rm -rf "$tmp"' EXIT

# card DRIVER: prints the DRM card of that driver
card() {
	local dir
	for dir in /sys/class/drm/card[0-9]; do
		case $(readlink -f "$dir/device/driver") in
		*/"$1") echo "/dev/dri/${dir##*/}" && return ;;
		esac
		# Devices that a module makes have no driver of the bus.
		case $(readlink -f "$dir/device") in
		*/"$1" | */"$1".[0-9]) echo "/dev/dri/${dir##*/}" && return ;;
		esac
	done
}

# shellcheck disable=SC2317
start_seat() {
	PATH=$PATH:/lib/systemd:/usr/lib/systemd systemd-udevd --daemon
	udevadm trigger && udevadm settle
	chmod 666 /dev/dri/*
	SEATD_VTBOUND=0 seatd -g nogroup >"$tmp/seatd.log" 2>&1 &
	seat=$!
	for _ in {1..50}; do
		[ -S /run/seatd.sock ] && return
		sleep 0.2
	done
	return 1
}

# sway CARDS SECONDS COMMAND...: sway by COMMAND, on those cards, with $tmp/run/steps in it, which
# ends the session; the status is sway's
sway() {
	local cards=$1 limit=$2
	shift 2
	rm -f "$tmp"/run/{steps.log,out,sway-ipc.*,wayland-*}
	printf 'exec sh %s/run/steps\n' "$tmp" >"$tmp/run/config"
	env WLR_DRM_DEVICES="$cards" "${as_nobody[@]}" timeout --foreground -k 5 "$limit" "$@" \
		sway -c "$tmp/run/config" >"$tmp/sway.log" 2>&1 </dev/null
}

# pixels_but RRGGBB FILE: prints how many pixels have another colour, in a picture of evdi or a PPM
pixels_but() {
	perl -e 'my ($rgb, $file) = @ARGV; local $/; open(my $f, "<", $file) or die; my $all = <$f>;
		my ($step, $size) = (4, 640 * 480 * 4);
		my $want = reverse pack("H6", $rgb);
		if ($all =~ s/^P6\s+(\d+) (\d+)\s+255\s//) {
			($step, $size, $want) = (3, $1 * $2 * 3, pack("H6", $rgb));
		}
		my $n = 0;
		for (my $at = 0; $at < length($all); $at += $step) {
			$n++ if substr($all, $at, 3) ne $want;
		}
		print length($all) == $size ? $n : "all", "\n"' "$1" "$2"
}

# steps LINE...: what runs in the session. It may call:
#   paint RRGGBB        has the background painted so
#   shown RRGGBB        says how many pixels differ in the end in the dock's picture, and after how
#                       many seconds they were right
steps() {
	{
		cat <<-EOF
		exec >$tmp/run/steps.log 2>&1
		trap 'swaymsg exit' EXIT
		paint() {
			swaymsg -q "output * bg #\$1 solid_color"
		}
		shown() {
			n=0
			while [ \$n -lt 60 ]; do
				but=\$(pixels_but \$1 $tmp/run/picture)
				[ "\$but" != 0 ] || break
				n=\$((n + 1))
				sleep 1
			done
			# The right picture stays.
			sleep 3
			echo "\$1 \$(pixels_but \$1 $tmp/run/picture) after \$n s"
		}
		$(declare -f pixels_but)
		EOF
		printf '%s\n' "$@"
	} >"$tmp/run/steps"
}

# shellcheck disable=SC2317
explain() {
	sed 's/^/# /' "$tmp/run/steps.log" 2>/dev/null
	tail -n 5 "$tmp/sway.log" | sed 's/^/# sway: /'
}

changes=('sleep 2')
for colour in 2060a0 ff8000 00c040; do
	changes+=("paint $colour" "shown $colour")
done

# each_shown WHERE: each colour that was painted was shown to the last pixel
each_shown() {
	for colour in 2060a0 ff8000 00c040; do
		got=$(grep "^$colour " "$tmp/run/steps.log" 2>/dev/null)
		promise "$1: the dock shows ${got:-nothing}: pixels that are not #$colour" \
			[ "$(echo "$got" | cut -d' ' -f2)" = 0 ]
	done
}

virtio=$(card virtio_gpu) evdi=$(card evdi) vkms=$(card vkms)
[ -n "$virtio" ] || virtio=$(card virtio-pci)
for card in "virtio-gpu $virtio" "evdi $evdi" "vkms $vkms"; do
	promise "there is a $card" [ -n "${card#* }" ]
done
promise 'there is a seat' start_seat

# 1. A plain virtual machine, as most have it.
steps 'sleep 5'
sway "$virtio" 300 env
promise "virtio-gpu alone: natively sway ends with status $?, by SIGSEGV" [ $? = 139 ]
steps 'sleep 3' 'paint 2060a0' 'sleep 8' "grim -t ppm $tmp/run/shot.ppm"
sway "$virtio" 300 "$shim" --mode rescue
status=$?
promise "virtio-gpu alone: rescue: sway ends with status $status" [ $status = 0 ]
got=$(pixels_but 2060a0 "$tmp/run/shot.ppm" 2>/dev/null)
promise "virtio-gpu alone: rescue: pixels of the screen that are not #2060a0: ${got:-all}" \
	[ "$got" = 0 ]

# 2. The dock beside it.
steps "${changes[@]}"
sway "$virtio:$evdi" 300 "$dock" "$tmp/run/picture"
status=$?
promise "virtio-gpu and the dock: natively sway ends with status $status, by SIGSEGV" \
	[ $status = 139 ]
sway "$virtio:$evdi" 400 "$dock" "$tmp/run/picture" "$shim" --mode rescue
status=$?
promise "virtio-gpu and the dock: rescue: sway ends with status $status" [ $status = 0 ]
each_shown 'virtio-gpu and the dock: rescue'

# The same with a virtual display as the one that draws.
steps "${changes[@]}"
sway "$vkms:$evdi" 300 "$dock" "$tmp/run/picture"
status=$?
promise "vkms and the dock: natively sway ends with status $status, by SIGSEGV" [ $status = 139 ]
sway "$vkms:$evdi" 400 "$dock" "$tmp/run/picture" "$shim" --mode rescue
status=$?
promise "vkms and the dock: rescue: sway ends with status $status" [ $status = 0 ]
each_shown 'vkms and the dock: rescue'

# 3. The dock alone: the compositor draws into the dock's own buffers.
sway "$evdi" 400 "$dock" "$tmp/run/picture"
status=$?
promise "the dock alone: natively sway ends with status $status" [ $status = 0 ]
each_shown 'the dock alone: natively'
sway "$evdi" 400 "$dock" "$tmp/run/picture" "$shim" --mode rescue
status=$?
promise "the dock alone: rescue: sway ends with status $status" [ $status = 0 ]
each_shown 'the dock alone: rescue'

printf '[core]\nidle-time=0\n[shell]\nbackground-color=0xff2060a0\npanel-position=none\n' \
	>"$tmp/run/weston.ini"
# weston PICTURE COMMAND...: Weston by COMMAND on the dock, until no pixel of the dock's picture has
# been black for three seconds; keeps the picture
# shellcheck disable=SC2317
weston() {
	local n pid
	rm -f "$tmp/run/picture"
	"$dock" "$tmp/run/picture" timeout --foreground -k 5 200 "${@:2}" weston \
		-Bdrm-backend.so --tty=1 "--drm-device=${evdi##*/}" --continue-without-input \
		"--config=$tmp/run/weston.ini" >"$tmp/weston.log" 2>&1 </dev/null &
	pid=$!
	for n in {1..60}; do
		[ "$(pixels_but 000000 "$tmp/run/picture" 2>/dev/null)" != $((640 * 480)) ] || break
		sleep 1
	done
	sleep 3
	cp "$tmp/run/picture" "$tmp/$1"
	kill "$(pidof weston)"
	wait "$pid"
	status=$?
	echo "Weston: a picture after $n s, status $status" >"$tmp/run/steps.log"
	[ "$status" = 0 ] && [ "$(pixels_but 000000 "$tmp/$1")" = $((640 * 480)) ]
}
promise 'the dock alone: natively Weston shows its background, and ends with status 0' \
	weston native env
promise 'the dock alone: so does it in rescue' weston rescue "$shim" --mode rescue
promise "the dock alone: rescue: Weston's picture is the native one to the last pixel" \
	cmp "$tmp/native" "$tmp/rescue"

# 4. The dock is plugged in while the session runs, after primeshim set has changed the mode.
# plug MODE: sets that mode and plugs the dock in, once the session is up
plug() {
	local status
	until [ -e "$tmp/run/up" ]; do
		sleep 1
	done
	"$tool" set "$(pidof sway)" "mode=$1"
	status=$?
	"$dock" "$tmp/run/picture" sh -c 'while pidof sway >/dev/null; do sleep 1; done'
	return $status
}

mkdir "$tmp/run/status" && chown 65534 "$tmp/run/status"
for mode in observe rescue; do
	steps 'sleep 3' "touch $tmp/run/up" 'sleep 15' "${changes[@]}"
	rm -f "$tmp/run/up" "$tmp/run/picture"
	plug $mode >"$tmp/plug.log" 2>&1 &
	plug=$!
	sway "$virtio:$evdi" 400 "$shim" --mode redirect --dir "$tmp/run/status"
	status=$?
	wait $plug
	set=$?
	promise "plugged in later: primeshim set with $set: $(tail -n 1 "$tmp/plug.log")" \
		[ $set = 0 ]
	if [ $mode = observe ]; then
		promise "plugged in later, mode observe: sway ends with status $status" \
			[ $status = 139 ]
	else
		promise "plugged in later, mode rescue: sway ends with status $status" \
			[ $status = 0 ]
		each_shown 'plugged in later, mode rescue'
	fi
done
exit $fail
