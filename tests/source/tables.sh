#!/bin/bash
# SPDX-License-Identifier: MIT
# The tables of src/drivers/ agree with ioctl-roles.txt, in the numbers of ioctl-numbers.txt; the
# test names an entry that is missing, superfluous or wrong. An argument may be smaller than in
# ioctl-numbers.txt: it has grown since the headers here were made.
set -u
export LC_ALL=C
src=${top_srcdir:-.} build=${top_builddir:-.}
tmp=$(mktemp -d) || exit 99
trap 'rm -rf "$tmp"' EXIT
fail=0

awk '
	function bad(text) { print "ioctl-roles.txt:" FNR ": " text >"/dev/stderr"; failed = 1 }
	# The number that a name stands for.
	function number(name) {
		if (name ~ /^[0-9]+$/) return name
		if (!(name in at)) bad("no " name " in ioctl-numbers.txt")
		return at[name]
	}
	# "FIELD:MASK[:VALUE]" with the field as a number
	function bits(text,  part) {
		split(text, part, ":")
		return number(part[1]) substr(text, length(part[1]) + 1)
	}
	FNR == NR {
		# _IOC: direction and size in the upper half
		if ($1 ~ /^DRM_IOCTL_/) {
			sub(/.*=/, "", $4)
			size[substr($1, 11)] = $4
			request[substr($1, 11)] = "0x" (index("4c8", substr($2, 3, 1)) ? \
				substr($2, 3, 1) : "?") "000" substr($2, 7)
		}
		else if ($2 ~ /^@/) at[$1] = substr($2, 2)
		else if ($2 == "size") at[$1] = $3
		next
	}
	/^#/ || !NF { next }
	{
		said[$2] = 1
		if (!($2 in request)) bad("no " $2 " in ioctl-numbers.txt")
		split("", v)
		for (i = 4; i <= NF; i++) {
			n = index($i, "=")
			if (n) v[substr($i, 1, n - 1)] = substr($i, n + 1)
			else v[$i] = ""
		}
		line = $1 " " $2 " " size[$2] " " request[$2] " " $3
		count = split("handle value start length", key, " ")
		for (i = 1; i <= count; i++)
			line = line " " (key[i] in v ? number(v[key[i]]) : 0)
		if ("proof" in v) line = line " proof"
		count = split("when reads writes nowait busy done", key, " ")
		for (i = 1; i <= count; i++)
			if (key[i] in v) line = line " " key[i] "=" bits(v[key[i]])
		if ("timeout" in v) line = line " timeout=" number(v["timeout"])
		if ("asks" in v) line = line " asks"
		if ("at-once" in v) line = line " at-once"
		if ("list" in v)
			line = line " list=" number(v["list"]) "," \
				("count" in v ? number(v["count"]) : 0) \
				"," v["fixed"] + 0 "," number(v["stride"]) "," \
				("element" in v ? number(v["element"]) : 0) "," v["chunk"] + 0
		if ("list-writes" in v) line = line " list-writes=" bits(v["list-writes"])
		if ("list-or-writes" in v)
			line = line " list-or-writes=" bits(v["list-or-writes"])
		if ("partial" in v) line = line " partial"
		if ("boxed" in v) line = line " boxed"
		if ($3 != "none") print line
	}
	END {
		for (name in request)
			if (!(name in said)) bad("says nothing of " name)
		exit failed
	}
' "$src/tests/source/ioctl-numbers.txt" "$src/tests/source/ioctl-roles.txt" >"$tmp/want" || fail=1
"$build/tests/source/tables" >"$tmp/got" || fail=1
[ "$(wc -l <"$tmp/got")" -gt 100 ] || { echo 'not ok - there are tables'; fail=1; }

while read -r driver name size rest; do
	had=$(awk -v d="$driver" -v n="$name" -v r="$rest" '{
		line = $0
		sub(/^[^ ]* [^ ]* [^ ]* /, "", line)
		if ($1 == d && $2 == n && line == r) print $3
	}' "$tmp/got")
	if [ "${had:-0}" -gt 0 ] && [ "$had" -le "$size" ]; then
		echo "ok - $driver: $name"
	else
		echo "not ok - $driver: $name: ${had:+of $had bytes, not }$size $rest"
		fail=1
	fi
done <"$tmp/want"
# Each was asked for once.
if [ "$(wc -l <"$tmp/want")" != "$(wc -l <"$tmp/got")" ]; then
	echo "not ok - superfluous: $(awk 'NR == FNR { want[$1 $2]; next } !($1 $2 in want)' \
		"$tmp/want" "$tmp/got")"
	fail=1
fi

sed '1,/^\.\\" drivers: begin/d;/^\.\\" drivers: end/,$d' "$src/man/libprimeshim.7" |
	sed '1,4d;$d' >"$tmp/man"
if "$build/src/primeshim-drivers" --man | diff "$tmp/man" - >"$tmp/diff" && [ -s "$tmp/man" ]; then
	echo 'ok - the man page has the same table'
else
	echo 'not ok - the man page has another table: make man-drivers'
	cat "$tmp/diff"
	fail=1
fi
exit $fail
