/* SPDX-License-Identifier: MIT */
/* The suites of the unit tests: code below preload.c, linked directly, on any machine. */
#ifndef PRIMESHIM_UNIT_H
#define PRIMESHIM_UNIT_H

#include <check.h>

/* An assertion for long loops: Check writes down each one of its own, also where it holds. */
#define must(what)						\
	do {							\
		if (!(what))					\
			ck_abort_msg("not so: %s", #what);	\
	} while (0)

TCase *config_tests(void);
TCase *hash_tests(void);
TCase *pages_tests(void);
TCase *range_tests(void);
TCase *state_tests(void);
TCase *mapping_tests(void);
TCase *kept_tests(void);
TCase *mapped_tests(void);
TCase *turn_tests(void);
TCase *own_tests(void);
TCase *driver_tests(void);
TCase *dmabuf_tests(void);
TCase *readable_tests(void);
TCase *hook_tests(void);
TCase *sandbox_tests(void);

/* Not for valgrind, which would tell of them. */
TCase *unreadable_tests(void);
TCase *unreadable_hook_tests(void);

#endif
