# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# To be sourced by the scripts beside it, each of which writes a file of docs/: their options, the
# packages that they need, and the build.

me=${0##*/}
source=$(realpath -- "$0") && source=${source%/*/*/*}
# shellcheck source=scripts/lib/packages.sh
. "$source/scripts/lib/packages.sh" || exit 2
# shellcheck source=scripts/lib/build.sh
. "$source/scripts/lib/build.sh" || exit 2

# die TEXT [STATUS]
die() {
	echo "$me: $1" >&2
	exit "${2:-2}"
}

# options ARG...: sets $out by --out, and by --check $check and by --only $only, if the script has
# that variable
# shellcheck disable=SC2034
options() {
	while [ $# -gt 0 ]; do
		case $1 in
		--out=?*) out=${1#*=} ;;
		--out)
			[ -n "${2-}" ] || die '--out needs a value; see --help'
			out=$2
			shift
			;;
		--only=?* | --only)
			[ -n "${only+set}" ] || die "unknown option $1; see --help"
			if [ "$1" = --only ]; then
				[ -n "${2-}" ] || die '--only needs a value; see --help'
				shift
			fi
			only=${1#--only=}
			;;
		--check)
			[ -n "${check+set}" ] || die "unknown option $1; see --help"
			check=yes
			;;
		--help) usage && exit ;;
		*) die "unknown option $1; see --help" ;;
		esac
		shift
	done
}

# prepare GROUP... -- [ARCHITECTURE]...: installs the packages, makes the directory $tmp, which all
# users may enter, with a directory out in it, and builds
prepare() {
	local groups=()
	while [ "$1" != -- ]; do
		groups+=("$1")
		shift
	done
	packages_need "${groups[@]}" || exit 2
	tmp=$(mktemp -d) || exit 2
	trap 'rm -rf "$tmp"' EXIT
	mkdir "$tmp/out" && chmod 755 "$tmp" || exit 2
	build_all "$source" "${@:2}" >"$tmp/log" 2>&1 && return
	tail -n 20 "$tmp/log" >&2
	die 'it cannot be built; see above'
}
