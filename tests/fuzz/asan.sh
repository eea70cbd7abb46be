#!/bin/sh
# SPDX-License-Identifier: MIT
# A short fuzz, and faults at every call site, under ASan and UBSan: on every change. "make fuzz"
# does the same for long.
build=${top_builddir:-.}
exec "$(dirname "$0")/fuzz.sh" 40000 "$build/tests/fuzz/fuzz-asan" "$build/tests/fuzz/faults-asan"
