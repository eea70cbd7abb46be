#!/bin/sh
# SPDX-License-Identifier: MIT
# docs/survey.md and docs/survey.svg are what survey.sh makes of docs/survey.tsv, the picture is
# well-formed, and a line that is wrong is refused.
set -u
# shellcheck source=tests/lib/promise.sh
. "$(dirname "$0")/../lib/promise.sh" || exit 99
src=${top_srcdir:-.}
survey=$src/scripts/docs/survey.sh data=$src/docs/survey.tsv
tmp=$(mktemp -d) || exit 99
trap 'rm -rf "$tmp"' EXIT
mkdir "$tmp/docs"

"$survey" --from "$data" --out "$tmp/docs" 2>"$tmp/err"
promise "the page is made again: $(cat "$tmp/err")" [ $? = 0 ]
for file in survey.md survey.svg; do
	promise "and $file is the one of docs" cmp -s "$tmp/docs/$file" "$src/docs/$file"
done
if command -v xmllint >/dev/null; then
	promise 'the picture is well-formed' xmllint --noout "$tmp/docs/survey.svg"
else
	skip 'the picture is well-formed' 'there is no xmllint'
fi
programs=$(awk -F '\t' 'NF > 9 && !/^machine/ { print $3 }' "$data" | sort -u | wc -l)
promise "the page says how many programs there are, $programs" \
	grep -q "^$programs programs " "$src/docs/survey.md"
promise 'and the picture' grep -q "<desc>$programs programs;" "$src/docs/survey.svg"

# wrong WHAT SED: the data, changed so, is refused with the line's number, and nothing is written
wrong() {
	sed "$2" "$data" >"$tmp/wrong.tsv"
	rm -f "$tmp"/docs/*
	"$survey" --from "$tmp/wrong.tsv" --out "$tmp/docs" >"$tmp/said" 2>&1
	promise "$1: status 2" [ $? = 2 ]
	promise "$1: the line is named" grep -q "^$tmp/wrong.tsv:[0-9]*: " "$tmp/said"
	promise "$1: nothing is written" [ -z "$(ls "$tmp/docs")" ]
}
tab=$(printf '\t')
wrong 'a line that is cut' "3s/${tab}[^$tab]*\$//"
wrong 'a field too many' "3s/\$/${tab}x/"
wrong 'an unknown machine' "3s/^[a-z]*/abacus/"
wrong 'an unknown Debian' "3s/${tab}1[23]$tab/${tab}11$tab/"
wrong 'an unknown way' "3s/${tab}native$tab/${tab}off$tab/"
wrong 'a status that is no number' "3s/${tab}native${tab}[0-9]*/${tab}native${tab}well/"
wrong 'a run that is there twice' '3p'
# shellcheck disable=SC2016 # a command of sed
wrong 'no run at all' '3,$d'
for bad in --from '--from=/nonexistent' '--from=x --again' '--only' '--out=/nonexistent' --what; do
	# shellcheck disable=SC2086
	"$survey" $bad >/dev/null 2>"$tmp/err"
	promise "$bad: status 2" [ $? = 2 ]
	promise "$bad: one line" [ "$(wc -l <"$tmp/err")" = 1 ]
done
exit $fail
