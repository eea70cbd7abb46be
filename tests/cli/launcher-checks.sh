# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# To be sourced by the tests of the launcher: it, run and looked at.
# LAUNCHER_SHELL: a shell (absolute path, arguments) to run it with in place of its #! line.
# Words to split are meant as they are, and some variables are for the tests:
# shellcheck disable=SC2016,SC2034,SC2086

CC=${CC:-cc}
LAUNCHER_SHELL=${LAUNCHER_SHELL-}
top=$(cd "${top_builddir:-.}" && pwd -P) || exit 1
launcher=$top/scripts/run-with-shim.sh
lib=$top/.libs/libprimeshim.so
companion=$top/tools/primeshim
unset LD_PRELOAD PRIMESHIM_MODE PRIMESHIM_SYNC PRIMESHIM_LOG PRIMESHIM_EXPORT PRIMESHIM_DIR
unset PRIMESHIM_DIRECT
unset PRIMESHIM_ONLY PRIMESHIM_EXCEPT

tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
trap 'exit 1' HUP INT TERM
chmod 755 "$tmp"
passed=0
failed=0

# run [ARG]...: runs the launcher after the words of $before; sets $status, leaves out and err
before=
run() {
	$before $LAUNCHER_SHELL "$launcher" "$@" >"$tmp/out" 2>"$tmp/err" </dev/null
	status=$?
}

# check PROMISE CONDITION...
check() {
	name=$1
	shift
	if "$@"; then
		passed=$((passed + 1))
		echo "ok - $name"
		return
	fi
	failed=$((failed + 1))
	echo "not ok - $name"
	echo "# status $status, not as in: $*"
	sed 's/^/# out: /;5q' "$tmp/out"
	sed 's/^/# err: /;5q' "$tmp/err"
}

# skip PROMISE REASON
skip() {
	echo "ok - $1 # SKIP $2"
}

# refused STATUS PATTERN: one line on stderr, none on stdout
refused() {
	[ "$status" = "$1" ] && [ ! -s "$tmp/out" ] && [ "$(wc -l <"$tmp/err")" -eq 1 ] &&
		grep -q "^run-with-shim.sh: .*$2" "$tmp/err"
}

# printed TEXT: status 0, TEXT on stdout
printed() {
	[ "$status" = 0 ] && [ "$(cat "$tmp/out")" = "$1" ]
}

# loaded: status 0, and the maps on stdout have the library
loaded() {
	[ "$status" = 0 ] && grep -qF "$lib" "$tmp/out"
}

not_loaded() {
	[ "$status" = 0 ] && [ -s "$tmp/out" ] && ! loaded
}

# script NAME TEXT: an executable file
script() {
	printf '%s\n' "$2" >"$tmp/$1"
	chmod +x "$tmp/$1"
}

show='printf "[%s]" "$@"'
env='echo "${PRIMESHIM_MODE-unset} ${PRIMESHIM_SYNC-unset} ${PRIMESHIM_LOG-unset}"'
maps=/proc/self/maps
for dir in $(echo "$PATH" | tr : ' '); do
	cat=$dir/cat
	[ ! -x "$cat" ] || break
done
