# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# shellcheck disable=SC2154 # the directory is the caller's
# To be sourced by check.sh: writes down which of its steps succeeded, so that --resume leaves them
# out. The directory $record has the options, the checksums of the source tree, and for each step
# that succeeded a file with the lines of its output that count.

# record_begin OPTIONS: begins anew, for the source tree in this directory. What is built elsewhere
# in the tree may change while the steps run.
record_begin() {
	mkdir -p "$record" && echo "$1" >"$record/options" &&
		find . \( -path './build*' -o -path ./autom4te.cache -o -path ./demo-pictures \) \
			-prune -o -type f -exec sha256sum {} + >"$record/tree.new" &&
		mv "$record/tree.new" "$record/tree"
}

# record_lacks OPTIONS TREE: prints why nothing is left out; fails, and prints nothing, if what is
# written down is of these options and of that source tree
record_lacks() {
	local changed
	[ -s "$record/tree" ] || { echo 'no run has begun' && return; }
	[ "$1" = "$(cat "$record/options")" ] || { echo 'the options are others' && return; }
	changed=$(cd "$2" && sha256sum --quiet -c "$record/tree" 2>/dev/null | head -n 1)
	[ -n "$changed" ] && echo "${changed%%: *} has changed"
}

# record_file STEP: prints the step's file
record_file() {
	echo "$record/$(printf 'step %s' "$1" | tr -c 'A-Za-z0-9.-' _)"
}

# record_step STEP FILE: writes down that the step succeeded, with the lines of FILE that count
record_step() {
	local file
	file=$(record_file "$1")
	[ -d "$record" ] || return 0
	grep '^ok - \|^skipped - ' "$2" >"$file.new"
	mv "$file.new" "$file"
}
