#!/bin/sh
# SPDX-License-Identifier: MIT
# The unit tests under ASan and UBSan. valgrind.sh finds leaks, in half the time.
ASAN_OPTIONS=detect_leaks=0 exec "${top_builddir:-.}/tests/unit/unit-asan"
