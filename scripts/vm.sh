#!/bin/bash
# SPDX-License-Identifier: MIT
# Runs a command in a QEMU virtual machine: a stock Debian kernel with vgem, vivid, udmabuf and
# the system heap over this machine's own root file system, so that whatever is installed or built
# here can be tried on real drivers without a GPU. Nothing is installed and root is not needed.

export LC_ALL=C
set -o pipefail
me=vm.sh
source=$(realpath -- "$0") && source=${source%/*/*}
# shellcheck source=scripts/vm-gpu.sh
. "$source/scripts/vm-gpu.sh" || exit 2
# shellcheck source=scripts/vm-modules.sh
. "$source/scripts/vm-modules.sh" || exit 2
# shellcheck source=scripts/lib/debian.sh
. "$source/scripts/lib/debian.sh" || exit 2
gpu_directory=$source/scripts/vm
PATH=$PATH:/usr/sbin:/sbin # the guest gets the caller's PATH, from /proc
# The cached kernels' layout: add one when fetch_kernel() changes.
layout=1
boot_modules='virtio_pci 9p 9pnet_virtio overlay'
# Where each is from. Debian 12 has its 6.12 in the security archive.
declare -A kernels=(
	[amd64-6.1]='bookworm-security linux-image-amd64'
	[amd64-6.12]='bookworm-security linux-image-6.12-amd64'
	[amd64-newest]='trixie-backports linux-image-amd64'
	[arm64-6.1]='bookworm-security linux-image-arm64'
	[arm64-6.12]='bookworm-security linux-image-6.12-arm64'
	[arm64-newest]='trixie-backports linux-image-arm64'
	[armhf-6.1]='bookworm linux-image-armmp'
	[armhf-6.12]='trixie linux-image-armmp'
)

arch='' release='' heap='' kernel=6.12 devices=() modules=(vgem vivid) append=()
stall=180 timeout=14400 out='' show='' memory=2048 blobs='' fetch=''
# One thread for both processors: with one each, QEMU 7.2 runs into code that the kernel is patching
# (static keys, kprobes) and the guest dies of a stray int3.
accel=(-accel 'tcg,thread=single' -cpu max) clock=()

usage() {
	cat <<-EOF
	Usage: $me [options] [--] COMMAND [ARG]...
	       $me --fetch [options]
	Runs COMMAND in a QEMU virtual machine with a stock Debian kernel over this machine's root
	file system: as root, in this directory and environment, with no input and no network. vgem
	and vivid are loaded; kernel 6.12 has udmabuf and the system heap built in, 6.1 neither.
	What it writes is thrown away; /dev, /proc, /run and /sys are the virtual machine's own.

	Options (--OPTION VALUE or --OPTION=VALUE), up to the first word that is none:
	  --arch amd64|arm64|armhf
	                     the machine (default: amd64). The others have a root file system of
	                     their own, of a few Debian packages, and see of this machine's only
	                     the directory of primeshim and this directory
	  --release bookworm|trixie
	                     the Debian that arm64's root file system is of: 12 (the default), or
	                     13, which has Mesa's Vulkan drivers
	  --gpu NAME         adds a GPU in name only, on whose real driver buffers can be made,
	                     imported and mapped, but which does no work; may be repeated: the
	                     drivers are loaded in that order. Without --arch the first GPU decides.
	                     --gpu list prints the GPUs. Exits with 77 if the GPU has no recipe for
	                     the kernel
	  --system-heap      builds the kernel's own system heap, which arm64 is without, from
	                     Debian's linux-source (150 MB) once; with arm64 and kernel 6.12
	  --kernel 6.12|6.1|newest
	                     the Debian kernel to boot (default: $kernel); newest is of Debian
	                     13's backports, and not for armhf
	  --device ARG       adds a QEMU device, such as cirrus-vga or virtio-gpu-pci, and loads
	                     the driver of a cirrus, virtio, bochs or qxl display; may be repeated
	  --etnaviv, --radeon
	                     the same as --gpu etnaviv, --gpu radeon
	  --module NAME      loads one more kernel module; may be repeated
	  --append ARG       adds to the kernel's command line; may be repeated
	  --out DIR          keeps what COMMAND writes in DIR, which is created if missing
	  --stall SECONDS    gives the virtual machine up when neither its console nor COMMAND has
	                     written a byte for so long (default: $stall); time does not count in
	                     which other work kept it from this machine's processors
	  --timeout SECONDS  gives it up after so long, whatever it writes (default: $timeout)
	  --console          shows the guest's console on stderr as it goes on
	  --memory MIB       its memory in MiB (default: $memory)
	  --kvm              uses KVM (default: software emulation)
	  --icount           the guest's clock counts its instructions, one a nanosecond: so its
	                     times are those, whatever else this machine does; not with --kvm
	  --fetch            boots nothing and takes no COMMAND: fetches and builds what the other
	                     options need, and keeps it
	  --help             prints this

	The kernel is fetched with apt-get once, into \${XDG_CACHE_HOME:-~/.cache}/primeshim.

	Exit status: COMMAND's own, or
	  2    bad use, or something that $me needs is missing
	  77   the packages cannot be fetched now, as Debian's mirror is being updated; or the GPU
	       is not for that kernel
	  125  the kernel oopsed, or the virtual machine was given up or gave no status: see its
	       console on stderr
	  126  COMMAND was found but cannot be executed
	  127  COMMAND was not found

	Examples:
	  $me uname -r
	  $me --kernel 6.1 --device cirrus-vga --out /tmp/shots -- tests/kernel/kernel.sh /tmp/shots
	EOF
}

# die STATUS TEXT
die() {
	echo "$me: ${2//[$'\n\r\e']/?}" >&2
	exit "$1"
}

# need PROGRAM PACKAGE
need() {
	command -v "$1" >/dev/null || die 2 "$1 is missing: install the Debian package $2"
}

# insmods KERNEL NAME...: prints what loading those modules of the kernel in that directory takes
insmods() {
	local name version
	version=$(cat "$1/version")
	for name in "${@:2}"; do
		modprobe -C /dev/null -d "$1" -S "$version" -D -- "$name" || return
	done
}

# unpack_modules KERNEL DIR NAME...: writes modules and what they need, numbered in that order
unpack_modules() {
	local file name n=100
	mkdir "$2" || return
	insmods "$1" "${@:3}" | sed -n 's/^insmod \(.*\.ko[.a-z]*\)\( .*\)*$/\1/p' |
		awk '!seen[$0]++' | while read -r file; do
			name=${file##*/}
			case $file in
			*.xz) xz -dc "$file" ;;
			*) cat "$file" ;;
			esac >"$2/$((n++))-${name%%.*}" || return
		done
}

# fetch_kernel SUITE META DIR: unpacks the kernel that the package META depends on into DIR; in
# there are vmlinuz, lib/modules, the file version, and an initrd that can mount 9p and overlays
fetch_kernel() {
	local version
	need mmdebstrap mmdebstrap
	rm -rf "$3.new"
	mkdir -p "$3.new/initrd.d/bin" &&
		version=$(debian_kernel "$1" "$arch" "$2" "$3.new") || return
	cd "$3.new" && depmod -b . "$version" && echo "$version" >version || return

	cp "$busybox" initrd.d/bin/busybox || return
	# shellcheck disable=SC2086
	unpack_modules . initrd.d/modules $boot_modules || return
	cat >initrd.d/init <<-'EOF' && chmod +x initrd.d/init || return
	#!/bin/busybox sh
	set -e
	trap 'reboot -f' EXIT
	/bin/busybox --install -s /bin
	for module in /modules/*; do insmod $module; done
	mkdir /vm
	mount -t 9p -o trans=virtio,version=9p2000.L vm /vm
	. /vm/init
	EOF
	(cd initrd.d && find . | cpio -o -H newc -R 0:0 --quiet) >initrd &&
		rm -r initrd.d && cd / && mv -T "$3.new" "$3"
}

# guest_init: prints what goes on in the initrd, whose tools are fast, up to the file system that
# COMMAND sees
guest_init() {
	cat <<-'EOF'
	fail() {
		echo "$1" >/vm/failure
		exit
	}
	. /vm/conf
	for file in /vm/modules/*; do
		[ ! -e "/modules/${file##*/}" ] || continue
		insmod "$file" || fail "the guest cannot load the module ${file#*-}"
	done
	options=trans=virtio,version=9p2000.L,msize=512000
	mkdir /host /rw /new
	mount -t 9p -o $options,cache=loose,ro host /host
	mount -t tmpfs rw /rw
	mkdir /rw/upper /rw/work
	mount -t overlay -o lowerdir=/host,upperdir=/rw/upper,workdir=/rw/work overlay /new
	cd /new
	# The machine's own directories, over a root that is none of its.
	if [ -n "$shared" ]; then
		mkdir /machine
		mount -t 9p -o $options,cache=loose,ro machine /machine
		for directory in "$source" "$cwd"; do
			n=/rw/$((i += 1))
			mkdir -p $n/upper $n/work ".$directory"
			mount -t overlay overlay ".$directory" \
				-o "lowerdir=/machine$directory,upperdir=$n/upper,workdir=$n/work"
		done
	fi
	mount -t proc proc proc
	mount -t sysfs sysfs sys
	mount -t debugfs debugfs sys/kernel/debug
	mount -t tracefs tracefs sys/kernel/tracing
	mount -t cgroup2 cgroup2 sys/fs/cgroup
	mkdir sys/fs/cgroup/command
	mount -t devtmpfs dev dev
	mkdir -p dev/pts dev/shm
	mount -t devpts -o gid=5,mode=620,ptmxmode=666 devpts dev/pts
	mount -t tmpfs -o mode=1777 shm dev/shm
	ln -s /proc/self/fd dev/fd
	ln -s /proc/self/fd/0 dev/stdin
	ln -s /proc/self/fd/1 dev/stdout
	ln -s /proc/self/fd/2 dev/stderr
	mount -t tmpfs -o mode=755 run run
	mkdir -p run/vm run/lock
	chmod 1777 run/lock
	mkdir -p "lib/modules/$version"
	mount -t 9p -o $options,cache=loose,ro modules "lib/modules/$version"
	if [ -n "$out" ]; then
		mkdir -p ".$out"
		mount -t 9p -o $options,cache=mmap out ".$out"
	fi
	ip link set lo up
	mount --move /vm run/vm
	exec switch_root . /bin/bash /run/vm/main
	EOF
}

# guest_main: prints what goes on from there; the stdout and stderr of it are the console
guest_main() {
	cat <<-'EOF'
	. /run/vm/conf
	end() {
		sync
		echo b >/proc/sysrq-trigger
		sleep infinity
	}
	fail() {
		echo "$1" >/run/vm/failure
		end
	}

	cd -- "$cwd" || fail "the guest cannot enter $cwd: is it in /dev, /proc, /run or /sys?"
	: >/run/vm/begun

	[ ! -e /run/vm/gpu ] || . /run/vm/gpu/main

	# A pipe each, as the command may open /dev/stdout anew and truncate it.
	exec 3> >(exec cat >/run/vm/out)
	cats=$!
	if [ -n "$merge" ]; then
		exec 4>&3
	else
		exec 4> >(exec cat >/run/vm/err 3>&-)
		cats+=" $!"
	fi
	mapfile -d '' -t variables </run/vm/environ
	mapfile -d '' -t command </run/vm/command
	(
		echo 0 >/sys/fs/cgroup/command/cgroup.procs
		exec /usr/bin/env -i -- "${variables[@]}" /usr/bin/setsid -- "${command[@]}"
	) </dev/null >&3 2>&4 3>&- 4>&-
	status=$?

	# What the command left behind would keep the pipes open.
	exec 3>&- 4>&-
	echo 1 >/sys/fs/cgroup/command/cgroup.kill
	wait $cats
	sync
	echo $status >/run/vm/status
	end
	EOF
}

# add_device ARG: adds a QEMU device, and its driver if it is a display that needs no more
add_device() {
	devices+=(-device "$1")
	# For these QEMU shares the guest's memory with the host's udmabuf.
	case $1 in
	*blob=true*)
		[ -w /dev/udmabuf ] || die 2 "$1 needs /dev/udmabuf, which this machine is without"
		blobs=yes
		;;
	esac
	case ${1%%,*} in
	cirrus-vga) modules+=(cirrus) ;;
	virtio-gpu* | virtio-vga*) modules+=(virtio_gpu) ;;
	VGA | secondary-vga | bochs-display) modules+=(bochs) ;;
	qxl | qxl-vga) modules+=(qxl) ;;
	esac
}

# share TAG DIRECTORY: prints the option of -virtfs for it
share() {
	echo "local,mount_tag=$1,path=${2//,/,,},security_model=none"
}

# not_run PID: prints for how many microseconds its threads were ready to run and had to wait for a
# processor; where the kernel does not count that, 0
not_run() {
	cat "/proc/$1/task"/*/schedstat 2>/dev/null |
		awk '{ ns += $2 } END { printf "%d", ns / 1000 }'
}

# last_line: prints the last line that the guest or COMMAND has written
last_line() {
	local file
	file=$(find "$dir"/{console,out,err} -size +0 -printf '%T@ %p\n' | sort -n | tail -n 1)
	[ -z "$file" ] || tail -n 1 "${file#* }" | tr -d '\000-\037' | cut -c 1-200
}

# watch PID: ends QEMU, and writes why to the file given_up, where the guest makes no progress.
# Progress is a byte on its console or from COMMAND. A slow guest is not a guest that hangs, so only
# seconds count in which it could have run.
watch() {
	local began=$SECONDS before='' sizes now then=${EPOCHREALTIME/./} passed waited delayed=0
	local silent=0 why
	while sleep 1; do
		sizes=$(stat -c %s "$dir"/{console,out,err})
		now=${EPOCHREALTIME/./} waited=$(not_run "$1")
		# In a longer second this shell did not run, or this machine slept.
		passed=$((now - then > 2000000 ? 2000000 : now - then))
		# The kernel counts a delay when it is over, so it may be longer than a second.
		silent=$((silent + passed - (waited > delayed ? waited - delayed : 0)))
		[ "$sizes" = "$before" ] || silent=0
		before=$sizes then=$now delayed=$waited
		if [ $silent -ge "${stall}000000" ]; then
			why="silent for $stall s (--stall) at $((SECONDS - began)) s"
		elif [ $((SECONDS - began)) -ge "$timeout" ]; then
			why="not done after $timeout s (--timeout)"
		else
			continue
		fi
		echo "$why, its last line: $(last_line)" >"$dir/given_up"
		kill "$1"
		sleep 5
		kill -KILL "$1"
	done
}

# shellcheck disable=SC2317
clean_up() {
	# A child that is killed before bash has reset its traps runs them. There the command [ may
	# end with 0 whatever it is asked (bash 5.2).
	[[ $BASHPID = "$$" ]] || return
	trap '' INT TERM HUP
	# shellcheck disable=SC2086
	[ -z "$pids" ] || kill $pids 2>/dev/null
	wait
	cd / && rm -rf "$dir"
}

while [ $# -gt 0 ]; do
	case $1 in
	--arch=* | --release=* | --kernel=* | --gpu=* | --device=* | --module=* | --append=* | \
		--stall=* | --timeout=* | --out=* | --memory=*)
		option=${1%%=*} value=${1#*=}
		;;
	--arch | --release | --kernel | --gpu | --device | --module | --append | --stall | \
		--timeout | --out | --memory)
		[ $# -gt 1 ] || die 2 "$1 needs a value; see --help"
		option=$1 value=$2
		shift
		;;
	--radeon | --etnaviv) gpu_add "${1#--}" && shift && continue ;;
	--system-heap) heap=yes && shift && continue ;;
	--console) show=yes && shift && continue ;;
	--fetch) fetch=yes && shift && continue ;;
	--kvm) accel=(-accel kvm -cpu host) && shift && continue ;;
	--icount) clock=(-icount 'shift=0,sleep=off') && shift && continue ;;
	--help) usage && exit ;;
	--) shift && break ;;
	-*) die 2 "unknown option $1; see --help" ;;
	*) break ;;
	esac
	shift
	[ -n "$value" ] || die 2 "$option needs a value; see --help"
	case $option in
	--stall | --timeout | --memory)
		[[ $value =~ ^[1-9][0-9]*$ ]] || die 2 "$option cannot be '$value'; see --help"
		declare "${option#--}=$value"
		;;
	--arch)
		[[ $value =~ ^(amd64|arm64|armhf)$ ]] ||
			die 2 "--arch cannot be '$value'; see --help"
		arch=$value
		;;
	--release)
		[[ $value =~ ^(bookworm|trixie)$ ]] ||
			die 2 "--release cannot be '$value'; see --help"
		release=$value
		;;
	--kernel)
		[ -n "${kernels[amd64-$value]-}" ] ||
			die 2 "--kernel cannot be '$value'; see --help"
		kernel=$value
		;;
	--gpu)
		[ "$value" != list ] || { gpu_list && exit; }
		gpu_add "$value"
		;;
	--device) add_device "$value" ;;
	--module) modules+=("$value") ;;
	--append) append+=("$value") ;;
	--out) out=$value ;;
	esac
done
[ $# -gt 0 ] || [ -n "$fetch" ] || die 2 "no command given; see --help"
[ $# = 0 ] || [ -z "$fetch" ] || die 2 "--fetch runs no command; see --help"
[[ "${accel[*]}${clock[*]}" != *kvm*icount* ]] ||
	die 2 "--kvm and --icount exclude each other; see --help"
[ -n "$arch" ] || [ ${#gpus[@]} = 0 ] || arch=$(gpu_archs "${gpus[0]}" | head -n 1)
arch=${arch:-amd64}
gpu_check
[ -n "${kernels[$arch-$kernel]-}" ] || die 2 "--kernel $kernel is not for --arch $arch; see --help"
[ -z "$release" ] || [ "$arch" = arm64 ] || die 2 '--release goes with arm64; see --help'
[ "$arch" = amd64 ] || [[ ${accel[*]} != *kvm* ]] ||
	die 2 "--kvm is for --arch amd64 only; see --help"
[ -z "$heap" ] || [ "$arch $kernel" = 'arm64 6.12' ] ||
	die 2 '--system-heap goes with arm64 and kernel 6.12; see --help'
case $arch in
amd64)
	[ "$(uname -m)" = x86_64 ] || die 2 "this is no amd64 machine: try --arch arm64"
	need busybox busybox-static
	busybox=$(command -v busybox)
	! ldd "$busybox" >/dev/null 2>&1 ||
		die 2 "busybox is not a static one: install the Debian package busybox-static"
	qemu=(qemu-system-x86_64 "${accel[@]}" -vga none) console=ttyS0
	need qemu-system-x86_64 qemu-system-x86
	;;
arm64) qemu=(qemu-system-aarch64 -M virt -accel 'tcg,thread=single' -cpu cortex-a57) ;;
# Without LPAE the kernel does not reach what is high; and its second processor does not come up
# if both share one thread.
armhf) qemu=(qemu-system-arm -M 'virt,highmem=off' -accel tcg -cpu cortex-a15) ;;
esac
if [ "$arch" != amd64 ]; then
	console=ttyAMA0
	need "${qemu[0]}" qemu-system-arm
	need mmdebstrap mmdebstrap
	need dtc device-tree-compiler
fi
qemu+=("${clock[@]}" -m "$memory" -smp 2)
[ -z "$blobs" ] || qemu+=(-object "memory-backend-memfd,id=ram,size=${memory}M,share=on"
	-machine memory-backend=ram)
need modprobe kmod
need cpio cpio
need xz xz-utils

cache=${XDG_CACHE_HOME:-${HOME:+$HOME/.cache}}
[ -n "$cache" ] || die 2 "no directory for the kernels: set XDG_CACHE_HOME or HOME"
cache=$(realpath -m -- "$cache")/primeshim
linux=$cache/linux-${arch/amd64/}-$kernel-$layout
linux=${linux/linux--/linux-} root=/
if [ "$arch" != amd64 ]; then
	root=$(debian_root "$arch" "$release") || die 2 "cannot make the root of $arch; see above"
	busybox=$root/bin/busybox
fi
if [ ! -e "$linux" ]; then
	mkdir -p "${linux%/*}" || die 2 "cannot create ${linux%/*}"
	(
		flock 9
		# shellcheck disable=SC2086
		[ -e "$linux" ] || fetch_kernel ${kernels[$arch-$kernel]} "$linux"
		case $? in
		0) ;;
		77) die 77 "kernel $kernel: Debian's mirror is being updated; try later" ;;
		*) die 2 "cannot fetch and unpack the kernel $kernel; see above" ;;
		esac
	) 9>"$linux.lock" || exit
fi

version=$(cat "$linux/version")
# It has got another name after 6.12.
[ "$kernel" != newest ] || modules=("${modules[@]/#cirrus/cirrus-qemu}")
for module in "${modules[@]}"; do
	insmods "$linux" "$module" >/dev/null 2>&1 ||
		die 2 "the kernel $version has no module $module"
done
if [ -n "$out" ]; then
	mkdir -p -- "$out" 2>/dev/null || die 2 "cannot create $out"
	out=$(realpath -- "$out")
	[ "$out" != / ] || die 2 "--out cannot be /: the guest would write all over this machine"
fi
# One stream if both are one here, so that the lines stay in order.
merge=
[ ! /dev/fd/1 -ef /dev/fd/2 ] || merge=yes

dir=$(mktemp -d -t primeshim-vm.XXXXXX) || exit 2
pids=
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
trap 'exit 129' HUP
guest_init >"$dir/init"
guest_main >"$dir/main"
printf '%s=%q\n' version "$version" out "$out" cwd "$(pwd -P)" merge "$merge" source "$source" \
	shared "${root#/}" >"$dir/conf"
printf '%s\0' "$@" >"$dir/command"
cat /proc/$$/environ >"$dir/environ"
touch "$dir/out" "$dir/err"
# shellcheck disable=SC2086
unpack_modules "$linux" "$dir/modules" $boot_modules "${modules[@]}" ||
	die 2 "cannot unpack the kernel's modules to $dir"
if [ -n "$heap" ]; then
	heap=$(module_of heaps "$linux") || die 2 'cannot build the system heap; see above'
	cp "$heap" "$dir/modules/999-heaps" || die 2 "cannot copy the system heap to $dir"
fi
if [ ${#gpus[@]} != 0 ]; then
	gpu_prepare "$dir/gpu" "$linux" || die 2 "cannot make the GPU ${gpus[*]}; see above"
fi
[ -z "$fetch" ] || exit 0
qemu+=(-nodefaults -display none -nic none -no-reboot
	-serial stdio -kernel "$linux/vmlinuz" -initrd "$linux/initrd"
	-append "console=$console loglevel=4 oops=panic panic=-1 ${append[*]}"
	-virtfs "$(share vm "$dir")" -virtfs "$(share host "$root"),readonly=on,multidevs=remap"
	-virtfs "$(share modules "$linux/lib/modules/$version"),readonly=on")
[ "$root" = / ] || qemu+=(-virtfs "$(share machine /),readonly=on,multidevs=remap")
[ -z "$out" ] || qemu+=(-virtfs "$(share out "$out"),multidevs=remap")

boot() {
	local vm watcher
	"${qemu[@]}" "${devices[@]}" </dev/null >"$dir/console" 2>&1 &
	vm=$! pids=$!
	if [ -n "$show" ]; then
		tail -s 0.1 -c +1 -f --pid=$vm "$dir/console" >&2 &
		pids+=" $!"
	fi
	watch $vm >/dev/null 2>&1 &
	watcher=$!
	pids+=" $!"
	tail -s 0.1 -c +1 -f --pid=$vm "$dir/out" &
	pids+=" $!"
	tail -s 0.1 -c +1 -f --pid=$vm "$dir/err" >&2 &
	pids+=" $!"
	wait $vm 2>/dev/null # bash would say how it was killed
	kill $watcher
	wait
}

died() {
	grep -Eq 'Oops|BUG:|Kernel panic' "$dir/console"
}

boot
# Rarely QEMU 7.2 runs into code that the kernel is patching, at its start above all.
if died && [ ! -e "$dir/begun" ]; then
	echo "$me: the guest's kernel died while it booted: it boots again" >&2
	boot
fi
status=$(cat "$dir/status" 2>/dev/null)
if died; then
	why="the guest's kernel oopsed or panicked"
elif [ -s "$dir/given_up" ]; then
	why="given up: $(cat "$dir/given_up")"
elif [ -s "$dir/failure" ]; then
	why=$(cat "$dir/failure")
elif [ -z "$status" ]; then
	why='the virtual machine ended without a status'
else
	exit "$status"
fi
echo "$me: the end of the console:" >&2
tail -n 60 "$dir/console" | tr -d '\000-\010\013-\037' >&2
die 125 "$why"
