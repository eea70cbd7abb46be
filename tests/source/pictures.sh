#!/bin/bash
# SPDX-License-Identifier: MIT
# The pictures of docs/ are drawn by scripts: docs/matrix.svg from docs/matrix.md, docs/warm.svg
# from docs/warm.tsv, and docs/timeline.svg from the run that docs/tour.md tells of.
# shellcheck disable=SC2317 # functions that promise() calls
set -u
# shellcheck source=tests/lib/promise.sh
. "$(dirname "$0")/../lib/promise.sh" || exit 99
src=${top_srcdir:-.} docs=${top_srcdir:-.}/docs
tmp=$(mktemp -d) || exit 99
trap 'rm -rf "$tmp"' EXIT
promise_log=$tmp/why

# drawn NAME DATA PICTURE: that picture is what the script NAME draws from the data
drawn() {
	awk -f "$src/scripts/docs/$1-picture.awk" "$2" | cmp - "$3"
}

# found NAME DATA OLD NEW: with NEW for the first OLD in the data the picture is another one
found() {
	sed "0,/$3/s//$4/" "$docs/$2" >"$tmp/data"
	! cmp -s "$tmp/data" "$docs/$2" && ! drawn "$1" "$tmp/data" "$docs/$1.svg"
}

# well_formed FILE: it is well-formed, and needs no other file
well_formed() {
	! grep -E '<script|href=|<image|@import|url\(http' "$1" || return
	! command -v xmllint >/dev/null || xmllint --noout "$1"
}

# shown: each cell of the matrix is one of a rectangle's class, as many as there are answers
shown() {
	local answers
	answers=$(awk -F ' *[|] *' '
		/^## / { kernel = $0 }
		/^[|] (importer|---)/ { deny = $3 == "exporter" || (deny && /---/); next }
		/^[|]/ {
			answer = kernel "|" $2
			for (i = deny ? 4 : 3; i < NF; i++)
				answer = answer "|" $i
			if (!seen[answer]++)
				n += NF - (deny ? 4 : 3)
		}
		END { print n }' "$docs/matrix.md")
	echo "$answers answers"
	[ "$answers" -gt 100 ] &&
		[ "$(grep -c '^<rect x=.* height="18" ' "$docs/matrix.svg")" = "$answers" ]
}

# totals FILE: prints how many imports and refusals the tour's report tells of in all
totals() {
	sed -nE -e 's/.* <- [^:]*: ([0-9]+) imports? of .*/\1 0/p' \
		-e 's/.* ioctl: ([0-9]+) refused .*/0 \1/p' "$1" |
		awk '{ imports += $1; refused += $2 }
		END { print imports " imports, " refused " refusals" }'
}

# plotted FILE: prints the same of the timeline
plotted() {
	sed -nE 's|^<desc>([0-9]+) imports?, .* ([0-9]+) refusals .*|\1 imports, \2 refusals|p' "$1"
}

# table FILE: prints the percents of kept mappings in the table of docs/warm.md
table() {
	sed -nE 's/^\| kept warm, with brackets \| (.*) \|$/\1/p' "$docs/warm.md" | tr -d ' '
}

promise 'the matrix is drawn from its page' drawn matrix "$docs/matrix.md" "$docs/matrix.svg"
promise 'each answer has a cell' shown
promise 'an answer that changes is found out' found matrix matrix.md '| SIGBUS |' '| right |'
promise 'the costs are drawn from their numbers' drawn warm "$docs/warm.tsv" "$docs/warm.svg"
promise 'a number that changes is found out' found warm warm.tsv '\t1600\t' '\t1500\t'
promise 'the page has the same numbers' [ "$(table)" = \
	"$(awk -F '\t' '$1 == "cycle" && $2 > 1 { printf "%s%s", n++ ? "|" : "", $4 }' \
	"$docs/warm.tsv")" ]
promise 'the frames are those of bench/RESULTS.md' [ "$(grep '^frames' "$docs/warm.tsv")" = \
	"$(awk -f "$src/scripts/docs/warm-frames.awk" "$src/bench/RESULTS.md")" ]
promise 'the timeline is one of primeshim plot' \
	grep -q '<title>.* imports of dma-bufs over time</title>' "$docs/timeline.svg"
promise "it is of the tour's run: $(totals "$docs/tour.md")" \
	[ "$(totals "$docs/tour.md")" = "$(plotted "$docs/timeline.svg")" ]
for picture in "$docs"/*.svg; do
	promise "${picture##*/} is well-formed" well_formed "$picture"
done
exit $fail
