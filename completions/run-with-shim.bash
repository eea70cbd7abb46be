# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# bash's completion of run-with-shim(1): options and their values, then the command as if it stood
# there alone.

_run_with_shim()
{
	# shellcheck disable=SC2034 # of _init_completion's
	local cur prev words cword split i=1
	local flags='--log --quiet --report --survey --json --gdb --valgrind --drivers --env
		--active --help --version'
	local valued='--mode --sync --export --direct --keep --only --except --dir --trace --ab
		--out --install-session --remove-session'
	local sessions=/usr/share/wayland-sessions

	# Where the command begins. readline makes words of their own of = and what follows it.
	while ((i < COMP_CWORD)); do
		case ${COMP_WORDS[i]} in
		--)
			_command_offset $((i + 1))
			return
			;;
		-*)
			if [[ ${COMP_WORDS[i + 1]-} == = ]]; then
				((i += 2))
			elif [[ " ${valued//[$'\n\t']/ } " == *" ${COMP_WORDS[i]} "* ]]; then
				((i += 1))
			fi
			;;
		*)
			_command_offset "$i"
			return
			;;
		esac
		((i += 1))
	done
	_init_completion -s || return

	case $prev in
	--mode) mapfile -t COMPREPLY < <(compgen -W 'redirect rescue observe deny off' -- "$cur") ;;
	--sync) mapfile -t COMPREPLY < <(compgen -W 'driver map off trap' -- "$cur") ;;
	--keep) mapfile -t COMPREPLY < <(compgen -W 'off 128M' -- "$cur") ;;
	--export) mapfile -t COMPREPLY < <(compgen -W 'write keep' -- "$cur") ;;
	--direct) mapfile -t COMPREPLY < <(compgen -W 'off observe sync' -- "$cur") ;;
	--ab) mapfile -t COMPREPLY < <(compgen -W '3 5 10 20' -- "$cur") ;;
	--only | --except) mapfile -t COMPREPLY < <(compgen -c -- "$cur") ;;
	--install-session)
		mapfile -t COMPREPLY < <(compgen -c -W "$(find "$sessions" -name '*.desktop' \
			! -name 'primeshim-*' -printf '%f\n' 2>/dev/null |
			sed 's/\.desktop$//')" -- "$cur")
		;;
	--remove-session)
		mapfile -t COMPREPLY < <(compgen -W "$(find "$sessions" -printf '%f\n' 2>/dev/null |
			sed -n 's/^primeshim-\(.*\)\.desktop$/\1/p')" -- "$cur")
		;;
	--dir) _filedir -d ;;
	--trace | --out) _filedir ;;
	*)
		if [[ $split == true ]]; then
			return
		elif [[ $cur == -* ]]; then
			mapfile -t COMPREPLY < <(compgen -W "$flags $valued" -- "$cur")
		else
			_command_offset "$COMP_CWORD"
		fi
		;;
	esac
} && complete -F _run_with_shim run-with-shim run-with-shim.sh
