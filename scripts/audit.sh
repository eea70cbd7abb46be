#!/bin/bash
# SPDX-License-Identifier: MIT
# Fails if a shared object of Debian's libdrm or Mesa can reach ioctl, a mapping call, poll, the
# settings of signals and seccomp filters, or the duplication or closing of descriptors through a
# symbol of libc that primeshim does not define.
# The script reads imported symbols alone. It does not see what a library finds by dlsym(), asks of
# syscall() by number, or does with the system call instruction itself.

export LC_ALL=C
set -o pipefail
me=audit.sh
top=$(cd "$(dirname "$(readlink -f "$0")")/.." && pwd -P)
# The layout of the cached text: add 1 when read_package() changes.
layout=1
sources='libdrm mesa'
releases=(bookworm trixie)
architectures=(amd64 i386 armhf arm64)
declare -A debian=([bookworm]=12 [trixie]=13)
declare -A bits=([amd64]=64 [i386]=32 [armhf]=32 [arm64]=64)

# A symbol that contains one of these may reach what primeshim has to see, unless it is C++'s. The
# pattern is wider than any libc needs, to find names of tomorrow (__ioctl_time128, __close2).
# These exports of glibc 2.36 and 2.41 stay out: functions that make such calls for descriptors and
# memory of their own (malloc, fopen, pthread_create, daemon, forkpty, tcgetattr and so on); fork,
# whose child has a copy of the records and of the descriptors; posix_spawn and popen, since the
# new program begins without mappings and loads a shim of its own.
reach='ioctl|fcntl|m(un|re)?map|remap_file|shm(at|dt)|dup|close|recvm|pidfd_getfd|syscall'
reach+='|^_*p*poll|mprotect|^_*(sysv_|bsd_|s)?sig(nal$|set$|action|procmask)|pthread_sigmask|prctl'
reach+='|madvise|mlock|munlock|msync|mincore|mseal|setrlimit|prlimit|chroot'

# The reviewed names that do no harm, each with the reason. What a reason says of Mesa and libdrm is
# from the sources of both releases: read the sources again before you add a release.
declare -A harmless=(
	[strdup]='copies a string'
	[strndup]='copies a string'
	[closedir]='ends an opendir(), or an fdopendir() of a directory: no device, no dma-buf'
	[fclose]='ends an fopen(), or an fdopen() of a file or pipe: Mesa gives it no device'
	[pclose]='closes the pipe of popen()'
	[dlclose]="unmaps what dlopen() mapped: a library's file"
	[gzclose]="zlib's: closes the file that gzopen() opened"
	[loader_dri3_close_screen]="Mesa's own, in libgallium, which is read here too"
	[dri2_dup_image]="Mesa's own, in libgallium, which is read here too"
	[posix_spawn_file_actions_adddup2]='is done in the child, just before it runs a program'
	[shmdt]='unmaps System V memory and nothing else'
	[recvmsg]='a new descriptor is known by its first ioctl, wherever it came from'
	[__recvmsg64]='recvmsg with a 64-bit time_t'
)

# syscall() could be anything: no import can tell. Mesa's sources ask it for futex, gettid, kcmp
# and memfd_create, libdrm's for nothing; the Rust library within libRusticlOpenCL and
# libvulkan_nouveau for futex, statx, getrandom, clone3, copy_file_range, pidfd_open and
# pidfd_send_signal. The amd64 code of both releases has calls with these numbers alone, and no
# system call instruction. The table has a row for syscall(), so that nobody takes it for proven.
unproven=syscall

refresh='' symbols=$top/src/exported-symbols.txt

usage() {
	cat <<-EOF
	Usage: $me [--symbols FILE] [--refresh] [--help]
	Reads which symbols the shared objects of libdrm and Mesa import, in Debian 12 and 13
	for ${architectures[*]}, and fails if one of those can make an ioctl, map or
	unmap memory, poll, or duplicate or close a descriptor, and is not defined by primeshim.

	  --symbols FILE  the symbols that primeshim defines, one a line; "NAME 32" is defined on
	                  32-bit machines only (default: src/exported-symbols.txt)
	  --refresh       fetches the packages anew
	  --help          prints this

	Any user may run it. It fetches the packages (about 0.5 GB) once, by apt-get, from the
	mirror that apt uses here, and changes none of apt's own files. It keeps a few MB of text in
	\${XDG_CACHE_HOME:-~/.cache}/primeshim, and needs no network from then on.

	Exit status: 0 if all is well, 1 if not, 2 for bad use, or without both that text and a way
	to fetch the packages; 77 if all is well in the packages that could be fetched while a
	mirror is being updated.
	EOF
}

# die TEXT
die() {
	echo "$me: ${1//[$'\n\r\e']/?}" >&2
	exit 2
}

# need PROGRAM PACKAGE
need() {
	command -v "$1" >/dev/null || die "$1 is missing: install the Debian package $2"
}

# repositories SUFFIX: prints apt's repositories that have a suite called so after the release
repositories() {
	# shellcheck disable=SC2016
	apt-get indextargets --no-release-info --format '$(RELEASE) $(REPO_URI)' \
		'Created-By: Packages' 'Component: main' |
		sed -nE "s/^(bookworm|trixie|(old)?stable)$1 //p" | awk '!seen[$0]++'
}

# apt_begin RELEASE ARCHITECTURE KEYRING: fetches the lists into an apt that lies in $work, and
# trusts that keyring alone. Fails without the release itself; sets $unusable to the other suites
# that it could not fetch or verify.
apt_begin() {
	local suite have
	rm -rf "${work:?}/apt" && mkdir -p "$work/apt/lists/partial" &&
		mkdir -p "$work/apt/cache/archives/partial" && cp "$3" "$work/apt/keyring.gpg" &&
		: >"$work/apt/status" || return
	cat >"$work/apt/debian.sources" <<-EOF
	Types: deb
	URIs: $mirror
	Suites: $1 $1-updates
	Components: main
	Targets: Packages
	EOF
	[ -z "$security" ] || cat >>"$work/apt/debian.sources" <<-EOF

	Types: deb
	URIs: $security
	Suites: $1-security
	Components: main
	Targets: Packages
	EOF
	# Clears what the machine may have set: hooks for its own cache, and a preferred release.
	cat >"$work/apt/conf" <<-EOF
	#clear APT::Update;
	#clear APT::Architectures;
	#clear APT::Default-Release;
	APT::Architecture "$2";
	APT::Architectures { "$2"; };
	APT::Sandbox::User "root";
	APT::Get::AllowUnauthenticated "false";
	Acquire::AllowInsecureRepositories "false";
	Acquire::AllowWeakRepositories "false";
	Acquire::GzipIndexes "false";
	Acquire::Languages "none";
	Dir::State "$work/apt";
	Dir::State::lists "$work/apt/lists";
	Dir::State::status "$work/apt/status";
	Dir::Cache "$work/apt/cache";
	Dir::Etc::sourcelist "$work/apt/debian.sources";
	Dir::Etc::sourceparts "/dev/null";
	Dir::Etc::preferences "/dev/null";
	Dir::Etc::preferencesparts "/dev/null";
	Dir::Etc::trusted "$work/apt/keyring.gpg";
	Dir::Etc::trustedparts "/dev/null";
	EOF
	# apt-get also fails for a suite that nobody needs: only the lists count.
	apt_get update >>"$work/log" 2>&1
	# shellcheck disable=SC2016
	have=" $(apt_get indextargets --format '$(RELEASE)' | tr '\n' ' ')"
	unusable=
	for suite in "$1-updates" "$1-security"; do
		[[ $have = *" $suite "* ]] || unusable+=" $suite"
	done
	[[ $have = *" $1 "* ]]
}

apt_get() {
	apt-get -c "$work/apt/conf" -q "$@"
}

# apt_fetch PACKAGE...: fetches them into $work/debs
apt_fetch() {
	rm -rf "${work:?}/debs" && mkdir "$work/debs" &&
		(cd "$work/debs" && apt_get download "$@") >>"$work/log" 2>&1
}

# packages: prints the packages of those sources in the lists, without the -dev packages, which have
# only links to libraries.
packages() {
	local list
	# shellcheck disable=SC2016
	apt_get indextargets --format '$(FILENAME)' | while read -r list; do
		awk -v sources=" $sources " '
		function end() {
			sub(/ .*/, "", source)
			if (index(sources, " " (source ? source : name) " ") &&
			    section != "libdevel")
				print name
			name = source = section = ""
		}
		/^Package: / { name = $2 }
		/^Source: / { source = $2 }
		/^Section: / { section = $2 }
		/^$/ { end() }
		END { if (name) end() }' "$list" || return
	done | sort -u
}

# read_package FILE: prints a line for each shared object in it: source, package, version, its
# name, and the symbols it imports
read_package() {
	local about file names
	rm -rf "${work:?}/files"
	# shellcheck disable=SC2016
	about=$(dpkg-deb --show --showformat '${source:Package} ${Package} ${Version}' "$1") &&
		dpkg-deb -x "$1" "$work/files" || return
	# Many of Mesa's drivers are names of one file.
	find "$work/files" -type f \( -name '*.so' -o -name '*.so.*' \) -printf '%i %p\n' |
		sort -k 2 | awk '!seen[$1]++' | while read -r _ file; do
			[ "$(head -c 4 "$file" | tail -c 3)" = ELF ] || continue
			names=$(readelf -W --dyn-syms "$file" |
				sed -n 's/.* UND \([^ ][^ ]*\).*/\1/p' | tr '\n' ' ') || return
			if [ -z "$names" ]; then
				echo "$1: ${file##*/} imports nothing?" >&2
				return 1
			fi
			echo "$about ${file##*/} $names"
		done
}

# fetch_imports RELEASE ARCHITECTURE FILE: writes what the libraries import into FILE, whose first
# line says when and from what FILE was made
fetch_imports() {
	local deb names
	echo "$me: fetching libdrm and Mesa of Debian ${debian[$1]} for $2" >&2
	apt_begin "$1" "$2" "$work/keyring.gpg" || return
	names=$(packages) && [ -n "$names" ] || return
	# shellcheck disable=SC2086
	apt_fetch $names || return
	{
		echo "# $(date +%F)${unusable:+, without$unusable}"
		for deb in "$work"/debs/*.deb; do
			read_package "$deb" || return
			rm "$deb"
		done
	} >"$3.new" 2>>"$work/log" && mv "$3.new" "$3"
}

# fetch_begin: finds Debian's mirror among apt's repositories: the first with a good signature.
# Debian may sign a new release with keys that this machine's keyring does not have. So that keyring
# verifies Debian 12 alone. Debian 12's keyring package, which gets the new keys in time, verifies
# the rest.
fetch_begin() {
	local installed=/usr/share/keyrings/debian-archive-keyring.gpg mirrors
	need apt-get apt
	need dpkg-deb dpkg
	need readelf binutils
	[ -e $installed ] || die "$installed is missing: install debian-archive-keyring"
	mapfile -t mirrors < <(repositories '(-updates)?')
	[ ${#mirrors[@]} != 0 ] || die "apt's sources name no mirror of Debian 12 or 13"
	security=$(repositories -security | head -n 1)
	for mirror in "${mirrors[@]}"; do
		apt_begin bookworm amd64 $installed || continue
		apt_fetch debian-archive-keyring &&
			dpkg-deb -x "$work"/debs/*.deb "$work/files" &&
			cp "$work/files$installed" "$work/keyring.gpg"
		return
	done
	return 1
}

# fetch: fetches what the cache does not have, or all of it
fetch() {
	local release architecture
	trap 'rm -rf "$work"' EXIT
	trap 'exit 2' INT TERM HUP
	rm -rf "$work"
	mkdir -p "$work" || die "cannot create $work"
	fetch_begin || failed 'fetch the lists of Debian 12'
	for release in "${releases[@]}"; do
		for architecture in "${architectures[@]}"; do
			[ -n "$refresh" ] || [ ! -e "$cache/$release-$architecture" ] || continue
			fetch_imports "$release" "$architecture" "$cache/$release-$architecture" &&
				continue
			# The mirror's lists are not those that its release names: try later.
			grep -q 'Mirror sync in progress' "$work/log" ||
				failed "fetch and read Debian ${debian[$release]} for $architecture"
			echo "$me: Debian ${debian[$release]} for $architecture is left out: the" \
				"mirror is being updated" >&2
			: >"$work/log"
		done
	done
}

# failed TEXT
failed() {
	[ ! -e "$work/log" ] || tail -n 20 "$work/log" >&2
	die "cannot $1; see above"
}

# cached: does the cache have all of it?
cached() {
	local release architecture
	for release in "${releases[@]}"; do
		for architecture in "${architectures[@]}"; do
			[ -e "$cache/$release-$architecture" ] || return
		done
	done
}

# defined BITS: prints the symbols that primeshim defines on such machines
defined() {
	awk -v bits="$1" '
	{ sub(/#.*/, "") }
	!NF { next }
	$1 !~ /^[A-Za-z_][A-Za-z0-9_]*$/ || NF > 2 || (NF == 2 && $2 != 32) { exit 1 }
	NF == 1 || bits == 32 { print $1 }' "$symbols"
}

# judge RELEASE ARCHITECTURE: prints the table and the verdict; fails if the verdict is bad
judge() {
	# shellcheck disable=SC2086
	{
		printf 'defined %s\n' ${names[${bits[$2]}]}
		printf 'harmless %s\n' "${!harmless[@]}"
		sed '/^#/!s/^/library /' "$cache/$1-$2"
	} | awk -v reach="$reach" -v unproven="$unproven" -v sources="$sources" \
		-v at="$1 $2" -v title="Debian ${debian[$1]} ($1) $2" '
	# row TEXT COUNTS: prints the names in order, each with the libraries that import it
	function row(text, counts,   name, sorted, n, i, line) {
		n = 0
		for (name in counts) {
			for (i = n++; i > 0 && sorted[i] > name; i--)
				sorted[i + 1] = sorted[i]
			sorted[i + 1] = name
		}
		for (i = 1; i <= n; i++) {
			name = sorted[i] " " counts[sorted[i]] (i < n ? "," : "")
			if (length(line) + length(name) > 86) {
				printf "  %-9s %s\n", text, line
				text = line = ""
			}
			line = line (line ? " " : "") name
		}
		if (n)
			printf "  %-9s %s\n", text, line
	}
	$1 == "defined" { defined[$2]; next }
	$1 == "harmless" { harmless[$2]; next }
	$1 == "#" { when = substr($0, 3); next }
	{
		libraries++
		package[$3]
		if (index(version[$2] " ", " " $4 " ") == 0)
			version[$2] = version[$2] " " $4
		split("", seen)
		for (i = 6; i <= NF; i++) {
			name = $i
			sub(/@.*/, "", name)
			if (name in seen || name ~ /^_Z/ || name !~ reach)
				continue
			seen[name]
			if (name ~ /ioctl/)
				ioctls++
			if (name in defined)
				good[name]++
			else if (name == unproven)
				open[name]++
			else if (name in harmless)
				quiet[name]++
			else {
				missing[name]++
				bad[++failures] = at " " $3 " " $4 ": " $5 ": " name
			}
		}
	}
	END {
		n = split(sources, source, " ")
		for (i = 1; i <= n; i++) {
			all = all (i > 1 ? "," : "") " " source[i] version[source[i]]
			if (!version[source[i]])
				empty = source[i]
		}
		for (name in package)
			packages++
		printf "%s: %d libraries in %d packages\n", title, libraries, packages
		printf "  %-9s%s; read on %s\n", "versions", all, when
		row("defined", good)
		row("harmless", quiet)
		row("unproven", open)
		row("MISSING", missing)
		for (i = 1; i <= failures; i++)
			print "missing: " bad[i]
		if (empty || !ioctls) {
			print "not ok - " title ": " (empty ? "nothing of " empty : "no ioctl") \
				" was found: it was not read rightly"
			exit 1
		}
		if (failures) {
			for (name in missing)
				text = text " " name
			print "not ok - " title ": primeshim does not define" text
			exit 1
		}
		print "ok - " title ": what reaches the kernel is what primeshim defines"
	}'
}

while [ $# -gt 0 ]; do
	case $1 in
	--symbols=*) symbols=${1#*=} ;;
	--symbols)
		[ $# -gt 1 ] || die "$1 needs a value; see --help"
		symbols=$2
		shift
		;;
	--refresh) refresh=yes ;;
	--help) usage && exit ;;
	*) die "unknown option $1; see --help" ;;
	esac
	shift
done
[ -f "$symbols" ] || die "there is no list of symbols '$symbols'"
[ -r "$symbols" ] || die "cannot read the list of symbols '$symbols'"
declare -A names
for size in 32 64; do
	names[$size]=$(defined $size) || die "$symbols has a line that is neither NAME nor NAME 32"
	[ -n "${names[$size]}" ] || die "$symbols names no symbol"
done

cache=${XDG_CACHE_HOME:-${HOME:+$HOME/.cache}}
[ -n "$cache" ] || die 'no directory for the cache: set XDG_CACHE_HOME or HOME'
cache=$(realpath -m -- "$cache")/primeshim/audit-$layout
work=$cache/work
if [ -n "$refresh" ] || ! cached; then
	mkdir -p "$cache" || die "cannot create $cache"
	(
		flock 9
		[ -z "$refresh" ] && cached || fetch
	) 9>"$cache/lock" || exit 2
fi

status=0 left_out=''
for release in "${releases[@]}"; do
	for architecture in "${architectures[@]}"; do
		if [ -e "$cache/$release-$architecture" ]; then
			judge "$release" "$architecture" || status=1
		else
			left_out=yes
		fi
	done
done
[ "$status" != 0 ] || [ -z "$left_out" ] || exit 77
exit $status
