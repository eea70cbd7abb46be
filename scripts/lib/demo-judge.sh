# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154 # what demo.sh has
# To be sourced by demo.sh: judges what the rows have left in the directory $out, and prints the
# table.

judged=0      # how many rows were not skipped
problems=()   # what is not as promised
declare -A lines # the lines of the table, by the rows' names

# field NAME WAY: prints how that run ended
field() {
	awk -F '\t' -v name="$1" -v way="$2" '$1 == name && $2 == way { print $3; exit }' \
		"$out/results.txt"
}

# picture NAME WAY: prints whether that run's picture is right
picture() {
	local file=$out/$1-$2.png
	if [ ! -e "$file" ]; then
		echo none
	elif case $1 in
		weston) "$build/tests/kernel/pictures" square "$file" ;;
		*) "$build/tests/kernel/pictures" same "$out/$1-put-in.png" "$file" ;;
		esac >"$out/$1-$2-judged.log" 2>&1; then
		echo right
	else
		echo wrong
	fi
}

# brackets NAME: prints how many STARTs and ENDs the kernel counted in the run with the shim. Fails
# if a process made another number of STARTs than of ENDs, or if the kernel counted none. sway keeps
# a mapping in which it may write, so the shim ends the bracket again for each device that reads
# (docs/sync.md): there may be more ENDs.
brackets() {
	local file=$out/$1-brackets.txt
	if [ ! -s "$file" ]; then
		echo -
		[ -n "$here" ]
		return
	fi
	awk -F '\t' -v more="$([ "$1" != evdi ] || echo yes)" '
		{ starts += $3; ends += $4; uneven += more ? $3 > $4 : $3 != $4 }
		END { print starts "/" ends; exit uneven > 0 || !starts }' "$file"
}

# cells TEXT...: prints a row of the table
cells() {
	printf '%-22s %-18s %-7s %-14s %-14s %-8s %-10s %s\n' "$@"
}

# judge NAME PROGRAM DEVICES KERNEL: sets the row's line of the table, and adds what is wrong to
# $problems
judge() {
	local native shim observe drawn counted works='' skipped
	skipped=$(field "$1" skipped)
	if [ -n "$skipped" ]; then
		lines[$1]=$(cells "$2" "$3" "$4" "skipped: $skipped" '' '' '' '')
		return
	fi
	judged=$((judged + 1))
	native=$(field "$1" native) shim=$(field "$1" shim) observe=$(field "$1" observe)
	: "${native:=no result}" "${shim:=no result}" "${observe:=no result}"
	drawn=$(picture "$1" shim)
	counted=$(brackets "$1") ||
		problems+=("$1 has STARTs without ENDs, or none; see $out/$1-brackets.txt.")
	if [ "$native" = 'exit 0' ]; then
		works=$(picture "$1" native)
		native+=", $works"
	fi
	[ "$observe" != 'exit 0' ] || observe+=", $(picture "$1" observe)"
	lines[$1]=$(cells "$2" "$3" "$4" "${native%% (*}" "${shim%% (*}" "$drawn" "$counted" \
		"${observe%% (*}")
	if [ "$works" = right ]; then
		problems+=("$1 works natively here, so it shows nothing about the shim.")
	fi
	if [ "$native" = 'no result' ]; then
		problems+=("$1 gave no result natively.")
	fi
	if [ "$shim" != 'exit 0' ] || [ "$drawn" != right ]; then
		problems+=("$1 is not right with the shim; see $out/$1-shim*.log.")
	fi
	if [ "$observe" != "$native" ]; then
		problems+=("$1 does not fail with --mode observe as it does natively.")
	fi
}

# table NAME...: judges these rows, if that has not been done, and prints them
table() {
	local row name program devices kernel
	echo
	cells PROGRAM 'IMPORTER <- FROM' KERNEL NATIVELY 'WITH THE SHIM' PICTURE BRACKETS OBSERVING
	for row in "${rows[@]}"; do
		IFS='|' read -r name program devices kernel _ <<<"$row"
		[[ " $* " = *" $name "* ]] || continue
		[ -z "$here" ] || kernel=$(uname -r | cut -d . -f 1-2)
		[ -n "${lines[$name]-}" ] || judge "$name" "$program" "$devices" "$kernel"
		echo "${lines[$name]}"
	done
	echo
}
