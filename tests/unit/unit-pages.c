// SPDX-License-Identifier: MIT
/* Pages for tables: returned pages are used again, whole or in parts, and zeroed. */
#include "config.h"

#include <string.h>

#include "kernel/page.h"
#include "base/pages.h"
#include "unit.h"

/* The first bytes are what pages.c itself writes into a block that is put back. */
static void takes(const char *p, size_t len)
{
	ck_assert_ptr_nonnull(p);
	for (size_t i = 0; i < len; i++)
		must(!p[i]);
}

START_TEST(a_block_is_used_again)
{
	const size_t len = 16 * page_size();
	char *p = pages_get(len);

	takes(p, len);
	memset(p, 1, len);
	pages_put(p, len);
	ck_assert_ptr_eq(pages_get(len), p);
	takes(p, len);
}
END_TEST

START_TEST(shorter_blocks_come_out_of_a_longer_one)
{
	const size_t whole = 64 * page_size(), part = 16 * page_size();
	char *p = pages_get(whole), *q[4];

	takes(p, whole);
	memset(p, 1, whole);
	pages_put(p, whole);
	for (int i = 0; i < 4; i++) {
		q[i] = pages_get(part);
		takes(q[i], part);
		ck_assert(q[i] >= p && q[i] + part <= p + whole);
		/* The others keep what is in them. */
		memset(q[i], i + 1, part);
		for (int j = 0; j <= i; j++)
			must(q[j][0] == j + 1 && q[j][part - 1] == j + 1);
	}
	q[0] = pages_get(part);
	takes(q[0], part);
	ck_assert(q[0] < p || q[0] >= p + whole);
}
END_TEST

TCase *pages_tests(void)
{
	TCase *t = tcase_create("pages");

	tcase_add_test(t, a_block_is_used_again);
	tcase_add_test(t, shorter_blocks_come_out_of_a_longer_one);
	return t;
}
