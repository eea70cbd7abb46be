#!/bin/sh
# SPDX-License-Identifier: MIT
# The unit tests again, in one process under valgrind: no invalid access, no leak. But for those that
# show the kernel memory that cannot be read, of which valgrind would tell.
command -v valgrind >/dev/null || exit 77
CK_FORK=no CK_EXCLUDE_TAGS=unreadable CK_TIMEOUT_MULTIPLIER=20 exec "${top_builddir:-.}/libtool" --mode=execute \
	valgrind -q --error-exitcode=1 --leak-check=full --errors-for-leak-kinds=definite \
	"${top_builddir:-.}/tests/unit"
