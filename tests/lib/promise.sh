# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# To be sourced by the tests: what each of them promises is one line on stdout.
# Every shell that the tests run in has local; the variables are the test's, too.
# shellcheck disable=SC3043,SC2034

# Set once a promise was not kept; a test that "make check" runs exits with it.
fail=0

# promise TEXT COMMAND...: it succeeds. With a file in $promise_log that gets the command's output,
# and explain() shows it.
promise_log=
promise() {
	local promised="$1" kept=0
	shift
	if [ -n "$promise_log" ]; then
		"$@" >"$promise_log" 2>&1 || kept=1
	else
		"$@" || kept=1
	fi
	if [ "$kept" = 0 ]; then
		echo "ok - $promised"
	else
		echo "not ok - $promised"
		fail=1
		explain
	fi
}

# explain: says why a promise was not kept; a test may have its own
explain() {
	[ -z "$promise_log" ] || cat "$promise_log"
}

# skip TEXT REASON: a promise that cannot be asked for here
skip() {
	echo "ok - $1 # SKIP $2"
}
