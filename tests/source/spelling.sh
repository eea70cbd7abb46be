#!/bin/bash
# SPDX-License-Identifier: MIT
# No file that somebody reads has a misspelling that codespell knows.
set -u
# shellcheck source=tests/lib/promise.sh
. "$(dirname "$0")/../lib/promise.sh" || exit 99
command -v codespell >/dev/null || { echo 'skipped - codespell is not installed'; exit 77; }
src=${top_srcdir:-.}
tmp=$(mktemp -d) || exit 99
trap 'rm -rf "$tmp"' EXIT
promise_log=$tmp/why

# What codespell takes for another word:
right=(
	bu te		# troff: \(bu is a bullet, .TE ends a table
	gud		# a driver of the kernel
	nd nin		# behind an escape, as in "\nd"; "nin" counts the bytes that go in
	nknown		# NKNOWN, a number of settings
	renderd		# /dev/dri/renderD128
)

# spelled FILE...
# shellcheck disable=SC2317 # promise() calls it
spelled() {
	codespell --ignore-words-list "$(IFS=, && echo "${right[*]}")" "$@"
}

# shellcheck disable=SC2317
found() {
	! spelled "$1"
}

for name in README.md CONTRIBUTING.md SECURITY.md NEWS docs man bench completions debian examples \
	scripts src tools tests; do
	[ -e "$src/$name" ] || continue	# the tarball has no debian/
	promise "$name is spelled right" spelled "$src/$name"
done
printf 'The word was t%s.\n' eh >"$tmp/wrong.md"
promise 'a misspelling would be found out' found "$tmp/wrong.md"
exit $fail
