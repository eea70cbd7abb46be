#!/bin/sh
# SPDX-License-Identifier: MIT
# 100,000 wrong status files: the readers report an error or print what they can, without a fault.
set -u
program=${top_builddir:-.}/tests/cli/status-fuzz
[ -x "$program" ] || exit 77
if said=$("$program" 100000 2>&1); then
	echo "ok - $said"
else
	echo "not ok - 100,000 wrong status files: $said" | tail -n 40
	exit 1
fi
