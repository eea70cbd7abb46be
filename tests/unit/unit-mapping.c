// SPDX-License-Identifier: MIT
/* Mappings: whichever part of a mapping goes, the rest stays recorded and the counts are right. */
#include "config.h"

#include <stdlib.h>
#include <sys/mman.h>

#include "settings/settings.h"
#include "state/mapping.h"
#include "base/range.h"
#include "unit.h"

#define PAGES 64
#define PAGE 4096ULL
#define BASE (1ULL << 30)

static struct buffer *buffer(uint64_t ino)
{
	const struct dmabuf_id id = { .dev = 11, .ino = ino };

	return buffer_get(&id, PAGES * PAGE);
}

static int cut(uint64_t page, uint64_t n)
{
	struct buffer *b;
	int pieces = 0;

	while ((b = mapping_cut(BASE + page * PAGE, n * PAGE))) {
		buffer_put(b);
		pieces++;
	}
	return pieces;
}

/* With PRIMESHIM_DIRECT=sync a mapping of the dma-buf's own descriptor counts as an import's. */
START_TEST(mappings_of_the_descriptor_count_apart)
{
	const int rw = PROT_READ | PROT_WRITE;
	struct buffer *b = buffer(1);

	ck_assert_int_eq(mapping_add(BASE, 4 * PAGE, 0, b, rw, NOTE_DIRECT), 0);
	ck_assert(!buffer_is_mapped(b));
	settings.direct = DIRECT_SYNC;
	ck_assert_uint_eq(buffer_mapped(b, 1), 1);
	b->yields = true;
	ck_assert(!buffer_is_mapped(b));
	b->yields = false;
	ck_assert_int_eq(mapping_add(BASE + 8 * PAGE, PAGE, 0, b, PROT_READ, 0), 0);
	ck_assert_ptr_eq(mapping_protect(BASE, PAGE, PROT_READ), b);
	buffer_put(b);
	ck_assert_uint_eq(buffer_mapped(b, 0), 2);
	ck_assert_uint_eq(buffer_mapped(b, 1), 1);
	settings.direct = DIRECT_OBSERVE;
	ck_assert_uint_eq(buffer_mapped(b, 0), 1);
	ck_assert_uint_eq(buffer_mapped(b, 1), 0);
	/* A mapping without brackets keeps its count. */
	ck_assert_int_eq(cut(8, 1), 1);
	buffer_drop_turns(b);
	settings.direct = DIRECT_SYNC;
	ck_assert_uint_eq(buffer_mapped(b, 0), 1);
	ck_assert_int_eq(cut(0, 4), 2);
	ck_assert(!buffer_is_mapped(b));
	settings.direct = DIRECT_OFF;
	ck_assert_uint_eq(b->refs, 1);
	buffer_put(b);
}
END_TEST

START_TEST(front_back_and_middle_can_go)
{
	struct buffer *b = buffer(1);

	ck_assert_int_eq(mapping_add(BASE, 10 * PAGE, 0, b, PROT_READ | PROT_WRITE, 0), 0);
	ck_assert_uint_eq(buffer_mapped(b, 1), 1);
	ck_assert_int_eq(cut(0, 1), 1);		/* front: 1-9 */
	ck_assert_uint_eq(buffer_mapped(b, 1), 1);
	ck_assert_int_eq(cut(9, 1), 1);		/* back: 1-8 */
	ck_assert_uint_eq(buffer_mapped(b, 1), 1);
	ck_assert_int_eq(cut(4, 2), 1);		/* middle: 1-3 and 6-8 */
	ck_assert_uint_eq(buffer_mapped(b, 1), 2);
	ck_assert_uint_eq(atomic_load(&mappings_live), 2);
	ck_assert_int_eq(cut(4, 2), 0);		/* nothing is there any more */
	ck_assert_int_eq(cut(0, 20), 2);
	ck_assert_uint_eq(buffer_mapped(b, 1), 0);
	ck_assert_uint_eq(b->refs, 1);
	ck_assert_uint_eq(atomic_load(&mappings_live), 0);
	buffer_put(b);
}
END_TEST

START_TEST(lead_goes_with_the_last_piece)
{
	struct buffer *b = buffer(1);
	uint64_t start;

	ck_assert_int_eq(mapping_add(BASE + 4 * PAGE, 4 * PAGE, 3 * PAGE, b, PROT_READ, 0), 0);
	cut(5, 1);
	cut(6, 2);
	ck_assert_uint_eq(mapping_lead_left(&start), 0);
	cut(4, 1);
	ck_assert_uint_eq(mapping_lead_left(&start), 3 * PAGE);
	ck_assert_uint_eq(start, BASE + PAGE);
	ck_assert_uint_eq(mapping_lead_left(&start), 0);
	buffer_put(b);
}
END_TEST

START_TEST(lead_that_was_mapped_over_is_not_unmapped)
{
	struct buffer *b = buffer(1);
	uint64_t start;

	ck_assert_int_eq(mapping_add(BASE + 4 * PAGE, PAGE, 4 * PAGE, b, PROT_READ, 0), 0);
	cut(1, 1);		/* the program's own, where it saw nothing */
	cut(2, 10);		/* and over the rest of it and the mapping */
	ck_assert_uint_eq(mapping_lead_left(&start), PAGE);
	ck_assert_uint_eq(start, BASE);
	ck_assert_uint_eq(mapping_lead_left(&start), 0);
	buffer_put(b);
}
END_TEST

static int protection(int write)
{
	return write ? PROT_READ | PROT_WRITE : PROT_READ;
}

START_TEST(a_protection_divides_and_keeps_the_lead)
{
	struct buffer *b = buffer(1);
	struct mapping m;
	uint64_t start;

	ck_assert_int_eq(mapping_add(BASE + 4 * PAGE, 8 * PAGE, 2 * PAGE, b, PROT_READ, 0), 0);
	ck_assert_ptr_null(mapping_protect(BASE, 20 * PAGE, PROT_READ));
	ck_assert_ptr_null(mapping_protect(BASE, 4 * PAGE, PROT_NONE));
	/* Pages 6 and 7 of 4 to 11. */
	ck_assert_ptr_eq(mapping_protect(BASE + 6 * PAGE, 2 * PAGE, PROT_READ | PROT_WRITE), b);
	buffer_put(b);
	ck_assert_ptr_null(mapping_protect(BASE + 6 * PAGE, 2 * PAGE, PROT_READ | PROT_WRITE));
	ck_assert_uint_eq(buffer_mapped(b, 0), 2);
	ck_assert_uint_eq(buffer_mapped(b, 1), 1);
	ck_assert_uint_eq(b->refs, 4);
	ck_assert_uint_eq(atomic_load(&mappings_live), 3);
	ck_assert(mapping_at(BASE + 7 * PAGE, 1, &m));
	ck_assert_uint_eq(m.start, BASE + 6 * PAGE);
	ck_assert_uint_eq(m.end, BASE + 8 * PAGE);
	ck_assert_int_eq(m.prot, PROT_READ | PROT_WRITE);
	ck_assert(mapping_at(BASE + 8 * PAGE, 1, &m));
	ck_assert_int_eq(m.prot, PROT_READ);
	cut(4, 2);
	cut(8, 4);
	/* The lead is that of the piece in the middle as well. */
	ck_assert_uint_eq(mapping_lead_left(&start), 0);
	cut(6, 2);
	ck_assert_uint_eq(mapping_lead_left(&start), 2 * PAGE);
	ck_assert_uint_eq(b->refs, 1);
	buffer_put(b);
}
END_TEST

/* One piece of @m moves, with its lead or without. */
static void move(const struct mapping *m, uint64_t from, uint64_t to, uint64_t page)
{
	mapping_move(m, BASE + from * PAGE, BASE + to * PAGE, BASE + page * PAGE,
		     (to - from) * PAGE);
}

START_TEST(a_lead_goes_with_the_last_piece_wherever_that_is)
{
	struct buffer *b = buffer(1);
	struct mapping m;
	uint64_t start;

	ck_assert_int_eq(mapping_add(BASE + 4 * PAGE, 8 * PAGE, 2 * PAGE, b, PROT_READ, 0), 0);
	ck_assert(mapping_at(BASE + 4 * PAGE, PAGE, &m));
	ck_assert_uint_eq(m.lead, 2 * PAGE);
	/* Pages 6 and 7 go away, then all the rest. */
	move(&m, 6, 8, 30);
	ck_assert_uint_eq(buffer_mapped(b, 0), 3);
	ck_assert_uint_eq(b->refs, 4);
	cut(4, 8);
	ck_assert_uint_eq(mapping_lead_left(&start), 0);
	ck_assert(mapping_at(BASE + 30 * PAGE, PAGE, &m));
	ck_assert_uint_eq(m.lead, 0);
	cut(30, 1);
	ck_assert_uint_eq(mapping_lead_left(&start), 0);
	cut(31, 1);
	ck_assert_uint_eq(mapping_lead_left(&start), 2 * PAGE);
	ck_assert_uint_eq(start, BASE + 2 * PAGE);
	ck_assert_uint_eq(b->refs, 1);
	buffer_put(b);
}
END_TEST

START_TEST(a_lead_is_not_that_of_another_part_that_moves_behind_it)
{
	struct buffer *b = buffer(1);
	struct mapping m;
	uint64_t start;

	ck_assert_int_eq(mapping_add(BASE + 4 * PAGE, 8 * PAGE, 2 * PAGE, b, PROT_READ, 0), 0);
	ck_assert(mapping_at(BASE + 4 * PAGE, PAGE, &m));
	cut(4, 1);
	move(&m, 11, 12, 4);
	ck_assert(mapping_at(BASE + 4 * PAGE, PAGE, &m));
	ck_assert_uint_eq(m.end, BASE + 5 * PAGE);
	ck_assert_uint_eq(m.lead, 0);
	cut(5, 6);
	ck_assert_uint_eq(mapping_lead_left(&start), 2 * PAGE);
	cut(4, 1);
	ck_assert_uint_eq(b->refs, 1);
	buffer_put(b);
}
END_TEST

START_TEST(a_lead_that_moves_is_nobodys_meanwhile)
{
	struct buffer *b = buffer(1);
	struct mapping m;
	uint64_t start;

	ck_assert_int_eq(mapping_add(BASE + 4 * PAGE, 4 * PAGE, 2 * PAGE, b, PROT_READ, 0), 0);
	ck_assert(mapping_at(BASE + 4 * PAGE, PAGE, &m));
	mapping_lead_moves(&m, 0);
	/* Another thread maps where it was, before that is known. */
	cut(2, 6);
	ck_assert_uint_eq(mapping_lead_left(&start), 0);
	ck_assert_int_eq(mapping_add(BASE + 4 * PAGE, 4 * PAGE, 0, b, PROT_READ, 0), 0);
	move(&m, 4, 8, 40);
	mapping_lead_moved(&m, BASE + 40 * PAGE);
	ck_assert_uint_eq(buffer_mapped(b, 0), 2);
	cut(4, 4);
	ck_assert_uint_eq(mapping_lead_left(&start), 0);
	ck_assert(mapping_at(BASE + 40 * PAGE, PAGE, &m));
	ck_assert_uint_eq(m.lead, 2 * PAGE);
	ck_assert_uint_eq(m.end, BASE + 44 * PAGE);
	cut(40, 4);
	ck_assert_uint_eq(mapping_lead_left(&start), 2 * PAGE);
	ck_assert_uint_eq(start, BASE + 38 * PAGE);
	buffer_put(b);
}
END_TEST

/* Every look at a range; the linker leads range.c's callers here. */
static unsigned long looks;
struct range *__real_ranges_after(const struct ranges *r, uint64_t point);
struct range *__wrap_ranges_after(const struct ranges *r, uint64_t point);

struct range *__wrap_ranges_after(const struct ranges *r, uint64_t point)
{
	looks++;
	return __real_ranges_after(r, point);
}

START_TEST(leads_cost_what_is_cut)
{
	enum { MANY = 20000, STEP = 7919, EACH = 16 };
	struct buffer *b = buffer(1);
	uint64_t start;

	for (uint64_t i = 0; i < MANY; i++)
		ck_assert_int_eq(mapping_add(BASE + (4 * i + 1) * PAGE, 2 * PAGE, PAGE, b,
					     PROT_READ, 0), 0);
	looks = 0;
	for (uint64_t i = 0, at = 0; i < MANY; i++, at = (at + STEP) % MANY) {
		ck_assert_int_eq(cut(4 * at + 1, 1), 1);
		ck_assert_uint_eq(mapping_lead_left(&start), 0);
		ck_assert_int_eq(cut(4 * at + 2, 1), 1);
		ck_assert_uint_eq(mapping_lead_left(&start), PAGE);
		ck_assert_uint_eq(start, BASE + 4 * at * PAGE);
		ck_assert_uint_eq(mapping_lead_left(&start), 0);
	}
	ck_assert_uint_lt(looks, EACH * MANY);
	ck_assert_uint_eq(b->refs, 1);
	buffer_put(b);
}
END_TEST

/* Random maps and unmaps agree with an array that names each page's buffer and direction. */
static bool near(uint64_t page, uint64_t n)
{
	return mapping_near((void *)(uintptr_t)(BASE + page * PAGE), n * PAGE);
}

/* Calls like madvise() take the lock only near a mapping. */
START_TEST(what_has_been_mapped_is_near)
{
	const int rw = PROT_READ | PROT_WRITE;
	struct buffer *b = buffer(1);
	struct mapping m;
	uint64_t start;

	/* As in a new process */
	atomic_store(&mappings_from, UINTPTR_MAX);
	atomic_store(&mappings_to, 0);
	ck_assert(!mapping_near(NULL, UINTPTR_MAX));
	ck_assert_int_eq(mapping_add(BASE + 8 * PAGE, 2 * PAGE, 0, b, rw, 0), 0);
	ck_assert(!near(7, 1));
	ck_assert(near(8, 1));
	ck_assert(near(9, 1));
	ck_assert(!near(10, 1));
	ck_assert(near(7, 2));
	ck_assert(near(7, 9));
	/* To the end of all addresses, and beyond */
	ck_assert(mapping_near((void *)(uintptr_t)BASE, UINTPTR_MAX));
	ck_assert(!mapping_near((void *)(uintptr_t)(BASE + 10 * PAGE), UINTPTR_MAX));
	/* A lead */
	ck_assert_int_eq(mapping_add(BASE + 16 * PAGE, PAGE, 3 * PAGE, b, rw, 0), 0);
	ck_assert(!near(17, 1));
	ck_assert_int_eq(mapping_add(BASE + 5 * PAGE, PAGE, 3 * PAGE, b, rw, 0), 0);
	ck_assert(!near(1, 1));
	ck_assert(near(2, 1));
	/* Where one moves to, with its lead */
	ck_assert(mapping_at(BASE + 16 * PAGE, PAGE, &m));
	mapping_move(&m, m.start, m.end, BASE + 32 * PAGE, PAGE);
	ck_assert(near(32, 1));
	ck_assert(!near(33, 1));
	/* What is kept has no mapping. */
	ck_assert_int_eq(cut(0, PAGES), 3);
	while (mapping_lead_left(&start))
		;
	ck_assert(near(8, 1));
	buffer_put(b);
}
END_TEST

START_TEST(random_cuts_agree_with_the_model)
{
	struct buffer *bufs[3] = { buffer(1), buffer(2), buffer(3) };
	struct { int buf, write, piece; } model[PAGES] = { 0 };
	int pieces = 0;

	srand(_i);
	for (int step = 0; step < 1000; step++) {
		int from = rand() % PAGES, n = 1 + rand() % 8, which = rand() % 3, w = rand() % 2;
		unsigned int want[4][2] = { 0 };

		n = from + n > PAGES ? PAGES - from : n;
		cut(from, n);
		for (int p = from; p < from + n; p++)
			model[p].buf = 0;
		/* What was cut in two is two pieces from now on. */
		for (int p = from + n; p < PAGES && model[p].buf && from &&
		     model[p].piece == model[from - 1].piece; p++)
			if (p == from + n || model[p - 1].piece == pieces)
				model[p].piece = p == from + n ? ++pieces : pieces;
		if (rand() % 2) {
			ck_assert_int_eq(mapping_add(BASE + from * PAGE, n * PAGE, 0,
						     bufs[which], protection(w), 0), 0);
			pieces++;
			for (int p = from; p < from + n; p++) {
				model[p].buf = which + 1;
				model[p].write = w;
				model[p].piece = pieces;
			}
		}
		for (int p = 0; p < PAGES; p++)
			if (model[p].buf && (!p || !model[p - 1].buf ||
					     model[p - 1].piece != model[p].piece))
				want[model[p].buf][model[p].write]++;
		for (int i = 0; i < 3; i++) {
			ck_assert_uint_eq(buffer_mapped(bufs[i], 0), want[i + 1][0]);
			ck_assert_uint_eq(buffer_mapped(bufs[i], 1), want[i + 1][1]);
			ck_assert_uint_eq(bufs[i]->refs, 1 + buffer_mapped(bufs[i], 0) +
							 buffer_mapped(bufs[i], 1));
		}
	}
	cut(0, PAGES);
	for (int i = 0; i < 3; i++)
		buffer_put(bufs[i]);
	ck_assert_uint_eq(atomic_load(&mappings_live), 0);
}
END_TEST

TCase *mapping_tests(void)
{
	TCase *t = tcase_create("mappings");

	tcase_set_timeout(t, 120);
	tcase_add_test(t, mappings_of_the_descriptor_count_apart);
	tcase_add_test(t, front_back_and_middle_can_go);
	tcase_add_test(t, lead_goes_with_the_last_piece);
	tcase_add_test(t, lead_that_was_mapped_over_is_not_unmapped);
	tcase_add_test(t, a_protection_divides_and_keeps_the_lead);
	tcase_add_test(t, a_lead_goes_with_the_last_piece_wherever_that_is);
	tcase_add_test(t, a_lead_is_not_that_of_another_part_that_moves_behind_it);
	tcase_add_test(t, a_lead_that_moves_is_nobodys_meanwhile);
	tcase_add_test(t, leads_cost_what_is_cut);
	tcase_add_test(t, what_has_been_mapped_is_near);
	tcase_add_loop_test(t, random_cuts_agree_with_the_model, 0, 4);
	return t;
}
