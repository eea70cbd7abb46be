// SPDX-License-Identifier: MIT
/* Whose dma-buf is it: what was heard of it first. */
#include "config.h"

#include "own.h"
#include "unit.h"

#define CARD	0xe200
#define OTHER	0xe201

/* Every test has inode numbers of its own. */

static struct dmabuf_id id(uint64_t ino)
{
	return (struct dmabuf_id){ .dev = 11, .ino = ino };
}

START_TEST(exported_here_it_is_that_devices_own)
{
	struct dmabuf_id a = id(100), b = id(101);

	ck_assert(!own_knows(&a, CARD));
	own_exported(&a, CARD);
	ck_assert(own_knows(&a, CARD));
	ck_assert(!own_knows(&a, OTHER) && !own_knows(&b, CARD));
	/* Imported by another device it stays the first one's, and does not become the other's. */
	own_imported(&a, false);
	own_exported(&a, OTHER);
	ck_assert(own_knows(&a, CARD) && !own_knows(&a, OTHER));
}
END_TEST

START_TEST(what_was_there_before_the_export_is_nobodys)
{
	struct dmabuf_id a = id(200), b = id(199);

	own_imported(&a, false);
	own_exported(&a, CARD);
	ck_assert(!own_knows(&a, CARD));
	/* Numbers of another CPU's batch, on older kernels. */
	own_exported(&a, CARD);
	own_exported(&b, CARD);
	ck_assert(!own_knows(&a, CARD) && own_knows(&b, CARD));
}
END_TEST

START_TEST(drivers_word_goes_before_what_was_heard)
{
	struct dmabuf_id a = id(3000);

	own_exported(&a, CARD);
	own_imported(&a, true);
	ck_assert(!own_knows(&a, CARD));
	own_exported(&a, CARD);
	ck_assert(!own_knows(&a, CARD));
}
END_TEST

START_TEST(newer_ones_displace_the_oldest)
{
	struct dmabuf_id first = id(5000);

	for (uint64_t ino = 5000; ino <= 6024; ino++) {
		struct dmabuf_id i = id(ino);

		ck_assert(ino == 5000 || own_knows(&first, CARD));
		own_exported(&i, CARD);
		ck_assert(own_knows(&i, CARD));
	}
	ck_assert(!own_knows(&first, CARD));
}
END_TEST

TCase *own_tests(void)
{
	TCase *t = tcase_create("own");

	tcase_add_test(t, exported_here_it_is_that_devices_own);
	tcase_add_test(t, what_was_there_before_the_export_is_nobodys);
	tcase_add_test(t, drivers_word_goes_before_what_was_heard);
	tcase_add_test(t, newer_ones_displace_the_oldest);
	return t;
}
