#!/bin/sh
# SPDX-License-Identifier: MIT
# The unit tests under valgrind, each in a process of its own, since they change what a process
# keeps: no invalid access, no leak. Without the tests that give the kernel memory that cannot be
# read, since valgrind would report it.
command -v valgrind >/dev/null || exit 77
CK_EXCLUDE_TAGS=unreadable CK_TIMEOUT_MULTIPLIER=20 exec "${top_builddir:-.}/libtool" \
	--mode=execute \
	valgrind -q --error-exitcode=1 --leak-check=full --errors-for-leak-kinds=definite \
	"${top_builddir:-.}/tests/unit/unit"
