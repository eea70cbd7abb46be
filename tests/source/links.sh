#!/bin/bash
# SPDX-License-Identifier: MIT
# The documentation holds together: each relative link and anchor of its pages leads somewhere, also
# where they are installed; so does each path of the tree in backquotes; README.md leads to every
# page, and has no more than 900 words. The checks are shown to fail on a small tree. With a
# directory as argument: whether the links of the pages that are installed there lead somewhere.
# shellcheck disable=SC2016,SC2317 # backquotes of Markdown; functions that promise() calls
set -u
# shellcheck source=tests/lib/promise.sh
. "$(dirname "$0")/../lib/promise.sh" || exit 99
export LC_ALL=C.UTF-8
src=${top_srcdir:-.}
tmp=$(mktemp -d) || exit 99
trap 'rm -rf "$tmp"' EXIT
promise_log=$tmp/why

# pages ROOT: prints the documents, relative to ROOT
pages() {
	(cd "$1" && ls -- README.md CONTRIBUTING.md SECURITY.md bench/RESULTS.md docs/*.md \
		scripts/vm/README.md 2>/dev/null)
}

# prose FILE: prints it without blocks of code and comments
prose() {
	awk '/^```/ { fence = !fence; next } !fence && !/^(    |\t|<!--)/' "$1"
}

# links ROOT PAGE: prints the targets of its links but those with a scheme
links() {
	prose "$1/$2" | sed -E 's/`[^`]*`//g' | grep -oE '\]\([^) ]*\)' |
		sed -E 's/^\]\((.*)\)$/\1/' | grep -vE '^[a-z]+:'
}

# anchors FILE: prints what can stand behind a #, as GitHub makes it of each heading
anchors() {
	prose "$1" | sed -nE 's/^#+ +//p' | sed -E 's/\[([^]]*)\]\([^)]*\)/\1/g' |
		awk '{
			$0 = tolower($0)
			gsub(/[^a-z0-9 _-]/, "")
			gsub(/ /, "-")
			print $0 (seen[$0]++ ? "-" (seen[$0] - 1) : "")
		}'
}

# resolve PAGE TARGET: prints the file, relative to the root, that the target names
resolve() {
	local path=${2%%#*}
	if [ -z "$path" ]; then
		echo "$1"
		return
	fi
	[[ $1 != */* ]] || path=${1%/*}/$path
	while [[ $path =~ ^(.*/)?[^/.]+/\.\./(.*)$ ]]; do
		path=${BASH_REMATCH[1]}${BASH_REMATCH[2]}
	done
	echo "$path"
}

# links_lead ROOT: each target is a file of the tree, and its anchor one of the file's headings
links_lead() {
	local page target file bad=0
	while read -r page; do
		while read -r target; do
			file=$(resolve "$page" "$target")
			if [ ! -e "$1/$file" ] || [[ $file == ../* ]]; then
				echo "$page: no $target" && bad=1
			elif [[ $target == *'#'* ]] &&
				! anchors "$1/$file" | grep -qxF -e "${target#*#}"; then
				echo "$page: no heading for $target" && bad=1
			fi
		done < <(links "$1" "$page")
	done < <(pages "$1")
	return "$bad"
}

# reached ROOT: links lead from README.md to each page of docs/
reached() {
	local page target file queue=(README.md)
	local -A seen=([README.md]=1)
	while [ ${#queue[@]} -gt 0 ]; do
		page=${queue[0]} queue=("${queue[@]:1}")
		while read -r target; do
			file=$(resolve "$page" "$target")
			[[ $file == *.md && -e $1/$file && -z ${seen[$file]-} ]] || continue
			seen[$file]=1 queue+=("$file")
		done < <(links "$1" "$page")
	done
	for page in "$1"/docs/*.md; do
		[ -n "${seen[docs/${page##*/}]-}" ] || echo "README.md does not lead to $page"
	done >"$tmp/lonely"
	cat "$tmp/lonely"
	[ ! -s "$tmp/lonely" ]
}

# paths_exist ROOT: what stands in backquotes like a path of the tree is there: a file, the source
# of a program or of a script, or a directory. Paths below src/ may leave it out.
paths_exist() {
	local page path bad=0 name='[A-Za-z0-9_./-]+'
	local tops='src|docs|tests|scripts|tools|man|examples|bench|completions'
	[ ! -d "$1/debian" ] || tops+='|debian' # the tarball has none
	while read -r page; do
		while read -r path; do
			[ -e "$1/$path" ] || [ -e "$1/$path.in" ] || [ -e "$1/$path.c" ] ||
				[ -e "$1/src/$path" ] ||
				{ echo "$page: no $path" && bad=1; }
		done < <(prose "$1/$page" | grep -oE '`[^` ]+[` ]' | tr -d '` ' |
			grep -E "^(($tops)/$name|[a-z]$name/$name\.([ch]|sh|md|am))\$" |
			grep -v NAME)
	done < <(pages "$1")
	return "$bad"
}

# short ROOT: as many words as a newcomer reads
short() {
	local words
	words=$(wc -w <"$1/README.md")
	echo "README.md has $words words"
	[ "$words" -le 900 ]
}

# installed: installs the documents below $tmp/root, and sets $docdir to where they are
installed() {
	make -C "${top_builddir:-.}" -s install-nobase_dist_docDATA "DESTDIR=$tmp/root" \
		docdir=/doc &&
		docdir=$tmp/root/doc
}

# small: makes $tmp/tree, of which all is right
small() {
	rm -rf "$tmp/tree"
	mkdir -p "$tmp/tree/docs" "$tmp/tree/src"
	echo '[a](docs/a.md#what-it-is--really)' >"$tmp/tree/README.md"
	printf '%s\n' '# A' '## What `it` is ← really?' '[b](b.md), `src/x.c` and `x.c`' \
		'    [code](none.md)' >"$tmp/tree/docs/a.md"
	printf '%s\n' '# B' '[up](../README.md) [web](https://example.org/none) [here](#b)' \
		>"$tmp/tree/docs/b.md"
	: >"$tmp/tree/src/x.c"
}

# found CHECK FILE TEXT: with TEXT added to FILE of the small tree CHECK fails
found() {
	small && "$1" "$tmp/tree" && echo "$3" >>"$tmp/tree/$2" && ! "$1" "$tmp/tree"
}

if [ $# = 1 ]; then
	promise 'there are installed pages' [ "$(pages "$1" | wc -l)" -gt 15 ]
	promise 'each relative link of the installed pages leads somewhere' links_lead "$1"
	exit $fail
fi

promise 'there are pages to look at' [ "$(pages "$src" | wc -l)" -gt 15 ]
promise 'there are links to look at' [ "$(links "$src" README.md | wc -l)" -gt 30 ]
promise 'each relative link, and each anchor, leads somewhere' links_lead "$src"
promise 'README.md leads to every page of docs/' reached "$src"
promise 'each path in backquotes exists' paths_exist "$src"
promise 'README.md has at most 900 words' short "$src"

if [ -e "${top_builddir:-.}/Makefile" ]; then
	promise 'the pages are installed' installed
	promise 'all of them' [ "$(pages "$docdir")" = "$(pages "$src")" ]
	promise 'there, too, each link leads somewhere' links_lead "$docdir"
	rm "$docdir/docs/timeline.svg"
	promise 'and one to a file that is not installed would be found out' \
		[ "$(links_lead "$docdir" | wc -l)" -ge 1 ]
fi

promise 'a link to no file would be found out' found links_lead docs/b.md '[c](c.md)'
promise 'so would one without the directory' found links_lead docs/b.md '[x](src/x.c)'
promise 'so would an anchor that is no heading' found links_lead README.md '[a](docs/a.md#b)'
promise 'so would one of the page itself' found links_lead docs/b.md '[a](#a)'
promise 'so would a page that nobody links to' found reached docs/c.md '# C'
promise 'so would a path that is not there' found paths_exist README.md 'See `src/y.c`.'
promise 'so would one with words behind it' found paths_exist README.md 'See `src/y.c lost`.'
promise 'so would a directory that is not there' found paths_exist README.md 'In `src/y/`.'
promise 'so would a README of 901 words' found short README.md "$(seq -s ' ' 900)"
small && seq 899 >>"$tmp/tree/README.md"
promise 'but not one of 900' short "$tmp/tree"
exit $fail
