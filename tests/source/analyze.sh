#!/bin/sh
# SPDX-License-Identifier: MIT
# "make analyze": gcc's -fanalyzer, and cppcheck where it is installed, on src and tools. Fails on
# every report that is not listed here with the reason why it is none.
#   CC, CPPFLAGS and CFLAGS are those of the build.
set -u
src=${top_srcdir:-.} build=${top_builddir:-$PWD}
tmp=$(mktemp -d) || exit 99
trap 'rm -rf "$tmp"' EXIT
fail=0

# FILE ID: the reason
cat >"$tmp/known" <<'END'
src/kernel/early.c CastIntegerToAddressAtReturn: cppcheck takes sighandler_t for an integer
src/symbols/signals.c CastIntegerToAddressAtReturn: likewise
src/preload.c ignoredReturnValue: at_quick_exit() fails without memory; the end is then not reported
tools/ab/ab-json.c arrayIndexOutOfBoundsCond: the loop over the numbers ends before NNUMBERS
tools/ab/ab-print.c arrayIndexThenCheck: the check is of the kind of number, not of the index
tools/ab/ab.c -Wanalyzer-null-argument: strchr() finds the "/" of the path that was just printed
tools/doctor/doctor-command.c ctuuninitvar: find_program() writes the path before anybody reads it
tools/doctor/doctor-findings.c -Wanalyzer-malloc-leak: findings live as long as the process
tools/status/read.c invalidPrintfArgType_uint: STATUS_VERSION is a small positive constant
tools/status/find.c -Wanalyzer-null-argument: files is NULL without a status file alone, when n is 0
tools/status/find.c -Wanalyzer-null-dereference: likewise
tools/trace/plot.c -Wanalyzer-malloc-leak: the lanes live as long as the process
tools/trace/plot.c uninitvar: qsort() of no elements reads none
END

# judge NAME: reads reports "FILE ID", says which are not known
judge() {
	sort -u >"$tmp/reports"
	while read -r file id; do
		grep -qF "$file $id: " "$tmp/known" && continue
		echo "not ok - $1: $file: $id"
		fail=1
	done <"$tmp/reports"
	echo "# $1: $(wc -l <"$tmp/reports") reports, by file and kind; unknown ones fail"
}

cd "$src" || exit 99
for file in src/*.c src/*/*.c tools/*.c tools/*/*.c; do
	# shellcheck disable=SC2086
	${CC:-gcc} -DHAVE_CONFIG_H -I"$build" -Isrc -Itools ${CPPFLAGS-} \
		-DPKGLIBDIR='""' -DPKGLIBEXECDIR='""' -std=gnu11 -O1 -fanalyzer \
		-S -o "$tmp/out.s" "$file" 2>>"$tmp/gcc" ||
		{ echo "not ok - $file: does not compile" && fail=1; }
done
sed -nE 's/^([^: ]+):[0-9]+:[0-9]+: warning: .* \[(-Wanalyzer[a-z-]+)\]$/\1 \2/p' \
	"$tmp/gcc" >"$tmp/list"
judge 'gcc -fanalyzer' <"$tmp/list"
if command -v cppcheck >/dev/null; then
	cppcheck -q --std=c11 --enable=warning,portability,performance -DHAVE_CONFIG_H \
		-I"$build" -Isrc -Itools --template='{file} {id}' --template-location= \
		src tools >"$tmp/cppcheck" 2>&1
	grep -E '^(src|tools)/' "$tmp/cppcheck" >"$tmp/list"
	judge cppcheck <"$tmp/list"
else
	echo '# skipped: there is no cppcheck'
fi
[ $fail = 1 ] && cat "$tmp/gcc"
exit $fail
