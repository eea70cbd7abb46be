#!/bin/bash
# SPDX-License-Identifier: MIT
# Measures frames of unmodified compositors that map imports for each frame: page faults and time of
# a frame, with and without the pages kept between an unmap and the next map. Natively the
# compositors die. Run as root, in a virtual machine made by scripts/vm.sh: for sway with
# virtio-gpu-pci, for weston with cirrus-vga and Linux 6.1; in the build directory. Prints facts for
# desktop.awk, which says how they are written.
set -u
export LC_ALL=C
me=desktop.sh
clock=${1-} seconds=${2-} name=${3-}
if ! [[ $seconds:$name =~ ^[1-9][0-9]*:(sway|weston)$ ]]; then
	echo "Usage: $me CLOCK SECONDS sway|weston" >&2
	exit 2
fi
tracing=/sys/kernel/tracing
tmp=$(mktemp -d) || exit 2
chmod 711 "$tmp" && mkdir "$tmp/run" && chown 65534 "$tmp/run" || exit 2
seat=''
trap 'kill $seat 2>/dev/null; rm -rf "$tmp"' EXIT
# QEMU's emulation of AVX2 breaks one of llvmpipe's instructions (vpgatherdd), natively as well.
export GALLIUM_OVERRIDE_CPU_CAPS=sse4.1 LP_PERF=no_linear
export XDG_RUNTIME_DIR=$tmp/run HOME=$tmp/run
socket=wayland-1
export LIBSEAT_BACKEND=seatd WLR_RENDERER_ALLOW_SOFTWARE=1 WLR_LIBINPUT_NO_DEVICES=1
mkdir "$tmp/status" || exit 2
as_nobody=(setpriv --reuid=65534 --regid=65534 --clear-groups)

# card DRIVER...: prints the card of that driver, or device
card() {
	local dir name
	for dir in /sys/class/drm/card[0-9]; do
		for name; do
			case $(readlink -f "$dir/device/driver"):$(readlink -f "$dir/device") in
			*/"$name":* | *:*/"$name") echo "/dev/dri/${dir##*/}" && return ;;
			esac
		done
	done
}

shown() {
	awk '$1 == "shown" { print $2 }' $tracing/kprobe_profile
}

# faults PID, cpu PID: of all threads; a tick is 10 ms
faults() {
	awk '{ sub(/.*\) /, ""); print $8 }' "/proc/$1/stat"
}
cpu() {
	awk '{ sub(/.*\) /, ""); print ($12 + $13) * 10000 }' "/proc/$1/stat"
}

# mapped PID: how many dma-bufs are mapped, and KiB of them
mapped() {
	awk '/^[0-9a-f]+-/ { ours = /dmabuf/; n += ours } /^Size:/ && ours { kib += $2 }
	     END { print n + 0, kib + 0 }' "/proc/$1/smaps"
}

# maps PID: how many mappings of dma-bufs the shim has made, and how many of them were kept before
maps() {
	PRIMESHIM_DIR=$tmp/status tools/primeshim report "$1" | awk '
		/^    mmap: / { maps += $2 }
		/^  kept warm: / { warm += $7 }
		END { print maps + 0, warm + 0 }'
}

# frames KEEP: of a compositor, $command, that shows $client, which draws all the time
frames() {
	local keep=$1 pid compositor drawing began was_shown was_faults was_cpu now
	rm -f "$tmp"/run/wayland-*
	local settings=(PRIMESHIM_MODE=rescue PRIMESHIM_DIR="$tmp/status")
	[ "$keep" = on ] || settings+=(PRIMESHIM_KEEP="$keep")
	"${as[@]}" env LD_PRELOAD="$PWD/.libs/libprimeshim.so" "${settings[@]}" \
		"${command[@]}" >"$tmp/$name.log" 2>&1 </dev/null &
	compositor=$!
	for _ in {1..300}; do
		[ ! -S "$tmp/run/$socket" ] || break
		sleep 0.2
	done
	pid=$(pgrep -x "$name" | head -n 1)
	WAYLAND_DISPLAY=$socket "${as[@]}" "${client[@]}" >"$tmp/client.log" 2>&1 &
	drawing=$!
	# By then the compositor has mapped each buffer.
	sleep 20
	was_shown=$(shown) was_faults=$(faults "$pid") was_cpu=$(cpu "$pid") began=$EPOCHREALTIME
	sleep "$seconds"
	now=$EPOCHREALTIME
	if ! kill -0 $drawing || ! kill -0 "$pid"; then
		tail -n 20 "$tmp/$name.log" "$tmp/client.log" >&2
		exit 2
	fi
	echo "desktop $clock $name $keep $(($(shown) - was_shown))" \
		"$(($(faults "$pid") - was_faults)) $((${now/./} - ${began/./}))" \
		"$(($(cpu "$pid") - was_cpu)) $(mapped "$pid")" "$(maps "$pid")"
	kill $drawing "$pid"
	wait $drawing $compositor
}

PATH=$PATH:/lib/systemd:/usr/lib/systemd systemd-udevd --daemon 2>/dev/null
udevadm trigger && udevadm settle
echo 'p:shown drm_mode_atomic_ioctl' >$tracing/kprobe_events &&
	echo 1 >$tracing/events/kprobes/enable || exit 2
case $name in
sway)
	# It draws into buffers of its own, which it has exported and imported.
	virtio=$(card virtio-pci virtio_gpu)
	[ -n "$virtio" ] || { echo "$me: there is no virtio-gpu" >&2 && exit 2; }
	chmod 666 /dev/dri/*
	SEATD_VTBOUND=0 seatd -g nogroup >"$tmp/seatd.log" 2>&1 &
	seat=$!
	echo 'output * bg #2060a0 solid_color' >"$tmp/run/config"
	export WLR_DRM_DEVICES=$virtio
	chown 65534 "$tmp/status"
	as=("${as_nobody[@]}") command=(sway -c "$tmp/run/config") client=(weston-simple-shm)
	;;
weston)
	# It shows the buffers of a client, which come from another device.
	cirrus=$(card cirrus) vgem=$(card vgem)
	if [ -z "$cirrus" ] || [ -z "$vgem" ]; then
		echo "$me: there is no cirrus, or no vgem" >&2
		exit 2
	fi
	export GBM_ALWAYS_SOFTWARE=1
	as=() client=(weston-simple-dmabuf-egl "--drm-render-node=$vgem")
	command=(weston -Bdrm-backend.so --tty=1 "--drm-device=${cirrus##*/}" "--socket=$socket"
		--continue-without-input)
	;;
esac
frames off
frames on
echo "desktop-guest $name Linux $(uname -r | sed 's/-.*//')"
