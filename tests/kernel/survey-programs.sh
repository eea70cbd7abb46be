# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# To be sourced by survey-guest.sh: the programs of the survey. p_NAME sets for run() there:
#   command   what is run
#   package   the Debian package, whose version is noted (default: NAME)
#   until     drawn: it is ended a few seconds (stay) after the display shows a picture; end: it
#             ends by itself
#   least     how many colours a picture has
#   limit     after so many seconds it is ended in any case
# and may define prepare, which runs before it, and after, which runs beside it.
# shellcheck disable=SC2034,SC2054,SC2154,SC2317 # all of that is used there, or set there

# A client that draws by the CPU into shared memory: something to be shown
client=weston-simple-shm

p_weston() {
	printf '[core]\nidle-time=0\n[autolaunch]\npath=%s\n' "/usr/bin/$client" >"$HOME/weston.ini"
	command=(weston "--drm-device=${shown##*/}" --continue-without-input
		--socket=weston "--config=$HOME/weston.ini")
	case $debian in
	12)
		# Its way to a session without logind
		user=()
		command+=(-Bdrm-backend.so --tty=1)
		;;
	*)
		command+=(-Bdrm "--drm-device=${virtio##*/}")
		[ -z "$second" ] || command+=("--additional-devices=${second##*/}")
		;;
	esac
	after() {
		until [ -S "$XDG_RUNTIME_DIR/weston" ]; do sleep 1; done
		WAYLAND_DISPLAY=weston $client
	}
}

# wlroots' compositors; the first card draws
p_sway() {
	export WLR_DRM_DEVICES=$cards
	printf 'default_border none\nexec %s\n' $client >"$HOME/config"
	command=(sway -d -c "$HOME/config")
	# sway 1.10 refuses a dock's driver without it.
	[ "$machine$debian" != evdi13 ] || command+=(--unsupported-gpu)
}

p_labwc() {
	export WLR_DRM_DEVICES=$cards
	command=(labwc -s "$client")
}

p_cage() {
	export WLR_DRM_DEVICES=$cards
	command=(cage -- "$client")
}

# The same without GL, and so without an import
p_cage-pixman() {
	export WLR_RENDERER=pixman
	p_cage
	package=cage
}

p_wayfire() {
	export WLR_DRM_DEVICES=$cards
	printf '[core]\nplugins = autostart place\nxwayland = false\n[autostart]\na = %s\n' \
		$client >"$HOME/wayfire.ini"
	command=(wayfire -c "$HOME/wayfire.ini")
}

p_phoc() {
	export WLR_DRM_DEVICES=$cards
	printf '[core]\nxwayland=false\n' >"$HOME/phoc.ini"
	command=(phoc -C "$HOME/phoc.ini" -E "$client")
}

# The same, with a client whose buffers are another device's: vgem's
p_weston-dmabuf() {
	p_weston
	package=weston
	printf '[core]\nidle-time=0\n' >"$HOME/weston.ini"
	prepare() { modprobe vgem && sleep 1 && chmod 666 /dev/dri/*; }
	after() {
		local vgem
		vgem=$(readlink -f /sys/class/drm/card* |
			sed -n 's,.*/vgem/drm/\(card[0-9]*\)$,/dev/dri/\1,p')
		until [ -S "$XDG_RUNTIME_DIR/weston" ]; do sleep 1; done
		WAYLAND_DISPLAY=weston weston-simple-dmabuf-egl "--drm-render-node=$vgem"
	}
	# More than the shell's own
	stay=15
}

p_mir() {
	export MIR_SERVER_PLATFORM_DISPLAY_LIBS=mir:gbm-kms MIR_SERVER_ENABLE_X11=0
	user=() package=mir-demos
	command=(miral-shell --console-provider=none "--startup-apps=$client")
}

# Compositors that take their devices from logind alone
p_kwin() {
	start_login
	package=kwin-wayland
	# elogind 246 refuses its Activate to another user than root.
	[ "$debian" != 12 ] || user=() login=(python3 "$here/survey-login.py" 0)
	export QT_QPA_PLATFORM='' KWIN_COMPOSE=O2 KWIN_DRM_DEVICES=$cards
	command=(kwin_wayland --no-lockscreen --no-global-shortcuts --exit-with-session "$client")
}

p_mutter() {
	start_login
	command=(mutter --wayland --display-server --no-x11 -- "$client")
}

p_gnome-shell() {
	limit=120
	start_login
	command=(gnome-shell --wayland --display-server --no-x11)
}

p_gamescope() {
	command=(/usr/games/gamescope -- "$client")
}

# With two devices the second shows what the first has drawn (PRIME). Glamor takes llvmpipe only
# where the configuration names a second device.
p_xorg() {
	user=() package=xserver-xorg-core limit=100
	{
		x_device a "$virtio"
		[ -z "$second" ] || x_device b "$second"
		printf 'Section "Screen"\nIdentifier "s"\nDevice "a"\n%s\nEndSection\n' \
			"${second:+GPUDevice \"b\"}"
	} >"$HOME/xorg.conf"
	command=(/usr/lib/xorg/Xorg :7 -config "$HOME/xorg.conf" -novtswitch -sharevts
		-noreset -ac vt1)
	after() {
		export DISPLAY=:7
		until [ -S /tmp/.X11-unix/X7 ]; do sleep 1; done
		sleep 1
		xrandr --listproviders
		xrandr --setprovideroutputsource 1 0
		xrandr --auto
		glxgears
	}
	stay=15
}

# x_device NAME CARD
x_device() {
	printf 'Section "Device"\nIdentifier "%s"\nDriver "modesetting"\n' "$1"
	printf 'Option "kmsdev" "%s"\nEndSection\n' "$2"
}

p_plymouth() {
	user=()
	command=(plymouthd --no-daemon --no-boot-log --tty=/dev/tty1)
	after() {
		sleep 3
		plymouth show-splash
	}
}

# Programs that show something by one device themselves
p_kmscube() {
	command=(kmscube -D "$shown")
}

p_modetest() {
	local connector mode driver
	package=libdrm-tests
	case $shown in
	"$virtio") driver=virtio_gpu ;;
	*) driver=$machine ;;
	esac
	connector=$(modetest -M "$driver" -c | awk '$3 == "connected" { print $1; exit }')
	mode=$(modetest -M "$driver" -c | awk '$1 == "#0" { print $2; exit }')
	command=(modetest -M "$driver" -s "$connector:$mode")
}

p_glmark2-drm() {
	package=glmark2-es2-drm
	command=(glmark2-es2-drm -b build:duration=60)
}

p_vkmark() {
	export VK_DRIVER_FILES=/usr/share/vulkan/icd.d/lvp_icd.json
	command=(vkmark --winsys kms --winsys-options "kms-drm-device=$shown" -b cube:duration=60)
}

p_drm_info() {
	package=drm-info until=end
	command=(drm_info)
}

picture() {
	ffmpeg -v error -f lavfi -i testsrc=size=320x240:rate=5 -t 60 -c:v mpeg4 -y "$1" </dev/null
}

prepare_picture() {
	picture "$HOME/film.avi" && chmod 644 "$HOME/film.avi"
}

p_mpv-drm() {
	package=mpv
	prepare_picture
	command=(mpv --no-config --ao=null --no-input-terminal --vo=drm --drm-device="$shown"
		"$HOME/film.avi")
}

p_mpv-gpu() {
	package=mpv
	prepare_picture
	command=(mpv --no-config --ao=null --no-input-terminal --vo=gpu --gpu-context=drm
		--gpu-sw=yes --drm-device="$shown" "$HOME/film.avi")
}

p_kmssink() {
	local driver=$machine
	[ "$shown" != "$virtio" ] || driver=virtio_gpu
	package=gstreamer1.0-plugins-bad
	command=(gst-launch-1.0 -q --no-fault v4l2src device=/dev/video0 io-mode=dmabuf !
		video/x-raw,format=BGRx,width=640,height=360 ! kmssink "driver-name=$driver")
}

p_glimagesink-gbm() {
	package=gstreamer1.0-gl
	export GST_GL_PLATFORM=egl GST_GL_API=gles2 GST_GL_WINDOW=gbm GST_GL_GBM_DRM_DEVICE=$shown
	command=(gst-launch-1.0 -q --no-fault v4l2src device=/dev/video0 io-mode=dmabuf !
		video/x-raw,format=BGRx,width=640,height=360 ! glimagesink)
}

# The same without a dma-buf: a crash is then not one of imports.
p_glimagesink-test() {
	package=gstreamer1.0-gl
	export GST_GL_PLATFORM=egl GST_GL_API=gles2 GST_GL_WINDOW=gbm GST_GL_GBM_DRM_DEVICE=$shown
	command=(gst-launch-1.0 -q --no-fault videotestsrc !
		video/x-raw,format=BGRx,width=640,height=360 ! glimagesink)
}

p_v4l2-convert() {
	package=gstreamer1.0-plugins-base until=end
	command=(gst-launch-1.0 -q --no-fault v4l2src device=/dev/video0 num-buffers=8
		io-mode=dmabuf ! video/x-raw,format=BGRx,width=320,height=180 ! videoconvert !
		video/x-raw,format=RGB ! filesink location=/dev/null)
}

p_kmsgrab() {
	package=ffmpeg until=end
	# The console is what it grabs: modetest shows a picture meanwhile.
	user=()
	prepare() {
		local driver=$machine connector mode
		[ "$shown" != "$virtio" ] || driver=virtio_gpu
		connector=$(modetest -M "$driver" -c | awk '$3 == "connected" { print $1; exit }')
		mode=$(modetest -M "$driver" -c | awk '$1 == "#0" { print $2; exit }')
		modetest -M "$driver" -s "$connector:$mode" </dev/null &
		sleep 3
	}
	command=(ffmpeg -v error -device "$shown" -f kmsgrab -i - -vf hwdownload,format=bgr0
		-frames:v 3 -f null -)
}

p_retroarch() {
	limit=120
	printf 'video_driver = "gl"\nvideo_context_driver = "kms"\naudio_driver = "null"\n%s\n' \
		'input_driver = "null"' >"$HOME/retroarch.cfg"
	command=(retroarch --menu -v --config "$HOME/retroarch.cfg")
}

p_kodi() {
	limit=120
	package=kodi-bin
	command=(/usr/lib/x86_64-linux-gnu/kodi/kodi.bin --windowing=gbm --standalone)
}

qml_film() {
	cat <<-'EOF' >"$HOME/a.qml"
	import QtQuick
	Rectangle {
		width: 400; height: 300; visible: true
		gradient: Gradient {
			GradientStop { position: 0; color: "red" }
			GradientStop { position: 1; color: "blue" }
		}
		Rectangle {
			width: 90; height: 90; color: "green"; anchors.centerIn: parent
			NumberAnimation on rotation { to: 360; duration: 3000; loops: -1 }
		}
	}
	EOF
}

p_qt6-eglfs() {
	package=qml6-module-qtquick
	export QT_QPA_PLATFORM=eglfs QT_QPA_EGLFS_INTEGRATION=eglfs_kms
	export QT_QPA_EGLFS_KMS_CONFIG=$HOME/kms.json QT_QPA_EGLFS_DISABLE_INPUT=1
	printf '{"device":"%s"}\n' "$shown" >"$HOME/kms.json"
	qml_film
	command=(/usr/lib/qt6/bin/qml "$HOME/a.qml")
}

p_qt6-linuxfb() {
	package=qml6-module-qtquick
	export QT_QPA_PLATFORM=linuxfb QT_QUICK_BACKEND=software QT_QPA_FB_DRM=1
	export QT_QPA_KMS_CONFIG=$HOME/kms.json QT_QPA_FB_DISABLE_INPUT=1
	export QT_QPA_EGLFS_KMS_CONFIG=$HOME/kms.json
	printf '{"device":"%s"}\n' "$shown" >"$HOME/kms.json"
	qml_film
	command=(/usr/lib/qt6/bin/qml "$HOME/a.qml")
}

p_sdl2-kmsdrm() {
	package=libsdl2-2.0-0
	export SDL_VIDEODRIVER=kmsdrm SDL_VIDEO_KMSDRM_DEVICE_INDEX=${shown#/dev/dri/card}
	command=(/usr/libexec/installed-tests/SDL2/testgles2)
}

p_sdl3-kmsdrm() {
	package=libsdl3-0
	export SDL_VIDEO_DRIVER=kmsdrm SDL_KMSDRM_DEVICE_INDEX=${shown#/dev/dri/card}
	command=(/usr/libexec/installed-tests/SDL3/testgles2)
}

page() {
	printf '<!DOCTYPE html><title>t</title><body style="%s"><p>page<canvas id=c></canvas>%s' \
		'background:linear-gradient(red,blue)' \
		'<script>c.getContext("webgl").clear(16384)</script>' >"$HOME/page.html"
}

p_cog-drm() {
	package=cog
	page
	export WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS=1
	command=(cog -P drm "file://$HOME/page.html")
}

# Clients of Wayland, in sway under --mode rescue, which is not counted
in_session() {
	export XDG_RUNTIME_DIR=$tmp/session WAYLAND_DISPLAY=wayland-1 XDG_SESSION_TYPE=wayland
	export GDK_BACKEND=wayland QT_QPA_PLATFORM=wayland SDL_VIDEODRIVER=wayland
	export SDL_VIDEO_DRIVER=wayland
	SWAYSOCK=$(find "$tmp/session" -name 'sway-ipc.*' 2>/dev/null | head -n 1)
	if [ -n "$SWAYSOCK" ] && swaymsg -q -s "$SWAYSOCK" '[app_id=".*"] kill'; then
		export SWAYSOCK
		return
	fi
	end_session
	mkdir -m 700 "$tmp/session"
	printf '%s\n' 'default_border none' 'focus_on_window_activation focus' \
		'for_window [app_id=".*"] fullscreen enable' 'seat * hide_cursor 1' \
		>"$tmp/session/config"
	chown -R 65534 "$tmp/session"
	# WAYLAND_DISPLAY would make it a client.
	env -u WAYLAND_DISPLAY WLR_DRM_DEVICES="$cards" "${as_nobody[@]}" \
		"$build/scripts/run-with-shim.sh" --mode rescue sway -c "$tmp/session/config" \
		>"$tmp/sway.log" 2>&1 </dev/null &
	echo $! >"$tmp/session.pid"
	for _ in {1..60}; do
		[ ! -S "$XDG_RUNTIME_DIR/wayland-1" ] || break
		sleep 1
	done
	sleep 3
	SWAYSOCK=$(find "$tmp/session" -name 'sway-ipc.*' | head -n 1)
	export SWAYSOCK
}

end_session() {
	[ -e "$tmp/session.pid" ] || return 0
	kill "$(cat "$tmp/session.pid")"
	while pgrep -x sway >/dev/null; do sleep 1; done
	rm -rf "$tmp/session" "$tmp/session.pid"
}

p_grim() {
	in_session
	until=end
	prepare() { as_user moving & sleep 4; }
	command=(grim "$HOME/shot.png")
}

moving() {
	$client
}

p_wf-recorder() {
	in_session
	until=end limit=25
	prepare() { as_user moving & sleep 4; }
	command=(wf-recorder -f "$HOME/film.mkv")
}

p_wayvnc() {
	in_session
	until=end limit=25
	prepare() { as_user moving & sleep 4; }
	command=(wayvnc 127.0.0.1 5900)
	# Somebody has to look, or it captures nothing.
	after() {
		sleep 6
		exec 9<>/dev/tcp/127.0.0.1/5900
		printf 'RFB 003.008\n\1\1' >&9
		sleep 2
		printf '\3\0\0\0\0\0\4\0\3\0' >&9
		cat <&9 >/dev/null
	}
}

p_wl-mirror() {
	in_session
	command=(wl-mirror Virtual-1)
	until=end limit=25
}

p_mpv-wayland() {
	in_session
	package=mpv
	prepare_picture
	command=(mpv --no-config --ao=null --no-input-terminal --vo=gpu --gpu-context=wayland
		--gpu-sw=yes "$HOME/film.avi")
}

p_gtk4-demo() {
	in_session
	package=gtk-4-examples
	export GSK_RENDERER=gl
	command=(gtk4-widget-factory)
}

p_qt6-wayland() {
	in_session
	package=qt6-wayland
	qml_film
	command=(/usr/lib/qt6/bin/qml "$HOME/a.qml")
}

p_chromium() {
	limit=120
	in_session
	page
	command=(chromium --no-sandbox --no-first-run --ozone-platform=wayland
		"--user-data-dir=$HOME/profile" "file://$HOME/page.html")
}

p_firefox() {
	limit=120
	in_session
	package=firefox-esr
	page
	export MOZ_ENABLE_WAYLAND=1 MOZ_DISABLE_CONTENT_SANDBOX=1
	command=(firefox-esr --no-remote --new-instance "file://$HOME/page.html")
}

p_epiphany() {
	limit=120
	in_session
	page
	package=epiphany-browser
	export WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS=1
	command=(epiphany "file://$HOME/page.html")
}

p_cog-wayland() {
	in_session
	page
	package=cog
	export WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS=1
	command=(cog -P wl "file://$HOME/page.html")
}

p_vkcube() {
	in_session
	package=vulkan-tools
	case $debian in
	12) command=(vkcube-wayland) ;;
	*) command=(vkcube --wsi wayland) ;;
	esac
}

p_glmark2-wayland() {
	in_session
	package=glmark2-es2-wayland
	command=(glmark2-es2-wayland -b build:duration=60)
}

p_simple-egl() {
	in_session
	package=weston
	command=(weston-simple-egl -f)
}

p_waylandsink() {
	in_session
	package=gstreamer1.0-plugins-bad
	command=(gst-launch-1.0 -q --no-fault v4l2src device=/dev/video0 io-mode=dmabuf !
		video/x-raw,format=BGRx,width=640,height=360 ! waylandsink)
}

p_glimagesink-wayland() {
	in_session
	package=gstreamer1.0-gl
	export GST_GL_PLATFORM=egl GST_GL_API=gles2 GST_GL_WINDOW=wayland
	command=(gst-launch-1.0 -q --no-fault v4l2src device=/dev/video0 io-mode=dmabuf !
		video/x-raw,format=BGRx,width=640,height=360 ! glimagesink)
}

p_obs() {
	limit=120
	in_session
	package=obs-studio
	command=(obs --multi --disable-updater --disable-shutdown-check)
}

p_foot() {
	in_session
	command=(foot sh -c 'sleep 100')
}

p_xwayland() {
	in_session
	command=(Xwayland :9 -ac)
	after() {
		until [ -S /tmp/.X11-unix/X9 ]; do sleep 1; done
		DISPLAY=:9 glxgears
	}
}

p_sdl2-wayland() {
	in_session
	package=libsdl2-2.0-0
	command=(/usr/libexec/installed-tests/SDL2/testgles2)
}
