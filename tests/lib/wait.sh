# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# To be sourced by the tests: how they wait, on a machine that may be busy or emulated.

# After so many seconds the tests take a program to hang. The limit is no measure of speed: what
# takes one second on a quiet machine may take a minute on another.
# shellcheck disable=SC2034
hang=600

# wait_until COMMAND...: waits until it succeeds; fails where what it waits for hangs
wait_until() {
	local end=$((SECONDS + hang))
	until "$@"; do
		[ $SECONDS -lt $end ] || return 1
		sleep 0.05
	done
}

# lines FILE N: it has so many lines by now
# shellcheck disable=SC2317
lines() {
	[ -e "$1" ] && [ "$(wc -l <"$1")" -ge "$2" ]
}
