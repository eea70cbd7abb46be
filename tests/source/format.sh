#!/bin/sh
# SPDX-License-Identifier: MIT
# The form of the sources: lines have at most 100 columns, with tabs of 8 columns, and no blank at
# their end; tabs indent C; a newline ends each file; its beginning names the licence. long() lists
# the files that may have longer lines, each with the reason.
set -u
cd "${top_srcdir:-.}" || exit 99
LC_ALL=C
export LC_ALL

# By name: a build in the source directory leaves other files there, and a tarball has no git.
# docs/tour.md has the output of programs, as it is.
files() {
	find Makefile.am configure.ac bench completions docs examples man scripts src tests \
		tools -type f ! -name run-with-shim.sh ! -path docs/tour.md \( -name '*.[ch]' \
		-o -name '*.sh' -o -name '*.sh.in' -o -name '*.awk' -o -name '*.am' \
		-o -name '*.ac' -o -name '*.bash' -o -name Makefile \
		-o -name '*.txt' -o -name '*.supp' -o -name '*.[17]' -o -name '*.md' \
		-o -name trace-check -o -name _primeshim \) | sort
}

# long FILE: may its lines be longer?
long() {
	case $1 in
	*.md) ;;				# tables and links
	man/*) ;;				# a row of a table is a line
	completions/_primeshim) ;;		# zsh takes an option and its text in one word
	tests/source/ioctl-roles.txt) ;;	# an ioctl is a line
	*) return 1 ;;
	esac
}

# check FILE
check() {
	kind=
	case $1 in *.c | *.h) kind=C ;; esac
	limit=100
	! long "$1" || limit=100000
	awk -v file="$1" -v limit=$limit -v kind=$kind '
	function wrong(what) {
		print "not ok - " file ":" FNR ": " what
		bad = 1
	}
	FNR <= 5 && /SPDX-License-Identifier: MIT/ { licensed = 1 }
	/[ \t]$/ { wrong("a blank at the end") }
	kind == "C" && /^\t*        / { wrong("blanks for a tab") }
	{
		# Of a character of more than one byte the first counts.
		gsub(/[\200-\277]/, "")
		n = split($0, part, "\t")
		column = 0
		for (i = 1; i < n; i++)
			column += length(part[i]) + 8 - length(part[i]) % 8
		if (n && column + length(part[n]) > limit)
			wrong(column + length(part[n]) " columns, at most " limit)
	}
	END {
		if (!licensed)
			wrong("no SPDX line at the beginning")
		exit bad
	}' "$1" || return
	[ -z "$(tail -c 1 "$1")" ] && return
	echo "not ok - $1: no newline at the end"
	return 1
}

files | {
	fail=0 seen=0
	while read -r file; do
		seen=$((seen + 1))
		check "$file" || fail=1
	done
	[ "$seen" -gt 250 ] || { echo "not ok - only $seen files found" && fail=1; }
	[ $fail = 1 ] || echo "ok - $seen files have the form of the sources"
	exit $fail
}
