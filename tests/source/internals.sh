#!/bin/sh
# SPDX-License-Identifier: MIT
# docs/internals.md names functions that exist: each in the file that the same row names.
set -u
src=${top_srcdir:-.}
page=$src/docs/internals.md
fail=0

# shellcheck disable=SC2016 # backquotes of Markdown
names=$(grep '^|.*`[a-z0-9_]*()`' "$page" | awk -F'|' '
	{ file = $3; gsub(/[` ]/, "", file) }
	file ~ /^src\// {
		n = split($4, name, "`")
		for (i = 2; i <= n; i += 2)
			print file, name[i]
	}' | sed 's/()$//')
[ "$(echo "$names" | wc -l)" -gt 30 ] || { echo 'not ok - the table was not found'; exit 1; }
while read -r file name; do
	# A definition: it begins a line, or a macro makes it, and no semicolon ends it.
	if ! grep -qE "^[A-Za-z].*[ *(]$name\(.*[^;]\$" "$src/$file"; then
		echo "not ok - $name() is in $file"
		fail=1
	fi
done <<EOT
$names
EOT
# shellcheck disable=SC2016
for file in $(grep -o '`src/[a-z_/]*\.[ch]`' "$page" | tr -d '`' | sort -u); do
	[ -e "$src/$file" ] || { echo "not ok - there is $file"; fail=1; }
done
[ $fail = 1 ] || echo "ok - the functions that docs/internals.md names are where it says"
exit $fail
