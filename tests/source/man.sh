#!/bin/bash
# SPDX-License-Identifier: MIT
# The man pages are clean to man, groff and mandoc, and agree with the programs: a page and its
# --help have the same options; libprimeshim.7 has every variable, mode and value of
# src/settings/settings.c.
set -u
# shellcheck source=tests/lib/promise.sh
. "$(dirname "$0")/../lib/promise.sh" || exit 99
export LC_ALL=C.UTF-8
src=${top_srcdir:-.} build=${top_builddir:-.}
pages=(libprimeshim.7 primeshim.1 run-with-shim.1)
tmp=$(mktemp -d) || exit 99
trap 'rm -rf "$tmp"' EXIT

promise_log=$tmp/why

# silent COMMAND...: it succeeds and has nothing to say
# shellcheck disable=SC2317
silent() {
	"$@" >"$tmp/said" 2>&1 && [ ! -s "$tmp/said" ] && return
	cat "$tmp/said"
	return 1
}

# shellcheck disable=SC2317
fails() {
	! "$@"
}

# warnings PAGE: prints what man(1) warns of, on a narrow terminal and on a wide one
# shellcheck disable=SC2317
warnings() {
	local width
	for width in 80 160; do
		{ MANWIDTH=$width man --warnings -Tutf8 -l "$1" >/dev/null; } 2>&1
	done
}

# plain PAGE: its text without the font changes of man's macros
plain() {
	sed -E -e 's/\\f[BIPR]//g' -e 's/\\-/-/g' -e 's/^\.(B|I|BI|BR|RB|IR|RI) //' "$1"
}

# tags: reads a page's text and prints the options that its paragraphs are about, one a line
tags() {
	grep -A 1 '^\.T[PQ]' | grep -E '^-' | words
}

# words: reads lines that begin with options, and prints those, one a line
words() {
	sed -E 's/^ *//; s/  .*; (--[a-z-]+) .*/, \1/; s/  .*//' |
		grep -oE '(^|[ ,|])--?[a-zA-Z][a-z-]*' | grep -oE -e '-.*' | sort -u
}

# helped COMMAND...: prints the options that its --help begins lines with
helped() {
	"$@" --help | grep -E '^ +-' | words
}

# section NAME: reads primeshim.1 and prints what it says of that command
section() {
	awk -v name="$1" '/^\.S[SH]/ { on = $1 == ".SS" && $2 == name } on'
}

# equal WHAT FILE: as much as in $tmp/said.options
# shellcheck disable=SC2317
equal() {
	[ -s "$1" ] && diff "$1" "$2"
}

for page in "${pages[@]}"; do
	file=$src/man/$page
	if command -v man >/dev/null; then
		promise "$page: man has nothing to warn of" silent warnings "$file"
	fi
	if command -v groff >/dev/null; then
		promise "$page: groff -ww has nothing to warn of" \
			silent groff -ww -man -t -Tutf8 -z -rLL=80n "$file"
	fi
	if command -v mandoc >/dev/null; then
		promise "$page: mandoc -T lint has nothing to warn of" \
			silent mandoc -T lint -W warning "$file"
	fi
	promise "$page begins with a synopsis and an example" \
		[ "$(awk 'on { print; exit } /^\.SH/ { print $2; on = $2 == "DESCRIPTION" }' \
			"$file" |
			paste -sd ' ')" = 'NAME SYNOPSIS DESCRIPTION .EX' ]
	promise "$page: the name that it is found by" \
		grep -q "^${page%.*} - " <(plain "$file" | sed -n '/^\.SH NAME/{n;p;}')
done

launcher=$build/scripts/run-with-shim.sh
helped "$launcher" >"$tmp/help"
plain "$src/man/run-with-shim.1" | tags >"$tmp/page"
promise 'run-with-shim.1 has the options of its --help, and no others' equal "$tmp/help" "$tmp/page"
sed 1d "$tmp/page" >"$tmp/less"
(cat "$tmp/page" && echo --nonsense) >"$tmp/more"
for wrong in less more; do
	promise "one option $wrong would be found out" fails equal "$tmp/help" "$tmp/$wrong"
done

tool=$build/tools/primeshim
if [ -x "$tool" ]; then
	"$tool" --help | sed -nE 's/^  ([a-z]+) .*/\1/p' | sort >"$tmp/commands"
	plain "$src/man/primeshim.1" | sed -n '/^\.SH COMMANDS/,/^\.SH EXIT/s/^\.SS //p' |
		sort >"$tmp/said"
	promise 'primeshim.1 has the commands of its --help, and no others' \
		equal "$tmp/commands" "$tmp/said"
	while read -r command; do
		# All of them have --help, which is said once.
		helped "$tool" "$command" | grep -vx -e --help -e -h >"$tmp/help"
		plain "$src/man/primeshim.1" | section "$command" | tags >"$tmp/page"
		promise "primeshim.1 has the options of primeshim $command --help, and no others" \
			diff "$tmp/help" "$tmp/page"
		promise "primeshim $command --help says how it is used" \
			grep -qi usage <("$tool" "$command" --help)
	done <"$tmp/commands"
fi

grep -oE '^	\{ "PRIMESHIM_[A-Z]+"' "$src/src/settings/settings.c" |
	grep -oE 'PRIMESHIM_[A-Z]+' | sort -u >"$tmp/known"
page=$src/man/libprimeshim.7
grep -A 1 '^\.TP' "$page" | sed -nE 's/^\.B (PRIMESHIM_[A-Z]+)$/\1/p' | sort -u >"$tmp/page"
promise 'libprimeshim.7 has the variables of src/settings/settings.c, and no others' \
	equal "$tmp/known" "$tmp/page"
# Values, as PRIMESHIM_MODE redirect, from the same table.
sed -nE 's/^	\{ "(PRIMESHIM_[A-Z]+)", \{ (".*) \} \},.*/\1 \2/p' "$src/src/settings/settings.c" |
	tr -d '",' |
	while read -r name values; do
		for value in $values; do
			echo "$name $value"
		done
	done | sort -u >"$tmp/values"
# The table: NAME VALUE... OPTION
sed -n '/^\.\\" variables: begin/,/^\.\\" variables: end/s/^PRIMESHIM_/&/p' "$page" |
	sed 's/\\-/-/g' >"$tmp/table"
promise 'its table has the same variables' \
	equal "$tmp/known" <(cut -f 1 "$tmp/table" | sort)
while read -r name; do
	# The longest list: trap is not everywhere.
	values=$(sed -nE "s/^	\{ \"$name\", \{ (\".*\") \} \},.*/\1/p" \
		"$src/src/settings/settings.c" | tr -d '"' | tail -n 1)
	promise "its table: $name has ${values:-no fixed values}" \
		grep -qE "^$name	${values}[^	]*	" "$tmp/table"
	option=$(echo "--${name#PRIMESHIM_}" | tr 'A-Z_' 'a-z-')
	# --drivers prints the table of drivers.
	if [ "$option" != --drivers ] && grep -q -e "^  $option " <("$launcher" --help); then
		promise "its table: $option sets $name" \
			grep -q "^$name	.*	$option" "$tmp/table"
	fi
done <"$tmp/known"
promise 'there are values to look for' [ "$(wc -l <"$tmp/values")" -gt 10 ]
while read -r name value; do
	promise "libprimeshim.7: $name may be $value" grep -qE "^\.B[RI]? $value( |\$)" "$page"
done <"$tmp/values"
exit $fail
