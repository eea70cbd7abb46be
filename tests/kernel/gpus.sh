#!/bin/bash
# SPDX-License-Identifier: MIT
# vm.sh lists the GPUs in name only of scripts/vm/, their files are whole, and vm.sh refuses them
# where they do not go. This test boots nothing: scripts/check.sh does.
# shellcheck disable=SC2317 # the functions are called by promise
set -u
export LC_ALL=C
src=${top_srcdir:-.}
tmp=$(mktemp -d) || exit 99
trap 'rm -rf "$tmp"' EXIT
fail=0

# promise TEXT COMMAND...: it succeeds
promise() {
	if "${@:2}"; then echo "ok - $1"; else echo "not ok - $1" && fail=1; fi
}

# refused STATUS TEXT OPTION...: vm.sh ends so and says so, before it fetches anything
refused() {
	XDG_CACHE_HOME=$tmp/cache "$src/scripts/vm.sh" "${@:3}" -- true >"$tmp/out" 2>&1
	[ $? = "$1" ] && grep -q -e "$2" "$tmp/out" && [ ! -e "$tmp/cache" ]
}

# words FILE: all its lines are of words that README.md tells
words() {
	sed '/^#/d; /^nodes$/q' "$1" | cut -d ' ' -f 1 | sort -u | while read -r word; do
		grep -q -e "^|.*\`${word}[\` ]" "$src/scripts/vm/README.md" ||
			{ echo "# $word"; exit 1; }
	done
}

# value FILE KEY
value() {
	sed -n "/^nodes\$/q; s/^$2 //p" "$1"
}

# fits FILE: its registers are where there are some
fits() {
	local at most bar
	case $(value "$1" registers) in
	flash) most=0x4000000 ;;
	memory) most=0x100000 ;;
	*) most=0 ;;
	esac
	value "$1" register | while read -r at _; do
		bar=${at%%:*}
		[ "$bar" = "$at" ] ||
			most=$(value "$1" bar | awk -v n="$bar" '$1 == n { print $3 }')
		[ $((${at#*:})) -lt $((most)) ] || { echo "# register $at"; exit 1; }
	done
}

"$src/scripts/vm.sh" --gpu list >"$tmp/list"
promise '--gpu list ends well' [ $? = 0 ]
for file in "$src"/scripts/vm/*.conf; do
	name=${file##*/} name=${name%.conf}
	promise "$name: --gpu list has it" grep -q "^$name " "$tmp/list"
	promise "$name: all its lines are words that the README knows" words "$file"
	for key in about driver kernel natively deny; do
		promise "$name: says $key" [ -n "$(value "$file" $key)" ]
	done
	promise "$name: its registers are in the room that there is" fits "$file"
	promise "$name: the tarball has it" grep -q "scripts/vm/$name.conf" "$src/Makefile.am"
	promise "$name: check.sh runs it" grep -qE "\\b$name\\b" "$src/scripts/check.sh"
	promise "$name: is not there without a module" \
		[ -n "$(value "$file" module)$(value "$file" build)" ]
done
promise 'a GPU that there is none of is refused' refused 2 'list says what' --gpu voodoo
promise 'so is a path' refused 2 'list says what' --gpu ../vm/msm
promise 'one of another architecture' refused 2 'for --arch arm64 only' --arch amd64 --gpu msm
promise 'two of different architectures' refused 2 'for --arch amd64 only' --gpu msm --gpu i915
promise 'two at the same place' refused 2 'both have the same place' --gpu msm --gpu nouveau
promise 'where there is no recipe for a kernel, the status is 77' \
	refused 77 'only for 6.1 6.12$' --gpu lima --kernel newest
promise 'registers in memory that is not there' refused 2 'needs --memory' --gpu v3d --memory 512
exit $fail
