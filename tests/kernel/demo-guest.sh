#!/bin/bash
# SPDX-License-Identifier: MIT
# The part of scripts/demo.sh that runs on the machine with the devices, mostly a virtual one: runs
# unmodified programs natively, with the shim, and with the shim in mode observe, or in the WAYS of
# the environment. Writes to a directory: pictures and logs; results.txt, how each run ended, as
# "NAME WAY HOW" with tabs; NAME-brackets.txt, what the kernel counted in the run with the shim (see
# counted below).

export LC_ALL=C
me=demo-guest.sh
ways=${WAYS:-native shim observe}

if [ $# -lt 3 ] || [ ! -x "$1/scripts/run-with-shim.sh" ] || [ ! -d "$2" ]; then
	echo "Usage: $me BUILD-DIRECTORY OUT-DIRECTORY ROW..." >&2
	echo "ROW is one of those that scripts/demo.sh --row list prints" >&2
	exit 2
fi
build=$1 out=$2
shift 2

# Mesa's software rendering into the buffers of the device. Under QEMU's emulation of AVX2 its path
# for plain 2D drawing garbles the edges of a quad, also natively and without any import.
export GBM_ALWAYS_SOFTWARE=1 LP_PERF=no_linear

# After so many seconds a program hangs: on a busy, emulated machine weston takes minutes.
limit=600

tmp=$(mktemp -d) || exit 2
# The programs say nothing here: vm.sh hears from this that the guest goes on.
while sleep 30; do
	echo "$me: $SECONDS s" >&2
done >/dev/null &
heart=$!
trap 'kill $heart; rm -rf "$tmp"' EXIT

# result WAY HOW
result() {
	# A program that crashes may leave an empty file.
	[ -s "$out/$name-$1.png" ] || rm -f "$out/$name-$1.png"
	printf '%s\t%s\t%s\n' "$name" "$1" "$2" >>"$out/results.txt"
	echo "$name, $1: $2"
}

# card DRIVER: prints the DRM card of that driver; a virtual device may have its name instead
card() {
	local dir device driver
	for dir in /sys/class/drm/card*; do
		device=$(readlink -f "$dir/device") driver=$(readlink -f "$dir/device/driver")
		case ${dir##*/} in
		*-*) continue ;;
		esac
		case $1 in
		"${device##*/}" | "${driver##*/}") echo "/dev/dri/${dir##*/}" && return ;;
		esac
	done
}

# vivid: prints the video capture device of vivid
vivid() {
	local dir
	for dir in /sys/class/video4linux/video*; do
		case $(cat "$dir/name" 2>/dev/null) in
		vivid-*-vid-cap) echo "/dev/${dir##*/}" && return ;;
		esac
	done
}

# usable WHAT FILE: or else says that this row is skipped
usable() {
	[ -n "$2" ] && [ -r "$2" ] && [ -w "$2" ] && return
	if [ -e "$2" ]; then
		result skipped "$2 is not accessible"
	else
		result skipped "there is no $1"
	fi
	return 1
}

# become WAY COMMAND...: runs it instead of the shell, with all it says in a log; by the command
# "around", which has no part in the shim
around=()
become() {
	local way=$1 launcher=()
	shift
	case $way in
	shim) launcher=("$build/scripts/run-with-shim.sh" --log) ;;
	observe) launcher=("$build/scripts/run-with-shim.sh" --log --mode observe) ;;
	esac
	# In the foreground it signals the program alone; weston's clients would go before weston.
	exec timeout --foreground -k 5 "$limit" "${around[@]}" "${launcher[@]}" "$@" \
		>"$out/$name-$way.log" 2>&1 </dev/null
}

# how STATUS: says how a program ended
how() {
	local signal
	case $1 in
	124 | 137) echo "hangs (killed after $limit s)" ;;
	*)
		signal=$(kill -l "$1" 2>/dev/null)
		if [ "$1" -gt 128 ] && [ -n "$signal" ]; then
			case $signal in
			BUS) echo 'Bus error' ;;
			*) echo "SIG$signal" ;;
			esac
		else
			echo "exit $1"
		fi
		;;
	esac
}

# counting: has the kernel note each DMA_BUF_IOCTL_SYNC, and each frame that is shown, from now on
tracing=/sys/kernel/tracing
counting() {
	[ -w $tracing/kprobe_events ] || return
	# shellcheck disable=SC2016 # the arguments are the kernel's
	{
		echo 'p:sync dma_buf_ioctl request=$arg2:x32 flags=+u0($arg3):u64'
		echo 'p:shown drm_mode_atomic_ioctl'
	} >$tracing/kprobe_events &&
		echo 'request == 0x40086200' >$tracing/events/kprobes/sync/filter &&
		echo 1 >$tracing/options/record-tgid && echo >$tracing/trace &&
		echo 1 >$tracing/events/kprobes/enable
}

# counted: writes what has been noted to a file, "PROGRAM PROCESS STARTS ENDS SHOWN" a line
counted() {
	[ -w $tracing/kprobe_events ] || return
	echo 0 >$tracing/events/kprobes/enable
	sed -nE 's/^ *([^ ].*)-[0-9]+ +\( *([0-9]+)\).* (sync|shown): .*/\1\t\2\t\3\t&/p' \
		$tracing/trace | awk -F '\t' '
		{ program[$2] = program[$2] ? program[$2] : $1 }
		$3 == "shown" { shown[$2]++; next }
		{ flags = $4; sub(/.* flags=/, "", flags) }
		int(flags / 4) % 2 { ends[$2]++; next }
		{ starts[$2]++ }
		END {
			for (p in program)
				printf "%s\t%s\t%d\t%d\t%d\n", program[p], p, starts[p], ends[p], \
					shown[p]
		}' >"$out/$name-brackets.txt"
	echo >$tracing/kprobe_events
}

# ours ARG...: one of the examples, which has the device's option and then pictures
ours() {
	local way files how
	usable /dev/udmabuf /dev/udmabuf || return
	for way in $ways; do
		files=("$out/$name-$way.png")
		[ "$way" != native ] || files+=("$out/$name-put-in.png")
		[ "$way" != shim ] || counting
		(become "$way" "$@" "${files[@]}")
		how=$(how $?)
		[ "$way" != shim ] || counted
		# It says itself what failed.
		[ "$how" != 'exit 1' ] ||
			how+=": $(grep "^${1##*/}: " "$out/$name-$way.log" | tail -n 1)"
		result "$way" "${how/: ${1##*/}:/:}"
	done 2>/dev/null # bash says what it was that crashed
}

egl() {
	usable "card of the driver $1" "$(card "$1")" || return
	ours "$build/examples/dmabuf-texture" --device "$(card "$1")"
}

# plain DRIVER PROGRAM [OPTION]...: one of the examples, on the GPU's own driver
plain() {
	usable "card of the driver $1" "$(card "$1")" || return
	# GBM there is to draw with it.
	unset GBM_ALWAYS_SOFTWARE
	ours "$build/examples/$2" "${@:3}" "$(card "$1")"
}

# vulkan: Mesa's v3dv gives up at a render node that is listed after its own
vulkan() {
	[ ! -e /run/vm/conf ] || rmmod vivid vgem
	export VK_DRIVER_FILES=/usr/share/vulkan/icd.d/broadcom_icd.json
	plain v3d vulkan-map
}

gstreamer() {
	local camera way source png
	camera=$(vivid)
	usable 'vivid camera' "$camera" || return
	usable 'card of the driver cirrus' "$(card cirrus)" || return
	export GST_GL_PLATFORM=egl GST_GL_API=gles2 GST_GL_WINDOW=gbm
	GST_GL_GBM_DRM_DEVICE=$(card cirrus)
	export GST_GL_GBM_DRM_DEVICE
	# Without its clock and counter every frame is the same.
	source=(gst-launch-1.0 -q --no-fault v4l2src "device=$camera" num-buffers=3
		"extra-controls=c,osd_text_mode=2")
	png=(! pngenc snapshot=true ! filesink)
	(become put-in "${source[@]}" io-mode=mmap ! \
		video/x-raw,format=BGRx,width=320,height=180 ! \
		videoconvert ! video/x-raw,format=RGB \
		"${png[@]}" "location=$out/$name-put-in.png") ||
		echo "$name: vivid's picture cannot be had without GL: $(how $?)"
	for way in $ways; do
		[ "$way" != shim ] || counting
		(become "$way" "${source[@]}" io-mode=dmabuf ! \
			video/x-raw,format=BGRx,width=320,height=180 ! \
			glupload ! glcolorconvert ! gldownload ! video/x-raw,format=RGBA \
			"${png[@]}" "location=$out/$name-$way.png")
		result "$way" "$(how $?)"
		[ "$way" != shim ] || counted
	done 2>/dev/null
}

# shoot WAY: takes screenshots until the client's window is in one; keeps the last one, unless
# weston ends by itself; fails if the window does not show up
shoot() {
	local i verdict=2 shot=$tmp/shot
	rm -f "$shot" "$tmp/want"
	for ((i = 0; i < 30 && verdict >= 2; i++)); do
		sleep 0.5
		kill -0 "$compositor" || return 0
		timeout -k 5 60 weston-screenshooter
		mv "$tmp"/*.png "$shot" || continue
		"$build/tests/kernel/pictures" square "$shot" "$tmp/want"
		verdict=$?
	done
	[ ! -e "$shot" ] || mv "$shot" "$out/$name-$1.png"
	[ "$1" != shim ] || [ ! -e "$tmp/want" ] || mv "$tmp/want" "$out/$name-put-in.png"
	[ $verdict -lt 2 ]
}

weston() {
	local way compositor client shows how importer exporter
	importer=$(card cirrus) exporter=$(card vgem)
	usable 'card of the driver cirrus' "$importer" || return
	usable 'card of the driver vgem' "$exporter" || return
	if [ "$(id -u)" != 0 ]; then
		result skipped 'weston has to be run as root here'
		return
	fi
	if [ ! -e /run/udev/control ]; then
		PATH=$PATH:/lib/systemd:/usr/lib/systemd systemd-udevd --daemon
		udevadm trigger && udevadm settle
	fi
	export XDG_RUNTIME_DIR=$tmp XDG_PICTURES_DIR=$tmp WAYLAND_DISPLAY=demo
	# No animation and no panel, so that any screenshot shows the window as it is.
	printf '[shell]\nstartup-animation=none\npanel-position=none\n' >"$tmp/weston.ini"
	for way in $ways; do
		[ "$way" != shim ] || counting
		become "$way" weston -Bdrm-backend.so --tty=1 "--drm-device=${importer##*/}" \
			--continue-without-input --debug --socket=$WAYLAND_DISPLAY \
			"--config=$tmp/weston.ini" &
		compositor=$!
		until [ -S "$tmp/$WAYLAND_DISPLAY" ] || ! kill -0 $compositor; do
			sleep 0.2
		done
		weston-simple-dmabuf-egl "--drm-render-node=$exporter" \
			>"$out/$name-$way-client.log" 2>&1 </dev/null &
		client=$!
		shows='shows no window'
		! shoot "$way" >"$out/$name-$way-shots.log" 2>&1 || shows=''
		kill $client
		kill $compositor
		wait $compositor
		how=$(how $?)
		wait $client
		result "$way" "${shows:-$how}"
		[ "$way" != shim ] || counted
		rm -f "$tmp/$WAYLAND_DISPLAY"*
	done 2>/dev/null
}

# session WAY: prints what runs in sway: it waits until the dock's monitor shows the picture, and
# for a while more, as the right picture stays
session() {
	cat <<-EOF
	export PATH=\$PATH:$build/tests/kernel
	for _ in \$(seq 120); do
		pictures monitor $tmp/run/monitor $tmp/run/shown.png
		! pictures same $tmp/run/desktop.png $tmp/run/shown.png || break
		sleep 1
	done
	sleep 3
	pictures monitor $tmp/run/monitor $tmp/run/shown.png
	swaymsg exit
	EOF
}

# seat: what sway needs to run as a user without a login
seat() {
	local seatd
	PATH=$PATH:/lib/systemd:/usr/lib/systemd systemd-udevd --daemon
	udevadm trigger && udevadm settle
	chmod 666 /dev/dri/*
	SEATD_VTBOUND=0 seatd -g nogroup &
	seatd=$!
	until [ -S /run/seatd.sock ] || ! kill -0 $seatd; do
		sleep 0.2
	done
} >"$out/evdi-seat.log" 2>&1

evdi() {
	local way how virtio evdi around
	if [ ! -e /run/vm/conf ]; then
		result skipped 'it needs a virtual machine'
		return
	fi
	virtio=$(card virtio_gpu) evdi=$(card evdi.0)
	: "${virtio:=$(card virtio-pci)}"
	usable 'card of the driver virtio-gpu' "$virtio" || return
	usable 'card of the driver evdi' "$evdi" || return
	around=(setpriv --reuid=nobody --regid=nogroup --clear-groups
		"$build/tests/kernel/dock" "$tmp/run/monitor")
	# The threads of Mesa's software rendering write pages that no fence covers, which the other
	# card may show half drawn. An instruction of AVX2 is broken in QEMU.
	export LP_NUM_THREADS=0 GALLIUM_OVERRIDE_CPU_CAPS=sse4.1
	unset GBM_ALWAYS_SOFTWARE
	export XDG_RUNTIME_DIR=$tmp/run HOME=$tmp/run LIBSEAT_BACKEND=seatd
	export WLR_RENDERER_ALLOW_SOFTWARE=1 WLR_LIBINPUT_NO_DEVICES=1 WLR_DRM_DEVICES=$virtio:$evdi
	seat
	for way in $ways; do
		rm -rf "$tmp/run"
		chmod 711 "$tmp" && mkdir "$tmp/run" || return
		"$build/tests/kernel/pictures" desktop "$tmp/run/desktop.png"
		cp "$tmp/run/desktop.png" "$out/$name-put-in.png"
		session >"$tmp/run/session"
		printf '%s\n' 'xwayland disable' "output * bg $tmp/run/desktop.png center" \
			"exec sh $tmp/run/session >$tmp/run/session.log 2>&1" >"$tmp/run/config"
		chown -R nobody "$tmp/run"
		[ "$way" != shim ] || counting
		(become "$way" sway -c "$tmp/run/config")
		how=$(how $?)
		[ "$way" != shim ] || counted
		cp "$tmp/run/session.log" "$out/$name-$way-session.log"
		cp "$tmp/run/shown.png" "$out/$name-$way.png"
		result "$way" "$how"
	done 2>/dev/null
}

for row; do
	name=$row
	case $row in
	egl-*) egl "${row#egl-}" ;;
	evdi | gstreamer | vulkan | weston) $row ;;
	amdgpu | i915 | nouveau | radeon) plain "$row" libdrm-map ;;
	nouveau-i915)
		# The thread's pair: another GPU's buffer.
		! usable 'card of the driver i915' "$(card i915)" ||
			plain nouveau libdrm-map --from i915
		;;
	etnaviv) plain etnaviv etnaviv-map ;;
	etnaviv-gbm) plain etnaviv gbm-map ;;
	msm) plain msm gbm-map ;;
	*) echo "$me: unknown program $row" >&2 && exit 2 ;;
	esac
done
