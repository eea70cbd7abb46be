# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# bash's completion of primeshim(1): commands, their options, processes under the shim, directories.

# The options of each command, but for --help.
declare -A _primeshim_options=(
	[report]='--json --csv --status --seen'
	[top]='-d -n'
	[set]=''
	[watch]='--all'
	[maps]='--json'
	[ab]='-n --runs --a --b --warmup --output --stdin --timeout --keep --json --markdown
		-q --quiet'
	[trace]='-o --output'
	[plot]='-o --output'
	[doctor]='--json --launch'
	[probe]=''
	[witness]='--once --dir -o --output'
)

# _primeshim_pids: processes that have the object mapped, of those that may be looked at
_primeshim_pids()
{
	grep -ls 'libprimeshim\.so$' /proc/[0-9]*/maps 2>/dev/null | tr -cd '0-9\n'
}

# _primeshim_drivers: the drivers of the devices that are here, and who else makes dma-bufs
_primeshim_drivers()
{
	cut -d ' ' -f 1 /sys/kernel/debug/dri/*/name 2>/dev/null | sort -u
	readlink -f /sys/class/drm/card*/device/driver | sed 's|.*/||' | sort -u
	echo udmabuf heap vivid
}

_primeshim()
{
	local cur prev words cword command options i=2
	local modes='redirect rescue observe deny off'
	_init_completion -n = || return

	command=${words[1]}
	if ((cword == 1)); then
		mapfile -t COMPREPLY < \
			<(compgen -W "${!_primeshim_options[*]} --help --version" -- "$cur")
		return
	fi
	[[ -n ${_primeshim_options[$command]+known} ]] || return 0
	options=${_primeshim_options[$command]}

	# ab and doctor are given a command, which may follow without --.
	if [[ $command == @(ab|doctor) ]]; then
		while ((i < COMP_CWORD)); do
			case ${COMP_WORDS[i]} in
			--)
				_command_offset $((i + 1))
				return
				;;
			--a | --b | -n | --runs | --output | --stdin | --timeout | --keep | \
				--launch)
				[[ ${COMP_WORDS[i + 1]-} != = ]] || ((i += 1))
				((i += 1))
				;;
			-*) ;;
			*)
				_command_offset "$i"
				return
				;;
			esac
			((i += 1))
		done
	fi
	case $command$prev in
	ab--a | ab--b)
		mapfile -t COMPREPLY < <(compgen -W "none $modes" -- "$cur")
		return
		;;
	ab--stdin)
		_filedir
		return
		;;
	ab--keep)
		_filedir -d
		return
		;;
	ab-n | ab--runs)
		mapfile -t COMPREPLY < <(compgen -W '3 5 10 20' -- "$cur")
		return
		;;
	witness--dir)
		_filedir -d
		return
		;;
	trace-o | plot-o | witness-o | *--output | doctor--launch | report--seen)
		_filedir
		return
		;;
	esac
	if [[ $cur == -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$options --help" -- "$cur")
		return
	fi
	case $command in
	ab | doctor) _command_offset "$COMP_CWORD" ;;
	set)
		if ((cword == 2)); then
			mapfile -t COMPREPLY < <(compgen -W "$(_primeshim_pids)" -- "$cur")
		else
			mapfile -t COMPREPLY < <(compgen -W 'mode=redirect mode=rescue mode=observe
				mode=deny mode=off sync=driver sync=map sync=off' -- "$cur")
			# What is before a = is a word of its own to readline, and stays.
			[[ $cur != *=* || $COMP_WORDBREAKS != *=* ]] ||
				COMPREPLY=("${COMPREPLY[@]#*=}")
		fi
		;;
	probe)
		mapfile -t COMPREPLY < <(compgen -W "$(_primeshim_drivers)" -- "$cur")
		;;
	watch | maps | witness)
		mapfile -t COMPREPLY < <(compgen -W "$(_primeshim_pids)" -- "$cur")
		;;
	*)
		_filedir -d
		mapfile -t -O ${#COMPREPLY[@]} COMPREPLY < \
			<(compgen -W "$(_primeshim_pids)" -- "$cur")
		;;
	esac
} && complete -F _primeshim primeshim
