// SPDX-License-Identifier: MIT
/* The sorted ranges: against a model that remembers the owner of every point. */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "range.h"
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
		for (unsigned int p = 0; p < POINTS; p++) {
			hit = ranges_find(&r, p);
			if ((hit ? hit->obj : NULL) != model[p])
				ck_abort_msg("step %d: point %u differs", step, p);
		}
	}
	ranges_free(&r);
}
END_TEST

/* More than a page of them, in every order of coming and going. */
START_TEST(many_ranges_stay_in_order)
{
	enum { N = 20000 };
	static unsigned int order[N];
	struct ranges r = { 0 };
	const struct range *at;
	unsigned int n;

	srand(_i);
	for (unsigned int i = 0; i < N; i++)
		order[i] = _i == 1 ? N - 1 - i : i;
	for (unsigned int i = N - 1; _i == 2 && i; i--) {
		unsigned int j = rand() % (i + 1), was = order[i];

		order[i] = order[j];
		order[j] = was;
	}
	for (unsigned int i = 0; i < N; i++)
		ck_assert_int_eq(ranges_insert(&r, order[i] * 10, order[i] * 10 + 5, &order[i], i), 0);
	n = 0;
	for (at = ranges_after(&r, 0); at; at = ranges_after(&r, at->end))
		ck_assert_uint_eq(at->start, 10 * n++);
	ck_assert_uint_eq(n, N);
	for (unsigned int i = 0; i < N; i += 2)
		ranges_remove(&r, order[i] * 10);
	for (unsigned int i = 0; i < N; i++)
		ck_assert(!ranges_find(&r, order[i] * 10 + 4) == !(i % 2));
	for (unsigned int i = 1; i < N; i += 2)
		ranges_remove(&r, order[i] * 10);
	ck_assert_ptr_null(ranges_after(&r, 0));
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
	tcase_add_loop_test(t, many_ranges_stay_in_order, 0, 3);
	tcase_add_test(t, cut_leaves_what_is_beside);
	tcase_add_loop_test(t, random_changes_agree_with_the_model, 0, 4);
	return t;
}
