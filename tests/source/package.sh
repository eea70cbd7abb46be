#!/bin/bash
# SPDX-License-Identifier: MIT
# The Debian packages: builds them from a clean copy of the source, runs lintian, installs them in a
# fresh root of Debian 12 that has only their dependencies, over packages with the files of version
# 0.1, runs the script of the autopkgtest there (over the fake kernel too, and with --vm on a real
# one with vgem), and purges them. As root;
# status 77 where that cannot be. Prints "ok - ..." and "not ok - ..." lines; the caller counts
# them.
set -u
export LC_ALL=C.UTF-8
me=package.sh
top=$(cd "$(dirname "$(readlink -f "$0")")/../.." && pwd -P)
# shellcheck source=scripts/lib/packages.sh
. "$top/scripts/lib/packages.sh" || exit 2
# shellcheck source=scripts/lib/debian.sh
. "$top/scripts/lib/debian.sh" || exit 2
vm=''
for arg; do
	case $arg in
	--vm) vm=yes ;;
	*) echo "Usage: $me [--vm]" >&2 && exit 2 ;;
	esac
done
if [ "$(id -u)" != 0 ] || ! unshare --mount --pid --fork true 2>/dev/null; then
	echo "$me: a root to install into is made by root alone" >&2
	exit 77
fi
packages_need build package || exit 2
[ -z "$vm" ] || packages_need vm || exit 2
tmp=$(mktemp -d) || exit 2
trap 'rm -rf --one-file-system "$tmp"' EXIT
chmod 755 "$tmp"
root=$tmp/root fail=0

# promise TEXT COMMAND...: it succeeds; else what it said is shown
promise() {
	if "${@:2}" >"$tmp/said" 2>&1; then
		echo "ok - $1"
	else
		echo "not ok - $1"
		tail -n 40 "$tmp/said"
		fail=1
		return 1
	fi
}

# shellcheck disable=SC2317
copy_source() {
	mkdir "$tmp/build" "$tmp/build/source" && cd "$top" || return
	# What git ignores was built here.
	{
		git ls-files --cached --others --exclude-standard 2>/dev/null |
			while IFS= read -r file; do
				[ ! -e "$file" ] || echo "$file"
			done | grep . ||
			find . \( -path './build*' -o -path ./autom4te.cache -o -path ./.git \) \
				-prune -o ! -type d -print
	} | tar -T - -cf - | tar -C "$tmp/build/source" -xf -
}

# shellcheck disable=SC2317
build() {
	cd "$tmp/build/source" &&
		DEB_BUILD_OPTIONS="parallel=$(nproc)" dpkg-buildpackage -us -uc
}

# strict FILE...: runs lintian, which fails on whatever it has to say
# shellcheck disable=SC2317
strict() {
	lintian --allow-root --no-cfg --display-info --pedantic \
		--fail-on error,warning,info,pedantic -- "$@"
}

# shellcheck disable=SC2317
clean_to_lintian() {
	cd "$tmp/build" && strict ./*.changes && [ ! -s "$tmp/said" ]
}

# lintian that says nothing may be one that sees nothing.
# shellcheck disable=SC2317
lintian_can_fail() {
	dpkg-deb -R "${debs[0]}" "$tmp/bad" &&
		cp "$top/LICENSE" "$tmp/bad/usr/share/doc/primeshim" &&
		dpkg-deb -b "$tmp/bad" "$tmp/bad.deb" && ! strict "$tmp/bad.deb"
}

# old_packages DIR: makes packages that have the files of version 0.1, and nothing in them
# shellcheck disable=SC2317
old_packages() {
	local package file lib doc=/usr/share/doc/primeshim
	lib=/usr/lib/$(dpkg-architecture -qDEB_HOST_MULTIARCH)
	local -A files=([libprimeshim]="$lib/primeshim/libprimeshim.so
		/usr/share/man/man7/libprimeshim.7.gz
		/usr/share/doc/libprimeshim/changelog.gz /usr/share/doc/libprimeshim/copyright"
		[primeshim]="/usr/bin/primeshim /usr/bin/run-with-shim
		/usr/libexec/primeshim/primeshim-drivers /usr/libexec/primeshim/primeshim-survey
		/usr/share/bash-completion/completions/primeshim
		/usr/share/bash-completion/completions/run-with-shim
		$doc/NEWS.gz $doc/README.md.gz $doc/SECURITY.md.gz $doc/android.md.gz
		$doc/changelog.gz $doc/copyright $doc/demo.png $doc/desktop.md.gz
		$doc/etnaviv-system-heap.md $doc/examples/systemd/50-primeshim.conf
		$doc/matrix.md.gz $doc/survey.md $doc/sync.md.gz $doc/timeline.svg $doc/tour.md.gz
		/usr/share/man/man1/primeshim.1.gz /usr/share/man/man1/run-with-shim.1.gz
		/usr/share/zsh/vendor-completions/_primeshim")
	for package in libprimeshim primeshim; do
		for file in ${files[$package]}; do
			mkdir -p "$tmp/old/$package${file%/*}" && : >"$tmp/old/$package$file" ||
				return
		done
		mkdir -p "$tmp/old/$package/DEBIAN" "$1" && {
			printf '%s: %s\n' Package "$package" Version 0.1.0 Architecture \
				"$(dpkg --print-architecture)" Maintainer 'nobody <nobody@invalid>'
			[ "$package" = primeshim ] || echo 'Multi-Arch: same'
			echo 'Description: the files of an old version'
		} >"$tmp/old/$package/DEBIAN/control" &&
			dpkg-deb --root-owner-group -b "$tmp/old/$package" "$1" || return
	done
}

# upgraded: has no file of the old version stayed?
# shellcheck disable=SC2317
upgraded() {
	[ -s "$root/usr/bin/primeshim" ] &&
		[ ! -e "$root/usr/libexec/primeshim/primeshim-survey" ] &&
		[ ! -e "$root/usr/share/doc/primeshim/README.md.gz" ] &&
		[ -s "$root/usr/share/doc/primeshim/README.md" ]
}

# verified: a unit with the example beside it; what is wrong is told, and is no failure
# shellcheck disable=SC2317
verified() {
	mkdir -p "$tmp/units/try.service.d" &&
		printf '[Service]\nExecStart=/bin/true\n' >"$tmp/units/try.service" &&
		cp "$top/examples/systemd/50-primeshim.conf" "$tmp/units/try.service.d" &&
		systemd-analyze verify "$tmp/units/try.service" >"$tmp/verified" 2>&1 &&
		! grep 50-primeshim "$tmp/verified" &&
		echo 'Nonsense=1' >>"$tmp/units/try.service.d/50-primeshim.conf" &&
		systemd-analyze verify "$tmp/units/try.service" 2>&1 | grep -q 50-primeshim
}

# shellcheck disable=SC2317
# depended: prints the packages that those depend on, without themselves, by the first alternative
depended() {
	local deb
	for deb in "${debs[@]}"; do
		dpkg-deb -f "$deb" Depends | tr ',' '\n'
	done | sed 's/[|(:].*//' | tr -d ' ' | grep -vxE 'libprimeshim|primeshim' | sort -u |
		paste -sd ,
}

# shellcheck disable=SC2317
make_root() {
	local sources
	sources=$(debian_sources bookworm)
	[ -n "$sources" ] || { echo "apt's sources name no mirror of Debian" && return 1; }
	# python3 is the program of the test; of the rest, what dpkg cannot do without.
	mmdebstrap --quiet --mode=root --variant=essential --skip=check/empty,output/dev \
		--include="python3,$(depended)" bookworm "$root" - <<<"$sources"
}

# inside COMMAND...: runs it in the root, with devices and processes
# shellcheck disable=SC2317
inside() {
	# shellcheck disable=SC2016
	env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 \
		PYTHONDONTWRITEBYTECODE=1 DEBIAN_FRONTEND=noninteractive \
		unshare --mount --pid --fork sh -c '
			mount -t proc proc "$0/proc" && mount --rbind /dev "$0/dev" &&
			exec chroot "$0" "$@"' "$root" "$@"
}

# state: prints each file of the root, with its owner, mode and contents. Left out are what dpkg and
# ldconfig write down for themselves whenever anything is installed: dpkg's list of all packages,
# its log and its locks, and the caches of libraries, which say when they were made.
state() {
	(
		cd "$root" &&
			find . -xdev \( -path ./proc -o -path ./dev -o -path ./sys \) -prune -o \
			! -path './var/lib/dpkg/status*' ! -path './var/lib/dpkg/*lock*' \
			! -path './var/lib/dpkg/triggers/*' ! -path ./var/log/dpkg.log \
			! -path ./etc/ld.so.cache ! -path ./var/cache/ldconfig/aux-cache \
			-printf '%M %u:%g %p %l\n' &&
			find . -xdev \( -path ./proc -o -path ./dev -o -path ./sys \) \
			-prune -o -type f \
				! -path './var/lib/dpkg/status*' ! -path './var/lib/dpkg/*lock*' \
				! -path './var/lib/dpkg/triggers/*' ! -path ./var/log/dpkg.log \
				! -path ./etc/ld.so.cache ! -path ./var/cache/ldconfig/aux-cache \
				-exec md5sum {} +
	) | sort
}

# tried WHERE COMMAND...: runs the autopkgtest's script; what it promises counts
tried() {
	"${@:2}" >"$tmp/tried" 2>&1
	status=$?
	sed -nE "s/^(ok|not ok|skip) - /&$1: /p" "$tmp/tried"
	promise "$1: the test of the packages succeeds" \
		[ $status = 0 ] || sed 's/^/    /' "$tmp/tried"
}

promise 'a clean copy of the source' copy_source || exit 1
promise 'dpkg-buildpackage builds the packages, and its quick tests pass' build || exit 1
debs=("$tmp"/build/primeshim_*.deb "$tmp"/build/libprimeshim_*.deb)
promise 'lintian has nothing to say of them' clean_to_lintian
promise 'and would, if there were something' lintian_can_fail
if command -v systemd-analyze >/dev/null; then
	promise 'the drop-in for systemd is one' verified
fi
promise 'a fresh root of Debian 12, with what they depend on' make_root || exit 1
state >"$tmp/before"
mkdir "$root/tmp/packages" && cp "${debs[@]}" "$root/tmp/packages"
promise 'packages with the files of version 0.1 are made' old_packages "$root/tmp/old"
promise 'they install there' inside sh -c 'dpkg -i /tmp/old/*.deb' || exit 1
promise 'the new ones install over them' inside sh -c 'dpkg -i /tmp/packages/*.deb' || exit 1
promise 'and leave no file of theirs' upgraded
rm -r "$root/tmp/old"
rm -r "$root/tmp/packages"
# As the tester has them: besides what is installed, and owned by nobody.
mkdir "$root/tmp/tests" &&
	cp "$top"/debian/tests/* "$tmp/build/source/tests/fake/.libs/libfake.so" \
	"$root/tmp/tests"
tried 'a fresh root' inside /tmp/tests/installed
tried 'over the fake kernel' inside env LD_PRELOAD=/tmp/tests/libfake.so /tmp/tests/installed
promise 'there an import was mapped' grep -q '^ok - with the shim it works' "$tmp/tried"
if [ -n "$vm" ]; then
	# The virtual machine sees this one's files, and throws away what it writes.
	# shellcheck disable=SC2016
	tried 'kernel 6.12' "$top/scripts/vm.sh" --kernel 6.12 -- \
		sh -c 'for d in proc dev sys; do mount --rbind /$d "$0/$d"; done
			exec chroot "$0" /usr/bin/env PATH=/usr/sbin:/usr/bin:/sbin:/bin \
				HOME=/root \
				/tmp/tests/installed' "$root"
	promise 'there an import was mapped' grep -q '^ok - with the shim it works' "$tmp/tried"
fi
rm -r "$root/tmp/tests"
"$top/tests/source/links.sh" "$root/usr/share/doc/primeshim" || fail=1
promise 'dpkg finds all files as it unpacked them' inside dpkg -V primeshim libprimeshim
state >"$tmp/installed"
promise 'installed they make a difference' [ "$(comm -13 "$tmp/before" "$tmp/installed" |
	grep -c 'libprimeshim\.so')" = 2 ]
promise 'they are purged' inside dpkg --purge primeshim libprimeshim
state >"$tmp/after"
promise 'and nothing is left of them, and nothing else has changed' diff "$tmp/before" "$tmp/after"
exit $fail
