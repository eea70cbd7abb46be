// SPDX-License-Identifier: MIT
/* What is kept of mappings: which mapping may be, which entry is found, and which goes first. */
#include "config.h"

#include <sys/mman.h>

#include "kernel/page.h"
#include "state/kept.h"
#include "state/mapping.h"
#include "unit.h"

#define PAGES	64
#define BASE	(1ULL << 30)
#define RW	(PROT_READ | PROT_WRITE)

static uint64_t page(uint64_t n)
{
	return n * page_size();
}

static struct buffer *buffer(uint64_t ino)
{
	const struct dmabuf_id id = { .dev = 11, .ino = ino };

	return buffer_get(&id, PAGES * page(1));
}

static unsigned int whole(unsigned int pages)
{
	return pages << NOTE_WHOLE_SHIFT;
}

/* An entry of @b, of @pages pages at page @at. */
static void keep(struct buffer *b, uint64_t at, uint64_t pages, uint64_t lead, int prot)
{
	b->refs++;
	/* It was mapped before. */
	buffer_count_mapped(b, true, false, 1);
	buffer_count_mapped(b, true, false, -1);
	kept_add(&(struct kept){ .buffer = b, .start = BASE + page(at) - lead,
				 .end = BASE + page(at + pages), .lead = lead, .prot = prot });
}

static void forget(struct kept *k)
{
	struct buffer *b = k->buffer;

	kept_remove(k);
	buffer_put(b);
}

START_TEST(a_whole_mapping_alone_can_be_taken)
{
	struct buffer *b = buffer(1);
	struct mapping m;

	ck_assert(!mapping_add(BASE, page(4), 0, b, RW, whole(4)));
	ck_assert(!mapping_take(BASE, page(3), &m));
	ck_assert(!mapping_take(BASE + page(1), page(3), &m));
	ck_assert(!mapping_take(BASE, page(5), &m));
	ck_assert(mapping_take(BASE, page(4), &m));
	ck_assert_ptr_eq(m.buffer, b);
	ck_assert_uint_eq(b->refs, 2);
	ck_assert_uint_eq(buffer_mapped(b, true), 0);
	ck_assert_uint_eq(atomic_load(&mappings_live), 0);
	ck_assert(!mapping_take(BASE, page(4), &m));
	buffer_put(b);
	/* The mapping may not be kept. */
	ck_assert(!mapping_add(BASE, page(4), 0, b, RW, 0));
	ck_assert(!mapping_take(BASE, page(4), &m));
	buffer_put(mapping_cut(BASE, page(4)));
	buffer_put(b);
}
END_TEST

START_TEST(a_piece_cannot)
{
	struct buffer *b = buffer(1);
	struct mapping m;

	ck_assert(!mapping_add(BASE, page(4), 0, b, RW, whole(4)));
	buffer_put(mapping_cut(BASE, page(1)));
	ck_assert(!mapping_take(BASE + page(1), page(3), &m));
	buffer_put(mapping_cut(BASE, page(4)));
	ck_assert_uint_eq(b->refs, 1);
	buffer_put(b);
}
END_TEST

START_TEST(nor_can_what_was_changed)
{
	struct buffer *b = buffer(1);
	struct mapping m;

	ck_assert(!mapping_add(BASE, page(4), 0, b, RW, whole(4)));
	ck_assert_ptr_null(mapping_protect(BASE, page(4), RW));
	ck_assert(mapping_at(BASE, page(4), &m) && m.note == whole(4));
	mapping_unwhole(BASE + page(3), page(1));
	ck_assert(!mapping_take(BASE, page(4), &m));
	buffer_put(mapping_cut(BASE, page(4)));
	ck_assert(!mapping_add(BASE, page(4), 0, b, RW, whole(4) | NOTE_NATIVE));
	buffer_put(mapping_protect(BASE, page(4), PROT_READ));
	ck_assert(mapping_at(BASE, page(4), &m) && m.note == NOTE_NATIVE);
	buffer_put(mapping_cut(BASE, page(4)));
	ck_assert(!mapping_add(BASE, page(4), 0, b, RW, whole(4)));
	ck_assert(mapping_at(BASE, page(4), &m));
	mapping_move(&m, BASE, BASE + page(4), BASE + page(8), page(4));
	ck_assert(!mapping_take(BASE + page(8), page(4), &m));
	buffer_put(mapping_cut(BASE + page(8), page(4)));
	buffer_put(b);
}
END_TEST

START_TEST(a_lead_is_taken_along)
{
	struct buffer *b = buffer(1);
	struct mapping m;
	uint64_t start;

	ck_assert(!mapping_add(BASE + page(2), page(4), page(2), b, RW, whole(4)));
	ck_assert(mapping_take(BASE + page(2), page(4), &m));
	ck_assert_uint_eq(m.lead, page(2));
	ck_assert_uint_eq(mapping_lead_left(&start), 0);
	buffer_put(b);
	/* Not without a part of it. */
	ck_assert(!mapping_add(BASE + page(2), page(4), page(2), b, RW, whole(4)));
	ck_assert_ptr_null(mapping_cut(BASE, page(1)));
	ck_assert(!mapping_take(BASE + page(2), page(4), &m));
	buffer_put(mapping_cut(BASE, page(8)));
	while (mapping_lead_left(&start))
		;
	buffer_put(b);
}
END_TEST

START_TEST(the_same_is_found)
{
	struct buffer *b = buffer(1), *other = buffer(2);
	struct kept *k;

	ck_assert_ptr_null(kept_find(b, page(4), 0, RW));
	keep(b, 0, 4, 0, RW);
	keep(other, 8, 4, 0, RW);
	keep(b, 16, 4, page(2), RW);
	ck_assert(buffer_is_kept(b) && buffer_is_kept(other));
	ck_assert_uint_eq(atomic_load(&kept_live), 3);
	ck_assert_uint_eq(atomic_load(&mappings_live), 3);
	ck_assert_uint_eq(kept_bytes(), page(14));
	ck_assert_ptr_null(kept_find(b, page(3), 0, RW));
	ck_assert_ptr_null(kept_find(b, page(4), page(1), RW));
	ck_assert_ptr_null(kept_find(b, page(4), 0, PROT_READ));
	ck_assert_uint_eq(kept_find(b, page(4), page(2), RW)->end, BASE + page(20));
	k = kept_find(b, page(4), 0, RW);
	ck_assert_uint_eq(k->start, BASE);
	/* What the program has again is nobody else's. */
	k->taken = true;
	ck_assert_ptr_null(kept_find(b, page(4), 0, RW));
	ck_assert_ptr_null(kept_meeting(BASE, BASE + page(4)));
	k->taken = false;
	keep(b, 32, 4, 0, RW);
	ck_assert_uint_eq(kept_find(b, page(4), 0, RW)->start, BASE + page(32));
	while ((k = kept_any()))
		forget(k);
	ck_assert(!buffer_is_kept(b) && !buffer_is_kept(other));
	ck_assert_uint_eq(atomic_load(&kept_live), 0);
	ck_assert_uint_eq(atomic_load(&mappings_live), 0);
	ck_assert_uint_eq(kept_bytes(), 0);
	ck_assert_uint_eq(b->refs, 1);
	buffer_put(b);
	buffer_put(other);
}
END_TEST

START_TEST(a_place_is_met)
{
	struct buffer *b = buffer(1);

	keep(b, 4, 4, page(2), RW);
	ck_assert_ptr_null(kept_meeting(BASE, BASE + page(2)));
	ck_assert_ptr_nonnull(kept_meeting(BASE + page(2), BASE + page(3)));
	ck_assert_ptr_nonnull(kept_meeting(BASE + page(7), UINT64_MAX));
	ck_assert_ptr_null(kept_meeting(BASE + page(8), UINT64_MAX));
	ck_assert_ptr_nonnull(kept_meeting(0, UINT64_MAX));
	forget(kept_any());
	buffer_put(b);
}
END_TEST

START_TEST(the_oldest_goes_first)
{
	struct buffer *b = buffer(1);
	unsigned int n = 0;

	while (kept_room()) {
		keep(b, n * 4, 4, 0, RW);
		n++;
	}
	ck_assert_uint_eq(n, sizeof(void *) == 8 ? 64 : 16);
	for (unsigned int i = 0; i < n; i++) {
		ck_assert_uint_eq(kept_oldest(false)->start, BASE + page(i * 4));
		forget(kept_oldest(false));
		/* A place that is free again is as good as any. */
		keep(b, (n + i) * 4, 4, 0, RW);
		ck_assert(!kept_room());
	}
	ck_assert_ptr_null(kept_oldest(true));
	while (kept_any())
		forget(kept_any());
	buffer_put(b);
}
END_TEST

START_TEST(descriptors_are_counted_once_a_buffer)
{
	struct buffer *b = buffer(1), *other = buffer(2);
	struct mapping m;

	/* Only what is or was mapped has a descriptor. */
	ck_assert(!mapping_add(BASE, page(4), 0, b, RW, whole(4)));
	ck_assert(!mapping_add(BASE + page(4), page(4), 0, other, RW, whole(4)));
	ck_assert(buffer_set_fd(b, 5) && buffer_set_fd(other, 6));
	keep(b, 16, 4, 0, RW);
	keep(b, 20, 4, 0, RW);
	ck_assert_uint_eq(kept_descriptors(), 0);
	ck_assert(mapping_take(BASE, page(4), &m));
	buffer_put(b);
	ck_assert_uint_eq(kept_descriptors(), 1);
	ck_assert_uint_eq(kept_oldest(true)->start, BASE + page(16));
	keep(other, 24, 4, 0, RW);
	ck_assert_uint_eq(kept_descriptors(), 1);
	buffer_put(mapping_cut(BASE + page(4), page(4)));
	ck_assert_uint_eq(kept_descriptors(), 2);
	ck_assert_ptr_nonnull(kept_orphan());
	while (kept_any())
		forget(kept_any());
	buffer_set_fd(b, -1);
	buffer_set_fd(other, -1);
	buffer_put(b);
	buffer_put(other);
}
END_TEST

TCase *kept_tests(void)
{
	TCase *t = tcase_create("kept");

	tcase_add_test(t, a_whole_mapping_alone_can_be_taken);
	tcase_add_test(t, a_piece_cannot);
	tcase_add_test(t, nor_can_what_was_changed);
	tcase_add_test(t, a_lead_is_taken_along);
	tcase_add_test(t, the_same_is_found);
	tcase_add_test(t, a_place_is_met);
	tcase_add_test(t, the_oldest_goes_first);
	tcase_add_test(t, descriptors_are_counted_once_a_buffer);
	return t;
}
