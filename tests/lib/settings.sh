# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# To be sourced by the tests: a program with settings of its own.

# split VARIABLE=VALUE... -- WORD...: sets $settings to the variables, and $words to what follows
# shellcheck disable=SC2034
split() {
	settings=()
	while [ "$1" != -- ]; do
		settings+=("$1")
		shift
	done
	words=("${@:2}")
}
