#!/bin/sh
# SPDX-License-Identifier: MIT
# A directory of sources calls, and includes, only directories further down. No two files call each
# other, directly or through others. No function below src/symbols calls a function that the shim
# exports, except through next.c: the call would come back to the shim. next.c itself has only their
# names. Nothing in the object calls malloc: a hook may run inside an allocator.
set -u
command -v "${NM:=nm}" >/dev/null || exit 77
src=${top_srcdir:-.} build=${top_builddir:-.}
fail=0 seen=0

for obj in "$build"/src/.libs/*.o "$build"/src/*/.libs/*.o; do
	seen=$((seen + 1))
	for sym in $("$NM" -u "$obj" | awk '{ print $2 }'); do
		if grep -qxE "$sym( 32)?" "$src/src/exported-symbols.txt"; then
			echo "$obj calls $sym, which the shim exports"
			fail=1
		fi
		case $sym in
		malloc | calloc | realloc | free | strdup | asprintf | fopen | strerror)
			echo "$obj calls $sym"
			fail=1
			;;
		esac
	done
done
[ "$seen" -gt 10 ] || { echo "only $seen objects found"; exit 1; }

# layers WHAT DIRECTORY...: holds lines "FILE FILE", of which the first uses the second, to the
# order of the directories, from the top. Directories in one word, as a/b, lie side by side.
layers() {
	awk -v what="$1" -v order="$2" '
	function directory(file) \
		{ return file ~ /\// ? substr(file, 1, index(file, "/") - 1) : "." }
	function rank(file) { return directory(file) in at ? at[directory(file)] : 0 }
	BEGIN {
		for (n = split(order, level); n; n--)
			for (i = split(level[n], name, "/"); i; i--)
				at[name[i]] = n
	}
	NF == 2 && $1 != $2 && !(($1, $2) in uses) {
		uses[$1, $2]
		nuses++
		if (!rank($1) || !rank($2) || rank($1) > rank($2) ||
		    (rank($1) == rank($2) && directory($1) != directory($2))) {
			print what ": " $1 " uses " $2 ", which is not below it"
			bad = 1
		}
	}
	# Whoever uses nobody that is left goes, and so does who is used by nobody: a circle stays.
	END {
		do {
			gone = 0
			for (pair in uses) {
				split(pair, f, SUBSEP)
				user[f[1]]
				used[f[2]]
			}
			for (pair in uses) {
				split(pair, f, SUBSEP)
				if (!(f[2] in user) || !(f[1] in used)) {
					delete uses[pair]
					gone = 1
				}
			}
			split("", user)
			split("", used)
		} while (gone)
		for (pair in uses) {
			split(pair, f, SUBSEP)
			print what ": " f[1] " uses " f[2] ", which comes back to it"
			bad = 1
		}
		if (nuses < 20) {
			print what ": only " nuses + 0 " found"
			bad = 1
		}
		exit bad
	}'
}

# calls PREFIX OBJECT...: which file calls which
calls() {
	prefix=$1
	shift
	"$NM" -A "$@" | awk -v prefix="$prefix" '
	{
		file = $1
		sub(/:.*/, "", file)
		sub(/.*\/(src|tools)\//, "", file)
		sub(/\.libs\//, "", file)
		sub(prefix, "", file)
	}
	$(NF - 1) ~ /^[Uw]$/ { want[file, $NF] }
	$(NF - 1) ~ /^[TDBRVW]$/ && NF > 2 { def[$NF] = file }
	END {
		for (pair in want) {
			split(pair, part, SUBSEP)
			if (part[2] in def)
				print part[1], def[part[2]]
		}
	}'
}

# includes ROOT: which file includes which
includes() {
	find "$1" -name '*.[ch]' | while read -r file; do
		sed -n 's/^#include "\(.*\)".*/\1/p' "$file" | while read -r header; do
			dir=${file#"$1"/}
			case $dir in */*) dir=${dir%/*}/ ;; *) dir= ;; esac
			if [ -e "$1/$dir$header" ]; then
				echo "${file#"$1"/} $dir$header"
			elif [ -e "$1/$header" ]; then
				echo "${file#"$1"/} $header"
			fi
		done
	done
}

src_order='. symbols hooks policy records state publish settings drivers base kernel'
calls '' "$build"/src/.libs/*.o "$build"/src/*/.libs/*.o | layers 'calls of src' "$src_order" ||
	fail=1
includes "$src/src" | layers 'includes of src' "$src_order" || fail=1
tools='. ab/doctor/probe/report/set/trace/witness status lib'
if [ -e "$build/tools/primeshim" ]; then
	calls 'primeshim-' "$build"/tools/primeshim-*.o "$build"/tools/*/primeshim-*.o |
		layers 'calls of tools' "$tools" || fail=1
fi
includes "$src/tools" | layers 'includes of tools' "$tools" || fail=1
exit $fail
