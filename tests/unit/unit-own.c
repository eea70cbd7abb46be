// SPDX-License-Identifier: MIT
/* Whose dma-buf is it? The first that the shim learned of it decides. */
#include "config.h"

#include "state/buffer.h"
#include "state/own.h"
#include "state/synced.h"
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

START_TEST(what_the_program_maps_and_syncs_is_kept)
{
	struct dmabuf_id a = id(300), b = id(301);

	buffers_lock();
	ck_assert_uint_eq(synced_add(&a, SYNCED_MAPS), 0);
	ck_assert_uint_eq(synced_add(&b, SYNCED_SYNCS), 0);
	ck_assert_uint_eq(synced_add(&a, SYNCED_SYNCS), SYNCED_MAPS);
	ck_assert_uint_eq(synced_add(&a, SYNCED_SYNCS), SYNCED_MAPS | SYNCED_SYNCS);
	ck_assert_uint_eq(synced_add(&b, SYNCED_MAPS), SYNCED_SYNCS);
	buffers_unlock();
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

START_TEST(newer_ones_displace_older_ones)
{
	int left = 0, kept = 0;

	for (uint64_t ino = 5000; ino < 15000; ino++) {
		struct dmabuf_id i = id(ino);

		own_exported(&i, CARD);
		ck_assert(own_knows(&i, CARD));
	}
	for (uint64_t ino = 5000; ino < 15000; ino++) {
		struct dmabuf_id i = id(ino);

		left += own_knows(&i, CARD);
		kept += ino >= 14800 && own_knows(&i, CARD);
	}
	ck_assert_int_le(left, 1024);
	ck_assert_int_gt(kept, 150);
}
END_TEST

/* Batches of two CPUs, 1024 apart. */
START_TEST(batches_do_not_displace_each_other)
{
	int kept = 0;

	for (uint64_t ino = 20480; ino < 20480 + 64; ino++) {
		struct dmabuf_id a = id(ino), b = id(ino + 1024);

		own_exported(&a, CARD);
		own_imported(&b, false);
		kept += own_knows(&a, CARD);
	}
	ck_assert_int_gt(kept, 56);
}
END_TEST

START_TEST(what_is_imported_elsewhere_was_there_before)
{
	struct dmabuf_id a = id(30000);
	struct buffer *b;

	buffers_lock();
	b = buffer_get(&a, 4096);
	buffers_unlock();
	own_exported(&a, CARD);
	ck_assert(!own_knows(&a, CARD));
	buffers_lock();
	buffer_put(b);
	buffers_unlock();
}
END_TEST

TCase *own_tests(void)
{
	TCase *t = tcase_create("own");

	tcase_add_test(t, what_the_program_maps_and_syncs_is_kept);
	tcase_add_test(t, exported_here_it_is_that_devices_own);
	tcase_add_test(t, what_was_there_before_the_export_is_nobodys);
	tcase_add_test(t, drivers_word_goes_before_what_was_heard);
	tcase_add_test(t, newer_ones_displace_older_ones);
	tcase_add_test(t, batches_do_not_displace_each_other);
	tcase_add_test(t, what_is_imported_elsewhere_was_there_before);
	return t;
}
