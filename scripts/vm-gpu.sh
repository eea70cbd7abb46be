# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154 # what vm.sh has
# To be sourced by vm.sh: its option --gpu. A GPU is one in name only: a block of registers that
# always read the same, which is enough for the real driver to register and to import, map and sync
# buffers. The file NAME.conf in the directory vm describes each GPU; README.md there says what the
# lines mean.

gpus=()        # their names, in the order in which their drivers are loaded
gpu_directory=''  # where NAME.conf is; vm.sh sets it

# gpu_conf NAME KEY: prints what follows KEY in the lines that begin with it
gpu_conf() {
	sed -n "/^nodes\$/q; s/^$2 //p" "$gpu_directory/$1.conf"
}

# gpu_archs NAME: prints the architectures that it is for, the usual one first
gpu_archs() {
	gpu_conf "$1" kernel | cut -d ' ' -f 1
}

# gpu_list: prints what there is
gpu_list() {
	local file name
	printf '%-12s %-44s %-22s %s\n' NAME 'A GPU IN NAME ONLY' KERNELS \
		'AN IMPORT, MAPPED NATIVELY'
	for file in "$gpu_directory"/*.conf; do
		name=${file##*/} name=${name%.conf}
		printf '%-12s %-44s %-22s %s\n' "$name" "$(gpu_conf "$name" about)" \
			"$(gpu_conf "$name" kernel | head -n 1)" "$(gpu_conf "$name" natively)"
	done
}

# gpu_add NAME
gpu_add() {
	[[ $1 =~ ^[a-z0-9_]+$ && -e $gpu_directory/$1.conf ]] ||
		die 2 "--gpu cannot be '$1': --gpu list says what it can be"
	[[ " ${gpus[*]} " = *" $1 "* ]] || gpus+=("$1")
}

# gpu_check: ends the script if they do not go with the architecture and the kernel, or together
gpu_check() {
	local name kernels place taken=''
	for name in "${gpus[@]}"; do
		gpu_archs "$name" | grep -qx "$arch" ||
			die 2 "--gpu $name is for --arch $(gpu_archs "$name" | paste -sd ' ') only"
		kernels=$(gpu_conf "$name" kernel | sed -n "s/^$arch //p")
		[[ " $kernels " = *" $kernel "* ]] ||
			die 77 "--gpu $name: no recipe for kernel $kernel, only for $kernels"
		place=$(gpu_conf "$name" registers)
		if [ "$place" = flash ]; then
			[ -z "$taken" ] ||
				die 2 "--gpu $taken excludes --gpu $name: both have the same place"
			taken=$name
		elif [ "$place" = memory ] && [ "$memory" -lt 1024 ]; then
			die 2 "--gpu $name needs --memory 1024 or more"
		fi
		[ -z "$(gpu_conf "$name" pci)" ] || [[ ${accel[*]} != *kvm* ]] ||
			die 2 "--gpu $name has another QEMU, without --kvm"
	done
}

# gpu_registers FILE PLACE: writes those registers of all GPUs that are there; nothing if none is
gpu_registers() {
	local name at value some=''
	for name in "${gpus[@]}"; do
		[ "$(gpu_conf "$name" registers)" = "$2" ] || continue
		[ -n "$some" ] || : >"$1" || return
		some=yes
		while read -r at value; do
			printf -v value %08x "$value"
			# Little-endian words
			# shellcheck disable=SC2059
			printf "\\x${value:6:2}\\x${value:4:2}\\x${value:2:2}\\x${value:0:2}" |
				dd of="$1" bs=1 seek=$((at)) conv=notrunc status=none || return
		done < <(gpu_conf "$name" register)
	done
}

# gpu_tree DIR QEMU...: writes the device tree of the machine that this QEMU makes, with the GPUs,
# to DIR/gpus.dtb
gpu_tree() {
	local clock name tree=$1/virt.dts
	"${@:2}" -machine "dumpdtb=$1/virt.dtb" -nodefaults -display none 2>/dev/null &&
		dtc -q -I dtb -O dts -o "$tree" "$1/virt.dtb" || return
	clock=$(sed -n '/apb-pclk {/,/}/s/.*phandle = <\(0x[0-9a-f]*\)>.*/\1/p' "$tree")
	[ -n "$clock" ] || return
	{
		# The second bank of flash becomes registers: the kernel must not take it for flash.
		sed -e '/^\tflash@0 {/,/^\t};/d' -e '$d' "$tree"
		[ ! -e "$1/memory" ] || cat <<-EOT
			reserved-memory {
				#address-cells = <2>;
				#size-cells = <2>;
				ranges;
				registers@70000000 {
					reg = <0x00 0x70000000 0x00 0x100000>;
					no-map;
				};
			};
		EOT
		for name in "${gpus[@]}"; do
			sed "1,/^nodes\$/d; s/@CLOCK@/$clock/g" "$gpu_directory/$name.conf"
		done
		echo '};'
	} >"$1/gpus.dts" && dtc -q -I dts -O dtb -o "$1/gpus.dtb" "$1/gpus.dts"
}

# gpu_pci DIR NAME: starts the program that plays this PCI device, and adds it to QEMU's command
gpu_pci() {
	local program sum flags=(-O2 -Wall -o) socket="$1/$2.socket"
	need gcc gcc
	sum=$(sha256sum <"$gpu_directory/pci-gpu.c") || return
	program=$cache/pci-gpu-${sum:0:12}
	if [ ! -e "$program" ]; then
		gcc "${flags[@]}" "$program.$$" "$gpu_directory/pci-gpu.c" &&
			mv "$program.$$" "$program" || return
	fi
	"$program" "$socket" <"$gpu_directory/$2.conf" 2>"$1/$2.log" &
	pids+=" $!"
	devices+=(-device "{ \"driver\": \"vfio-user-pci\",
		\"socket\": { \"path\": \"$socket\", \"type\": \"unix\" } }")
	# It is there in an instant, or never.
	for _ in {1..50}; do
		[ ! -S "$socket" ] || return 0
		sleep 0.1
	done
	cat "$1/$2.log" >&2
	return 1
}

# gpu_qemu: prints the directory of a QEMU with vfio-user-pci, which is fetched and kept if there is
# none
gpu_qemu() {
	local root=$cache/qemu-11 from=trixie-backports packages=() package
	(
		flock 9
		[ ! -e "$root" ] || exit 0
		# In a release of its own, each has to be told.
		for package in qemu-system-x86 qemu-system-common qemu-system-data seabios; do
			packages+=("$package/$from")
		done
		debian_unpack "$from" amd64 "$root.new" "${packages[@]}" &&
			mv -T "$root.new" "$root"
	) 9>"$root.lock" && echo "$root"
}

# gpu_prepare DIR KERNEL: makes what the GPUs need in DIR, for the kernel in that directory, and
# adds it to QEMU's command
gpu_prepare() {
	local dir=$1 name file device names=() root
	mkdir -p "$dir/modules" || return
	for name in "${gpus[@]}"; do
		for device in $(gpu_conf "$name" device); do
			devices+=(-device "$device")
		done
		mapfile -t -O ${#names[@]} names < <(gpu_conf "$name" module | cut -d ' ' -f 1)
	done
	for name in "${names[@]}"; do
		insmods "$2" "$name" >/dev/null 2>&1 ||
			die 2 "the kernel $(cat "$2/version") has no module $name"
	done
	rmdir "$dir/modules" && unpack_modules "$2" "$dir/modules" "${names[@]}" || return
	for name in "${gpus[@]}"; do
		if [ -n "$(gpu_conf "$name" bypass)" ]; then
			file=$(module_of bypass "$2") && cp "$file" "$dir/bypass.ko" || return
		fi
		for device in $(gpu_conf "$name" build | cut -d ' ' -f 1); do
			file=$(module_of "$device" "$2") &&
				cp "$file" "$dir/modules/900-$device" || return
		done
		if [ -n "$(gpu_conf "$name" pci)" ]; then
			root=$(gpu_qemu) || return
			gpu_pci "$dir" "$name" || return
		fi
		{ gpu_conf "$name" module; gpu_conf "$name" build; } >>"$dir/parameters"
		gpu_conf "$name" firmware >>"$dir/firmware"
		gpu_conf "$name" bypass >>"$dir/bypassed"
		gpu_conf "$name" driver | sed "s/^/$name /" >>"$dir/drivers"
	done
	if [ -n "$root" ]; then
		qemu=("$root/usr/lib64/ld-linux-x86-64.so.2" --library-path
			"$root/usr/lib/x86_64-linux-gnu:$root/usr/lib/x86_64-linux-gnu/qemu"
			"$root/usr/bin/qemu-system-x86_64" -L "$root/usr/share/qemu"
			-L "$root/usr/share/seabios" "${qemu[@]:1}")
		# The device reads and writes the guest's memory, or could.
		[[ ${qemu[*]} = *memory-backend-memfd* ]] ||
			qemu+=(-object "memory-backend-memfd,id=ram,size=${memory}M,share=on"
				-machine memory-backend=ram)
	fi
	if [ "$arch" != amd64 ]; then
		gpu_registers "$dir/flash" flash && gpu_registers "$dir/memory" memory || return
		gpu_tree "$dir" "${qemu[@]}" || return
		qemu+=(-dtb "$dir/gpus.dtb")
		if [ -e "$dir/flash" ]; then
			truncate -s 64M "$dir/flash" || return
			qemu+=(-drive "if=pflash,index=1,format=raw,readonly=on,file=$dir/flash")
		fi
		if [ -e "$dir/memory" ]; then
			truncate -s 1M "$dir/memory" || return
			devices+=(-device "loader,file=$dir/memory,addr=0x70000000,force-raw=on")
		fi
	fi
	gpu_guest >"$dir/main"
}

# gpu_guest: prints what goes on in the guest, before the command and as a part of its main
gpu_guest() {
	cat <<-'EOF'
	gpu=/run/vm/gpu
	while read -r file size; do
		mkdir -p "/lib/firmware/${file%/*}" &&
			head -c "$size" /dev/zero >"/lib/firmware/$file" ||
			fail "the guest cannot write the firmware $file"
	done <$gpu/firmware
	while read -r in functions; do
		insmod $gpu/bypass.ko "in=$in" "skip=${functions// /,}" ||
			fail 'the guest cannot load the module gpu_bypass'
	done <$gpu/bypassed
	before=$(dmesg | wc -l)
	# The drivers' parameters, and those of modules that are there already.
	while read -r name values; do
		for value in $values; do
			file=/sys/module/${name//-/_}/parameters/${value%%=*}
			[ ! -e "$file" ] || echo "${value#*=}" >"$file"
		done
	done <$gpu/parameters
	loaded=$(cut -d ' ' -f 1 /proc/modules)
	for file in $gpu/modules/*; do
		name=${file##*/}
		name=${name#*-}
		! grep -qx "${name//-/_}" <<<"$loaded" || continue
		values=$(sed -n "s/^$name //p" $gpu/parameters)
		insmod "$file" $values || fail "the guest cannot load the module $name"
	done
	# A driver may have put its device off, which is then tried again a little later.
	while read -r name driver; do
		for try in {1..100}; do
			! grep -qsE "^$driver( |\$)" /sys/kernel/debug/dri/*/name || continue 2
			sleep 0.1
		done
		lines=$(dmesg | tail -n +$((before + 1)))
		# The first error is the cause or a mere complaint; the last one has the errno.
		why=$(dmesg -l emerg,alert,crit,err 2>/dev/null | grep -Fx -- "$lines" |
			sed '1b; $b; d')
		why=${why/$'\n'/ ... }
		fail "the GPU $name did not come up: ${why:-${lines##*$'\n'}}"
	done <$gpu/drivers
	EOF
}
