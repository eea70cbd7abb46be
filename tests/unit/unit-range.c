// SPDX-License-Identifier: MIT
/* The sorted ranges, against models that remember the owner of every point. */
#include "config.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/range.h"
#include "unit.h"

#define POINTS 1024

START_TEST(point_is_found_in_its_range_alone)
{
	struct ranges r = { 0 };
	int a, b;

	ck_assert_int_eq(ranges_insert(&r, 100, 200, &a, 0), 0);
	ck_assert_int_eq(ranges_insert(&r, 200, 201, &b, 7), 0);
	ck_assert_ptr_null(ranges_find(&r, 99));
	ck_assert_ptr_eq(ranges_find(&r, 100)->obj, &a);
	ck_assert_ptr_eq(ranges_find(&r, 199)->obj, &a);
	ck_assert_ptr_eq(ranges_find(&r, 200)->obj, &b);
	ck_assert_uint_eq(ranges_find(&r, 200)->tag, 7);
	ck_assert_ptr_null(ranges_find(&r, 201));
	ranges_free(&r);
}
END_TEST

START_TEST(overlap_and_emptiness_are_refused)
{
	struct ranges r = { 0 };
	int a;

	ck_assert_int_eq(ranges_insert(&r, 10, 20, &a, 0), 0);
	ck_assert_int_eq(ranges_insert(&r, 19, 21, &a, 0), -EEXIST);
	ck_assert_int_eq(ranges_insert(&r, 5, 11, &a, 0), -EEXIST);
	ck_assert_int_eq(ranges_insert(&r, 12, 13, &a, 0), -EEXIST);
	ck_assert_int_eq(ranges_insert(&r, 0, 100, &a, 0), -EEXIST);
	ck_assert_int_eq(ranges_insert(&r, 30, 30, &a, 0), -EINVAL);
	ck_assert_int_eq(ranges_insert(&r, 31, 30, &a, 0), -EINVAL);
	ck_assert_ptr_null(ranges_after(&r, 20));
	ranges_free(&r);
}
END_TEST

/* Random inserts and removals agree with an array that names the owner of each point. */
START_TEST(random_changes_agree_with_the_model)
{
	static char names[POINTS];
	char *model[POINTS] = { 0 };
	struct ranges r = { 0 };

	srand(_i);
	for (int step = 0; step < 1000; step++) {
		unsigned int from = rand() % POINTS, to = from + 1 + rand() % 3;
		struct range *hit;
		int taken = 0;

		to = to > POINTS ? POINTS : to;
		if (rand() % 3) {
			for (unsigned int p = from; p < to; p++)
				taken |= !!model[p];
			ck_assert_int_eq(ranges_insert(&r, from, to, &names[from], 0),
					 taken ? -EEXIST : 0);
			for (unsigned int p = from; !taken && p < to; p++)
				model[p] = &names[from];
		} else {
			hit = ranges_find(&r, from);
			for (int p = 0; hit && p < POINTS; p++)
				if (model[p] == hit->obj)
					model[p] = NULL;
			if (hit)
				ranges_remove(&r, hit->start);
		}
		/* Every point now and then, those at hand always. */
		for (unsigned int p = 0; p < POINTS; p++) {
			if (step % 50 && p + 8 < from)
				p = from - 8;
			if (step % 50 && p > to + 8)
				break;
			hit = ranges_find(&r, p);
			if ((hit ? hit->obj : NULL) != model[p])
				ck_abort_msg("step %d: point %u differs", step, p);
		}
	}
	ranges_free(&r);
}
END_TEST

/*
 * A hundred thousand slots of ten points each, with a range in a slot or none; where all ten points
 * are taken the ranges touch.
 */
#define SLOTS	100000
#define SLOT	10

static struct { unsigned int order, len; bool in; } slots[SLOTS];

enum order { ASCENDING, SHUFFLED, DESCENDING };

static void order_slots(enum order order)
{
	for (unsigned int i = 0; i < SLOTS; i++)
		slots[i].order = order == DESCENDING ? SLOTS - 1 - i : i;
	for (unsigned int i = SLOTS - 1; order == SHUFFLED && i; i--) {
		unsigned int j = rand() % (i + 1), was = slots[i].order;

		slots[i].order = slots[j].order;
		slots[j].order = was;
	}
}

/* Sorted, disjoint, and those that are in, whole, with what belongs to them. */
static void slots_agree(const struct ranges *r)
{
	const struct range *at = ranges_after(r, 0);

	for (unsigned int i = 0; i < SLOTS; i++) {
		if (!slots[i].in) {
			must(!ranges_find(r, i * SLOT));
			continue;
		}
		if (!at || at->start != i * SLOT || at->end != at->start + slots[i].len ||
		    at->obj != &slots[i] || at->tag != i || at->mark != i)
			ck_abort_msg("slot %u differs", i);
		at = ranges_after(r, at->end);
	}
	ck_assert_ptr_null(at);
}

static void insert_slot(struct ranges *r, unsigned int i)
{
	const uint64_t start = i * SLOT;

	slots[i].len = 1 + rand() % SLOT;
	must(ranges_insert(r, start, start + slots[i].len, &slots[i], i) == 0);
	ranges_find(r, start)->mark = i;
	slots[i].in = true;
}

static const struct { enum order coming, going; } orders[] = {
	{ ASCENDING, DESCENDING }, { DESCENDING, ASCENDING }, { SHUFFLED, SHUFFLED },
};

START_TEST(many_ranges_come_and_go_in_any_order)
{
	struct ranges r = { 0 };

	srand(_i);
	memset(slots, 0, sizeof(slots));
	order_slots(orders[_i].coming);
	for (unsigned int i = 0; i < SLOTS; i++)
		insert_slot(&r, slots[i].order);
	slots_agree(&r);
	/* No page is worth less than a third of what it has room for; in order they stay full. */
	ck_assert_uint_le(r.pages, orders[_i].coming == ASCENDING ? SLOTS / 127 + 1 : SLOTS / 42);
	order_slots(orders[_i].going);
	for (unsigned int i = 0; i < SLOTS; i++) {
		ranges_remove(&r, slots[i].order * SLOT);
		slots[slots[i].order].in = false;
		if (i == SLOTS / 2)
			slots_agree(&r);
	}
	ck_assert_ptr_null(ranges_after(&r, 0));
	ck_assert_uint_eq(r.pages, 0);
	/* What is left of it is good for more. */
	insert_slot(&r, 5);
	slots_agree(&r);
	ranges_free(&r);
}
END_TEST

START_TEST(random_comings_and_goings_agree_with_the_slots)
{
	struct ranges r = { 0 };

	srand(_i);
	memset(slots, 0, sizeof(slots));
	for (int step = 0; step < 200000; step++) {
		/* Mostly full, then mostly empty: pages fill up, split, and go. */
		bool filling = step / 50000 % 2 == 0;
		unsigned int i = rand() % SLOTS;

		if (!slots[i].in && (filling || rand() % 4 == 0)) {
			insert_slot(&r, i);
		} else if (slots[i].in && (!filling || rand() % 4 == 0)) {
			ranges_remove(&r, i * SLOT);
			slots[i].in = false;
		}
		if (step % 50000 == 49999)
			slots_agree(&r);
	}
	ranges_free(&r);
}
END_TEST

/* By point: one more than the slot whose range it is of, or 0. */
static unsigned int owner[SLOTS * SLOT + 1];

static void owners_agree(const struct ranges *r)
{
	unsigned int p = 0;

	for (const struct range *at = ranges_after(r, 0); at; at = ranges_after(r, at->end)) {
		must(at->start < at->end);
		for (; p < at->start; p++)
			must(owner[p] == 0);
		must(at->mark == at->tag);
		for (; p < at->end; p++)
			must(owner[p] == at->tag + 1);
	}
	for (; p < SLOTS * SLOT; p++)
		must(owner[p] == 0);
}

/* Cut as munmap does, piece by piece; each piece as the model has it. */
static void cut_points(struct ranges *r, unsigned int from, unsigned int to)
{
	unsigned int p = from;
	struct range old;
	int left;

	while ((left = ranges_cut(r, from, to, &old)) >= 0) {
		unsigned int start, end;

		while (p < to && !owner[p])
			p++;
		must(p < to);
		for (start = p; start && owner[start - 1] == owner[p]; start--)
			;
		for (end = p; owner[end] == owner[p]; end++)
			;
		must(old.start == start);
		must(old.end == end);
		must(old.tag == owner[p] - 1);
		ck_assert_int_eq(left, (start < from) + (end > to));
		for (; p < end && p < to; p++)
			owner[p] = 0;
	}
	for (; p < to; p++)
		must(owner[p] == 0);
}

START_TEST(cuts_across_pages_agree_with_the_points)
{
	struct ranges r = { 0 };

	srand(_i);
	memset(slots, 0, sizeof(slots));
	memset(owner, 0, sizeof(owner));
	order_slots(_i);
	for (unsigned int n = 0; n < SLOTS; n++) {
		unsigned int i = slots[n].order;

		insert_slot(&r, i);
		for (unsigned int p = 0; p < slots[i].len; p++)
			owner[i * SLOT + p] = i + 1;
	}
	for (int step = 0; step < 20000; step++) {
		/* Mostly within a range or two, now and then over pages of them (127 each). */
		unsigned int from = rand() % (SLOTS * SLOT);
		unsigned int to = from + 1 + rand() % (step % 100 ? 2 * SLOT : 300 * SLOT);

		cut_points(&r, from, to < SLOTS * SLOT ? to : SLOTS * SLOT);
	}
	owners_agree(&r);
	cut_points(&r, 0, SLOTS * SLOT);
	ck_assert_uint_eq(r.pages, 0);
	ranges_free(&r);
}
END_TEST

START_TEST(cut_leaves_what_is_beside)
{
	struct ranges r = { 0 };
	struct range old;
	int a;

	ranges_insert(&r, 10, 50, &a, 3);
	ck_assert_int_eq(ranges_cut(&r, 20, 30, &old), 2);
	ck_assert_uint_eq(old.start, 10);
	ck_assert_uint_eq(old.end, 50);
	ck_assert_ptr_null(ranges_find(&r, 20));
	ck_assert_uint_eq(ranges_find(&r, 19)->end, 20);
	ck_assert_uint_eq(ranges_find(&r, 30)->tag, 3);
	ck_assert_int_eq(ranges_cut(&r, 0, 15, &old), 1);
	ck_assert_uint_eq(ranges_after(&r, 0)->start, 15);
	ck_assert_int_eq(ranges_cut(&r, 40, 60, &old), 1);
	ck_assert_uint_eq(ranges_find(&r, 30)->end, 40);
	ck_assert_int_eq(ranges_cut(&r, 15, 20, &old), 0);
	ck_assert_int_eq(ranges_cut(&r, 40, 90, &old), -1);
	ranges_free(&r);
}
END_TEST

TCase *range_tests(void)
{
	TCase *t = tcase_create("ranges");

	tcase_set_timeout(t, 120);
	tcase_add_test(t, point_is_found_in_its_range_alone);
	tcase_add_test(t, overlap_and_emptiness_are_refused);
	tcase_add_loop_test(t, many_ranges_come_and_go_in_any_order, 0,
			    sizeof(orders) / sizeof(orders[0]));
	tcase_add_test(t, random_comings_and_goings_agree_with_the_slots);
	tcase_add_loop_test(t, cuts_across_pages_agree_with_the_points, ASCENDING, SHUFFLED + 1);
	tcase_add_test(t, cut_leaves_what_is_beside);
	tcase_add_loop_test(t, random_changes_agree_with_the_model, 0, 4);
	return t;
}
