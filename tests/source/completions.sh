#!/bin/bash
# SPDX-License-Identifier: MIT
# The completions of bash and zsh offer exactly the options of --help, values, processes under the
# shim, and then the command's own words. Tested by bash's function, and by a zsh at a
# pseudo-terminal.
set -u
export LC_ALL=C.UTF-8
# shellcheck source=tests/lib/wait.sh
. "$(dirname "$0")/../lib/wait.sh" || exit 99
# shellcheck source=tests/lib/promise.sh
. "$(dirname "$0")/../lib/promise.sh" || exit 99
src=$(cd "${top_srcdir:-.}" && pwd -P) build=$(cd "${top_builddir:-.}" && pwd -P)
lib=$build/.libs/libprimeshim.so tool=$build/tools/primeshim
loader=/usr/share/bash-completion/bash_completion
[ -r "$loader" ] || [ -n "$(command -v zsh)" ] || exit 77
tmp=$(mktemp -d) || exit 99
sleeper=''
# shellcheck disable=SC2317
clean_up() {
	[ -z "$sleeper" ] || kill "$sleeper"
	rm -rf "$tmp"
}
trap clean_up EXIT

promise_log=$tmp/why

# A process to find.
LD_PRELOAD=$lib sleep infinity &
sleeper=$!
wait_until grep -qs libprimeshim /proc/$sleeper/maps
mkdir -p "$tmp/there/inner" && : >"$tmp/there/file.json"
cd "$tmp/there" || exit 99

# helped COMMAND...: prints the options that its --help begins lines with
helped() {
	"$@" --help | grep -E '^ +-' | sed -E 's/^ *//; s/  .*; (--[a-z-]+) .*/, \1/; s/  .*//' |
		grep -oE '(^|[ ,|])--?[a-zA-Z][a-z-]*' | grep -oE -e '-.*' | sort -u
}

# offered WORD...: prints what bash offers for the last of these words, as readline has split them
offered() {
	bash --norc -c '
		. "$1" && . "$2/completions/primeshim.bash" &&
			. "$2/completions/run-with-shim.bash" || exit
		compopt() { :; } # outside of a completion it is an error
		shift 2
		# A = is a word of its own, and was typed without blanks.
		COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMP_LINE=$* COMP_TYPE=9 COMP_KEY=9
		COMP_LINE=${COMP_LINE// = /=} COMP_POINT=${#COMP_LINE}
		case $1 in
		primeshim) _primeshim "$1" "${!#}" "${@:$#-1:1}" ;;
		*) _run_with_shim "$1" "${!#}" "${@:$#-1:1}" ;;
		esac
		printf "%s\n" "${COMPREPLY[@]}"
	' bash "$loader" "$src" "$@" | sed 's/ *$//' | sort -u
}

# offers WANT WORD...: bash offers exactly that, words in alphabetical order
# shellcheck disable=SC2317
offers() {
	local got
	got=$(offered "${@:2}" | paste -sd ' ')
	[ "$got" = "$1" ] && return
	echo "offered: $got"
	return 1
}

# includes WANT WORD...: that is among what bash offers
# shellcheck disable=SC2317
includes() {
	offered "${@:2}" >"$tmp/offered"
	grep -qxF -e "$1" "$tmp/offered" && return
	cat "$tmp/offered"
	return 1
}

in_bash() {
	local command
	promise "bash: run-with-shim's options are those of its --help" diff \
		<(helped "$build/scripts/run-with-shim.sh") <(offered run-with-shim -)
	promise 'bash: values of --mode' \
		offers 'deny observe off redirect rescue' run-with-shim --mode ''
	promise 'bash: the same behind a =' offers 'redirect rescue' run-with-shim --mode = re
	promise 'bash: values of --sync' offers 'trap' run-with-shim --sync t
	promise 'bash: values of --export' offers 'keep write' run-with-shim --export ''
	promise 'bash: values of --direct' offers 'observe off' run-with-shim --direct o
	promise 'bash: directories for --dir' offers 'inner' run-with-shim --dir ''
	promise 'bash: files for --trace' offers 'file.json' run-with-shim --trace 'fi'
	promise 'bash: a command' includes sleep run-with-shim --log sle
	promise 'bash: a command behind a value, behind a = and behind --' \
		includes sleep run-with-shim --mode rescue --sync = off -- sle
	# Behind the command it is the command's: a shell offers no --mode.
	promise "bash: behind the command its own arguments" \
		includes file.json run-with-shim --mode off cat 'fi'
	promise "bash: a value that is a command's name is no command" \
		includes --mode run-with-shim --only cat --m
	promise 'bash: the process under the shim' includes "$sleeper" primeshim watch ''
	promise 'bash: and none that is not' fails includes $$ primeshim watch ''
	promise 'bash: modes for set' includes mode=rescue primeshim set "$sleeper" mo
	promise 'bash: the same, of which readline has the mode=' \
		offers 'redirect rescue' primeshim set "$sleeper" mode = re
	promise 'bash: directories and processes for report' includes inner primeshim report ''
	promise 'bash: files for trace -o' offers file.json primeshim trace -o 'fi'
	printf '#!/bin/sh\nprintf "/sys/bus/%%s\\n" vgem vkms\n' >"$tmp/readlink"
	chmod +x "$tmp/readlink"
	PATH=$tmp:$PATH promise 'bash: the drivers of two devices for probe' \
		offers 'vgem vivid vkms' primeshim probe v
	promise 'bash: a command for ab' includes sleep primeshim ab -n 5 sle
	promise 'bash: its arguments' includes file.json primeshim ab --a off -- cat 'fi'
	promise 'bash: nothing for a command that there is not' offers '' primeshim nonsense ''
	[ -x "$tool" ] || return
	"$tool" --help | sed -nE 's/^  ([a-z]+) .*/\1/p' | sort >"$tmp/commands"
	promise "bash: primeshim's commands are those of its --help" diff \
		<(cat "$tmp/commands" && printf '%s\n' --help --version | sort) \
		<(offered primeshim '' | grep -v ^- && offered primeshim -)
	while read -r command; do
		promise "bash: the options of primeshim $command are those of its --help" diff \
			<((helped "$tool" "$command" && echo --help) | sort -u) \
			<(offered primeshim "$command" -)
	done <"$tmp/commands"
}

# shellcheck disable=SC2317
fails() {
	! "$@"
}

# typed TEXT: prints the line that zsh makes of TEXT and a Tab
# shellcheck disable=SC2317
typed() {
	zsh -f -c '
		zmodload zsh/zpty && zpty shell zsh -f -i || exit
		zpty -w shell "PS1= RPS1=; setopt no_beep; stty -echo; fpath=($1 \$fpath)"
		zpty -w shell "autoload -Uz compinit && compinit -D; compdef _files cat"
		zpty -w shell "show() { print -r -- \"line<\$BUFFER>\" >$2 }"
		zpty -w shell "zle -N show; bindkey \"^X\" show"
		zpty -w shell "bindkey \"^I\" complete-word"
		zpty -w shell "unsetopt list_ambiguous auto_list auto_menu; echo rea\"\"dy"
		repeat 2400; do
			zpty -r -t shell got && [[ $got == *ready* ]] && break
			sleep 0.05
		done
		zpty -w -n shell "$3"
		repeat 2400; do
			zpty -r -t shell got
			[[ -s $2 ]] && break
			sleep 0.05
		done
		zpty -d shell
	' zsh "$src/completions" "$tmp/line" "$1"$'\t\030' 2>"$tmp/zsh"
	sed -n 's/^line<\(.*\)>$/\1/p' "$tmp/line"
	rm -f "$tmp/line"
}

# completes TEXT WANT
# shellcheck disable=SC2317
completes() {
	local got
	got=$(typed "$1")
	[ "$got" = "$2" ] && return
	echo "line: $got"
	cat "$tmp/zsh"
	return 1
}

in_zsh() {
	local command
	promise 'zsh: a syntax that it takes' zsh -n "$src/completions/_primeshim"
	promise 'zsh: a command' completes 'primeshim rep' 'primeshim report '
	promise 'zsh: an option' completes 'primeshim report --js' 'primeshim report --json '
	promise 'zsh: an option of the launcher' completes 'run-with-shim --surv' \
		'run-with-shim --survey '
	promise 'zsh: a value behind a =' completes 'run-with-shim --mode=resc' \
		'run-with-shim --mode=rescue '
	promise 'zsh: a value of its own word' completes 'run-with-shim --sync tr' \
		'run-with-shim --sync trap '
	promise "zsh: the command's own arguments" completes 'run-with-shim --log cat fi' \
		'run-with-shim --log cat file.json '
	promise 'zsh: a mode for set' completes 'primeshim set 1 mode=resc' \
		'primeshim set 1 mode=rescue '
	promise 'zsh: the process under the shim' completes "primeshim watch ${sleeper%?}" \
		"primeshim watch $sleeper "
	promise 'zsh: nothing for a command that there is not' \
		completes 'primeshim nonsense --js' 'primeshim nonsense --js'
	promise 'zsh: an exporter for probe' completes 'primeshim probe vgem udm' \
		'primeshim probe vgem udmabuf '
	promise "zsh: run-with-shim's options are those of its --help" diff \
		<(helped "$build/scripts/run-with-shim.sh") \
		<(sed -n '/^_run_with_shim()/,/^}/p' "$src/completions/_primeshim" | told)
	[ -x "$tool" ] || return
	while read -r command; do
		promise "zsh: the options of primeshim $command are those of its --help" diff \
			<((helped "$tool" "$command" && echo --help) | sort -u) \
			<(awk -v name="$command)" \
				'/;;/ && on { print; exit } $1 == name { on = 1 } on' \
				"$src/completions/_primeshim" | told)
	done <"$tmp/commands"
}

# told: reads zsh's specifications and prints their options
told() {
	grep -oE "['\"](\*|\([^)]*\))?--?[a-z-]+=?\[" | grep -oE -e '--?[a-z-]+=?\[$' | tr -d '[=' |
		sort -u
}

if [ -r "$loader" ]; then in_bash; fi
if command -v zsh >/dev/null; then in_zsh; fi
exit $fail
