#!/bin/sh
# SPDX-License-Identifier: MIT
# A short fuzz under TSan: on every change. "make fuzz" does the same for long.
exec "$(dirname "$0")/fuzz.sh" 20000 "${top_builddir:-.}/tests/fuzz/fuzz-tsan"
