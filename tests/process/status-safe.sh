#!/bin/bash
# SPDX-License-Identifier: MIT
# The status file does no harm to its program: whatever others write into it, wherever it lies, and
# however slow the file system is. Over the fake kernel.
set -u
# shellcheck source=tests/lib/promise.sh
. "$(dirname "$0")/../lib/promise.sh" || exit 99
# shellcheck source=tests/lib/settings.sh
. "$(dirname "$0")/../lib/settings.sh" || exit 99
build=$(cd "${top_builddir:-.}" && pwd -P)
shim=$build/.libs/libprimeshim.so fake=$build/tests/fake/.libs/libfake.so \
	tool=$build/tools/primeshim
preload=$build/tests/process/.libs/libstatus-preload.so
[ -x "$tool" ] && [ -e "$fake" ] && [ -e "$preload" ] || exit 77
tmp=$(mktemp -d) || exit 99
mounts=()
# Busy for a moment, where a process has just ended.
# shellcheck disable=SC2154
trap 'for m in "${mounts[@]}"; do umount "$m" || umount -l "$m"; done; rm -rf "$tmp"' EXIT
# A program that has died no longer reads.
trap '' PIPE
chmod 755 "$tmp"
unset PRIMESHIM_MODE PRIMESHIM_SYNC PRIMESHIM_LOG PRIMESHIM_DIR
dir=$tmp/status

# program [VARIABLE=VALUE]... -- WORD...: its status is $status; stdout in out, stderr in err
program() {
	split "$@"
	# The shell's own words about signals are left out.
	{
		env PRIMESHIM_DIR="$dir" "${settings[@]}" LD_PRELOAD="$shim:$preload:$fake" \
			timeout 600 "$build/tests/process/status-safe" "${words[@]}" \
			>"$tmp/out" 2>"$tmp/err"
		status=$?
	} 2>/dev/null
}

count() {
	find "${1:-$dir}" -name '*.primeshim' 2>/dev/null | wc -l
}

new_dir() {
	rm -rf "$dir"
	mkdir -m 700 "$dir"
}

# no_file TEXT PATTERN: after program: it went on as it does natively, and was told that once
no_file() {
	promise "$1: the program goes on" [ "$status-$(grep -c mapped "$tmp/out")" = 0-2 ]
	promise "$1: told once" [ "$(wc -l <"$tmp/err")-$(grep -c "$2" "$tmp/err")" = 1-1 ]
	promise "$1: there is no status file" [ "$(count)" = 0 ]
}

# until_line N TEXT FILE: the file has so many lines like it, or the program at work has ended
until_line() {
	for _ in {1..3000}; do
		if [ "$(grep -c "$2" "$3")" -ge "$1" ] || ! kill -0 $! 2>/dev/null; then
			break
		fi
		sleep 0.1
	done
}

# What others write is not read.
new_dir
program -- import map poison places import map unmap close canaries churn 100
promise 'sections that lead elsewhere: nothing is written there' [ "$status" = 0 ]
program -- import map poison all import map unmap close canaries churn 100
promise 'rubbish all over the status file: no crash, and nothing else written' [ "$status" = 0 ]
for what in rest all; do
	new_dir
	mkfifo "$tmp/in"
	"$build/tests/process/status-writer" "$dir" $what >"$tmp/written" &
	writer=$!
	PRIMESHIM_DIR=$dir LD_PRELOAD=$shim:$fake timeout 600 "$build/tests/process/status-safe" \
		import wait churn 500 wait churn 500 <"$tmp/in" >"$tmp/out" 2>"$tmp/err" &
	exec 3>"$tmp/in"
	until_line 1 writing "$tmp/written"
	echo >&3 2>"$tmp/null"
	until_line 2 ready "$tmp/out"
	kill $writer
	wait $writer
	echo >&3 2>"$tmp/null"
	exec 3>&-
	{ wait $!; } 2>/dev/null
	status=$?
	rm "$tmp/in"
	promise "others write rubbish all the time ($what): as natively, also after" \
		[ "$status-$(grep -c ^churned "$tmp/out")" = 0-2 ]
	[ $what != rest ] ||
		promise 'and nothing is refused' [ "$(grep -c ' 0 refused' "$tmp/out")" = 2 ]
	promise "so it was written: $(tail -n 1 "$tmp/written")" grep -q '[1-9][0-9]* files' \
		"$tmp/written"
done
if command -v valgrind >/dev/null; then
	new_dir
	PRIMESHIM_DIR=$dir LD_PRELOAD=$shim:$fake valgrind --tool=lackey --trace-mem=yes \
		--log-fd=9 \
		"$build/tests/process/status-safe" import map unmap close where \
		9>&1 >"$tmp/out" 2>/dev/null |
		grep -E '^ [LM] ' >"$tmp/loads"
	read -r _ from to policy < <(grep ^file "$tmp/out")
	# Addresses of equal length, in hexadecimal: they compare as text.
	awk -v from="$from" -v to="$to" '
	{
		at = $2
		sub(/,.*/, "", at)
		sub(/^0+/, "", at)
		if (length(at) == length(from) && at >= from && at < to)
			print at
	}' "$tmp/loads" | sort | uniq -c >"$tmp/read"
	# The program itself reads the size, to print it.
	size=$(printf '%x' $((0x$from + 16)))
	promise 'of the status file nothing is read but the policy' \
		[ "$(grep -cv " $policy\$" "$tmp/read")-$(grep -c " $size\$" "$tmp/read")" = 1-1 ]
	promise 'which is' grep -q " $policy\$" "$tmp/read"
else
	echo '# no valgrind: what is read is left out'
fi

# A slow file system: nobody waits but the thread that makes the status file.
for what in SLOW_OPEN SLOW_ROOM; do
	new_dir
	program $what=3000 -- aside cycle fork join import map
	promise "$what: fork() is done at once" \
		[ "$status-$(grep -c '^fork at once' "$tmp/out")" = 0-1 ]
	promise "$what: and its child holds nothing of it" grep -q 'holds 0$' "$tmp/out"
	promise "$what: another thread imports and maps at once" grep -qx 'cycle at once' "$tmp/out"
	"$tool" report "$dir" >"$tmp/report"
	promise "$what: all is in the status file in the end" \
		grep -q 'map ioctl: 3 refused by the driver (EINVAL), 3 rescued' "$tmp/report"
	promise "$what: and nothing is said" [ ! -s "$tmp/err" ]
done

# Room that cannot be had at once is had in pieces. 95: EOPNOTSUPP, 4: EINTR.
for err in 95 4; do
	new_dir
	program ROOM=$err -- import map unmap close
	promise "fallocate() says $err: there is a status file" [ "$status-$(count)" = 0-1 ]
	read -r size blocks < <(stat -c '%s %b' "$dir"/*.primeshim)
	promise 'and all of it is there' [ $((blocks * 512)) -ge "$size" ]
done
new_dir
program ROOM=28 -- import map import map
no_file 'a full disk' ENOSPC

# File systems on which a store may be SIGBUS, or hang.
for type in 6969 ff534d42 fe534d42 65735546 01021997 00c36400 9123683e 2fc12fc1 ca451a4e 3434 \
	24051905 12345678; do
	new_dir
	program FS_TYPE=$type -- import map import map
	no_file "a file system of type $type" 'its file system does not keep room'
done
for type in 01021994 858458f6 ef53 58465342 f2f52010 794c7630; do
	new_dir
	program FS_TYPE=$type -- import map import map
	promise "a file system of type $type: there is a status file" [ "$status-$(count)" = 0-1 ]
done

# fill: no block of $tmp/disk is free. What shares its blocks with another file wants new ones then.
# shellcheck disable=SC2317
fill() {
	cp --reflink=auto "$dir"/*.primeshim "$tmp/disk/copy" 2>"$tmp/null"
	dd if=/dev/zero of="$tmp/disk/fill" bs=4k status=none 2>"$tmp/null"
	sync -f "$tmp/disk"
	dd if=/dev/zero of="$tmp/disk/rest" bs=512 status=none 2>"$tmp/null"
}

# break_ext4: an error of the disk, after which the kernel lets nobody write
# shellcheck disable=SC2317
break_ext4() {
	local at
	at=$(findmnt -no SOURCE "$tmp/disk")
	echo 1 >"/sys/fs/ext4/${at##*/}/trigger_fs_error"
	sleep 0.5
}

# disk MKFS SIZE: a new file system on $tmp/disk, or false
disk() {
	command -v "${1%% *}" >/dev/null && [ "$(id -u)" = 0 ] || return 1
	if [ ${#mounts[@]} -gt 0 ]; then
		umount "$tmp/disk" || umount -l "$tmp/disk"
		mounts=()
	fi
	rm -f "$tmp/image"
	truncate -s "$2" "$tmp/image"
	mkdir -p "$tmp/disk"
	$1 "$tmp/image" >"$tmp/null" 2>&1 && mount -o loop "$tmp/image" "$tmp/disk" 2>"$tmp/null" &&
		mounts=("$tmp/disk")
}

# goes_on WHAT TEXT: a program with a status file in $dir goes on when the disk has come to WHAT
goes_on() {
	mkfifo "$tmp/in"
	PRIMESHIM_DIR=$dir LD_PRELOAD=$shim:$fake timeout 600 "$build/tests/process/status-safe" \
		import map wait churn 300 <"$tmp/in" >"$tmp/out" 2>"$tmp/err" &
	exec 3>"$tmp/in"
	until_line 1 ready "$tmp/out"
	$1
	echo >&3 2>"$tmp/null"
	exec 3>&-
	{ wait $!; } 2>/dev/null
	status=$?
	rm "$tmp/in"
	promise "$2: the program goes on" [ "$status-$(grep -c ^churned "$tmp/out")" = 0-1 ]
}
while read -r name files_there size mkfs; do
	if ! disk "$mkfs" "$size"; then
		echo "# no $mkfs, or no such file system here: left out"
		continue
	fi
	dir=$tmp/disk/status
	goes_on fill "$name that fills up"
	promise "$name: status files: $files_there" [ "$(count)" = "$files_there" ]
	rm -rf "$tmp/disk"/{fill,rest,copy,status}
	sync -f "$tmp/disk"
	mkdir -p "$tmp/disk"/{lower,upper,work} "$tmp/merged"
	mount -t overlay \
		-o "lowerdir=$tmp/disk/lower,upperdir=$tmp/disk/upper,workdir=$tmp/disk/work" \
		none "$tmp/merged" 2>"$tmp/null" || continue
	dir=$tmp/merged/status
	goes_on fill "an overlay over $name that fills up"
	promise "an overlay over $name: status files: $files_there" [ "$(count)" = "$files_there" ]
	umount "$tmp/merged" || umount -l "$tmp/merged"
	[ "$name" = ext4 ] || continue
	rm -rf "$tmp/disk"/{fill,rest,copy}
	dir=$tmp/disk/status
	goes_on break_ext4 "$name that has an error and can be read only"
	promise 'which it had a status file on' [ "$(count)" = 1 ]
done <<-'END'
	btrfs 0 128M mkfs.btrfs -q
	xfs 0 400M mkfs.xfs -q
	xfs-without-clones 1 400M mkfs.xfs -q -m reflink=0
	f2fs 1 200M mkfs.f2fs -q
	ext4 1 64M mkfs.ext4 -q -e remount-ro
	ext2-of-small-blocks 1 64M mkfs.ext2 -q -b 1024
END
dir=$tmp/status

# Limits.
new_dir
# late WORD...: files may have 100 KiB, which is not told when it is asked for
late() {
	(ulimit -f 100; program NO_LIMIT=1 -- "$@"; echo "$status" >"$tmp/ended")
	status=$(<"$tmp/ended")
}
late import map import map
no_file 'a limit on the size of files that comes late' 'no file may be as large'
late block import xfsz map import map
no_file 'the same with SIGXFSZ blocked' 'no file may be as large'
promise 'which does not stay for the program' grep -qx 'no SIGXFSZ' "$tmp/out"
program -- memory import map import map
no_file 'no address space' ENOMEM
for n in 0 1; do
	program -- buffer leave $n import release map import map
	no_file "$n descriptors are left" EMFILE
done
if [ "$(id -u)" = 0 ]; then
	mkdir "$tmp/empty"
	program EMPTY="$tmp/empty" -- nowhere import map import map
	no_file 'no /proc, and no such directory' ENOENT
	mkdir "$tmp/empty/status"
	program EMPTY="$tmp/empty" PRIMESHIM_DIR=/status -- nowhere import map import map
	promise 'no /proc: there is a status file' \
		[ "$status-$(count "$tmp/empty/status")-$(wc -c <"$tmp/err")" = 0-1-0 ]
fi

# The file lets nobody cut it short, but whoever wants to.
as=()
[ "$(id -u)" != 0 ] || as=(setpriv --reuid 12345 --clear-groups)
if [ ${#as[@]} = 0 ] || { command -v setpriv >/dev/null && chown 12345 "$dir"; }; then
	rm -f "$dir"/*
	mkfifo "$tmp/in"
	chmod a+r "$tmp/in"
	# The other user may have no way into the build directory.
	mkdir "$tmp/open"
	cp "$shim" "$fake" "$build/tests/process/status-safe" "$tool" "$tmp/open"
	(
		cd "$tmp/open" && PRIMESHIM_DIR=$dir PRIMESHIM_MODE=observe \
			LD_PRELOAD=$PWD/libprimeshim.so:$PWD/libfake.so exec "${as[@]}" \
			./status-safe \
			import map wait map wait <"$tmp/in" >"$tmp/out" 2>"$tmp/err"
	) &
	exec 3>"$tmp/in"
	until_line 1 ready "$tmp/out"
	file=$(find "$dir" -name '*.primeshim')
	promise 'the file has mode 0400' [ "$(stat -c %a "$file")" = 400 ]
	# shellcheck disable=SC2016
	"${as[@]}" sh -c ': >"$0"' "$file" 2>"$tmp/null"
	promise 'so that a redirection does not cut it short' [ -s "$file" ]
	pid=${file##*/}
	"${as[@]}" "$tmp/open/primeshim" set "${pid%%-*}" mode=redirect >"$tmp/said" 2>&1
	promise 'primeshim set changes the mode all the same' \
		grep -q 'mode observe -> redirect' "$tmp/said"
	promise 'and leaves the file as it was' [ "$(stat -c %a "$file")" = 400 ]
	echo >&3 2>"$tmp/null"
	until_line 1 mapped "$tmp/out"
	promise 'the program heeds it' grep -qx mapped "$tmp/out"
	echo >&3 2>"$tmp/null"
	exec 3>&-
	wait
fi
exit $fail
