#!/bin/bash
# SPDX-License-Identifier: MIT
# Each command in README.md, docs/*.md and the man pages runs as it stands, or a comment in front of
# it says "not run:" and why. The launcher and primeshim are the real ones. Stand-ins take the place
# of the programs that they are given: each imports a dma-buf over the fake kernel, and maps it.
# sudo is one that runs its command, and systemctl does nothing: tests/kernel/kernel-session.sh has
# the real one.
# shellcheck disable=SC2016,SC2317 # scripts for others; functions that promise() calls
set -u
# shellcheck source=tests/lib/promise.sh
. "$(dirname "$0")/../lib/promise.sh" || exit 99
export LC_ALL=C.UTF-8
src=$(cd "${top_srcdir:-.}" && pwd -P) build=$(cd "${top_builddir:-.}" && pwd -P)
fake=$build/tests/fake/.libs/libfake.so client=$build/tests/lib/status-client
[ -x "$build/tools/primeshim" ] || exit 77
tmp=$(mktemp -d) || exit 99
trap 'rm -rf "$tmp"' EXIT
promise_log=$tmp/why
unset LD_PRELOAD PRIMESHIM_MODE PRIMESHIM_LOG PRIMESHIM_DIR PRIMESHIM_SYNC XDG_CONFIG_HOME
unset SUDO_UID

# stand_in NAME...: reads a script that takes the place of these programs
stand_in() {
	local name text
	text=$(cat)
	for name; do
		printf '#!/bin/sh\n%s\n' "$text" >"$tmp/bin/$name"
		chmod +x "$tmp/bin/$name"
	done
}

# The programs; those named by a path lie in the directory in which a page's commands run.
places=(viewer run-tests grabber exporter)
mkdir -p "$tmp/bin" "$tmp/home" "$tmp/root/usr/share/wayland-sessions"
stand_in sway weston PROGRAM sunshine "${places[@]}" <<EOT
case \${LD_PRELOAD-} in
*"$fake"*) ;;
*) export LD_PRELOAD="\${LD_PRELOAD:+\$LD_PRELOAD:}$fake" ;;
esac
case \${1-} in
*.png) echo picture >"\$1" ;;
esac
"$client" import map write read unmap close >/dev/null 2>&1
exit 0
EOT
stand_in sudo <<<'exec "$@"'
stand_in systemctl <<<'exit 0'
ln -s "$build/scripts/run-with-shim.sh" "$tmp/bin/run-with-shim"
# doctor says 1 where there is no device, as on many a build machine.
stand_in primeshim <<EOT
"$build/tools/primeshim" "\$@"
status=\$?
[ "\$1" != doctor ] || [ \$status != 1 ] || status=0
exit \$status
EOT
printf '[Desktop Entry]\nName=Sway\nExec=sway\n' \
	>"$tmp/root/usr/share/wayland-sessions/sway.desktop"
mkdir -p "$tmp/root$tmp/home/.config/systemd/user"
printf '[Service]\nExecStart=%s\n' "$tmp/bin/sunshine" \
	>"$tmp/root$tmp/home/.config/systemd/user/sunshine.service"

# text PAGE: prints it as Markdown: a man page's examples become blocks of code
text() {
	case $1 in
	*.[17])
		sed -nE -e 's/^\.\\" (not run: .*)/<!-- \1 -->/p' -e '/^\.EX/,/^\.EE/{
			/^\.EX/d
			s/^\.EE//
			s/\\-/-/g; s/\\\(aq/'"'"'/g; s/\\e/\\/g
			s/^(.)/    \1/p; s/^$//p
		}' "$1"
		;;
	*) cat "$1" ;;
	esac
}

# blocks PAGE DIR: writes each block of commands to DIR/N, and why it is not run to DIR/N.not
blocks() {
	mkdir "$2" && text "$1" | awk -v dir="$2" '
		/^(    |\t)/ {
			sub(/^ +/, "")
			if (!open) {
				open = n++
				first = $0
				while (sub(/^[A-Z_]+=[^ ]* /, "", first))
					;
				split(first, word, " ")
				commands = word[1] in known || $0 ~ /^LD_PRELOAD=/ ||
					word[1] ~ /^((\.\.\/)?scripts|\$NDK)\//
				if (commands && reason != "")
					print reason >(dir "/" open ".not")
				reason = ""
			}
			if (commands)
				print >(dir "/" open)
			next
		}
		{ open = 0 }
		/^ *$/ { next }
		{ reason = "" }
		/<!-- not run: .+ -->/ { reason = $0; gsub(/.*not run: | -->.*/, "", reason) }
		BEGIN {
			n = 1
			split("run-with-shim primeshim sudo autoreconf make cd getcap modinfo " \
				"adb setpriv systemctl install flatpak bpftrace perf mkdir", list)
			for (i in list)
				known[list[i]]
		}'
}

# runs BLOCK: all its commands succeed
runs() {
	cat "$1"
	(cd "$tmp/place" && PATH=$tmp/bin:$PATH HOME=$tmp/home DESTDIR=$tmp/root \
		timeout 600 bash -e "$1") </dev/null
}

# page FILE: tells of each of its blocks
page() {
	local block name=${1#"$src/"} dir
	dir=$tmp/$(basename "$1").blocks
	rm -rf "$tmp/place"
	mkdir "$tmp/place"
	for block in "${places[@]}"; do
		cp "$tmp/bin/$block" "$tmp/place/"
	done
	blocks "$1" "$dir"
	for block in $(cd "$dir" && find . -name '*[0-9]' -printf '%f\n' | sort -n); do
		total=$((total + 1))
		if [ -s "$dir/$block.not" ]; then
			skip "$name: $(head -n 1 "$dir/$block")" "$(cat "$dir/$block.not")"
			continue
		fi
		ran=$((ran + 1))
		promise "$name: $(head -n 1 "$dir/$block")" runs "$dir/$block"
	done
}

# fails COMMAND...
fails() {
	! "$@"
}

total=0 ran=0
for file in "$src"/README.md "$src"/CONTRIBUTING.md "$src"/SECURITY.md "$src"/docs/*.md \
	"$src"/man/*.[17]; do
	page "$file"
done
promise "$ran of $total blocks of commands have run, a good part" [ "$ran" -ge 25 ]

# What would be found out.
printf '%s\n' '    run-with-shim --mode fast ./viewer' '' 'Text' '' '    run-with-shim ./viewer' \
	'' '<!-- not run: no -->' '' '    getcap x' '' '    mode = off' >"$tmp/wrong.md"
blocks "$tmp/wrong.md" "$tmp/wrong"
promise 'three of the four blocks of a page are commands' \
	[ "$(find "$tmp/wrong" -name '[0-9]' | wc -l)" = 3 ]
promise 'a wrong option would be found out' fails runs "$tmp/wrong/1"
promise 'a right one runs' runs "$tmp/wrong/2"
promise 'a marked one is not run' grep -qx no "$tmp/wrong/3.not"
exit $fail
