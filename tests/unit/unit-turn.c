// SPDX-License-Identifier: MIT
/*
 * Whose turn it is: every cell of the table, with every fact that may matter. What is expected is
 * written out by hand, from what the calls mean and not from the table.
 */
#include "config.h"

#include <string.h>

#include "state/turn.h"
#include "unit.h"

/* What follows from a state: a word for the state, and one for what is done. */
static const char *const turns[TURN_COUNT] = {
	[TURN_NONE] = "none", [TURN_CPU] = "cpu", [TURN_CPU_LATER] = "later",
	[TURN_DEVICE_READS] = "reads", [TURN_DEVICE] = "device",
};
static const char *const acts[] = {
	[ACT_NONE] = "", [ACT_START] = " start", [ACT_START_AGAIN] = " again",
	[ACT_END] = " end", [ACT_END_AGAIN] = " more", [ACT_END_START] = " both",
	[ACT_AFRESH] = " afresh",
};

/* Facts, as bits. */
enum { WRITTEN = 1, COUNTS = 2, DOUBTFUL = 4, ELSEWHERE = 8, ALL = 16 };

static void is(enum turn_event e, enum turn from, unsigned int facts, const char *want)
{
	const struct turn_facts f = {
		.written = facts & WRITTEN, .counts = facts & COUNTS, .doubtful = facts & DOUBTFUL,
		.elsewhere = facts & ELSEWHERE,
	};
	struct turn_step s = turn_step(from, e, f);
	char got[32];

	ck_assert_int_lt(s.turn, TURN_COUNT);
	strcpy(got, turns[s.turn]);
	strcat(got, acts[s.act]);
	ck_assert_msg(!strcmp(got, want), "event %d in %s, facts %u: %s instead of %s", e,
		      turns[from], facts, got, want);
}

/* Whatever the facts are. */
static void always(enum turn_event e, enum turn from, const char *want)
{
	for (unsigned int facts = 0; facts < ALL; facts++)
		is(e, from, facts, want);
}

START_TEST(maps_and_begins_are_the_cpus_turn)
{
	static const enum turn_event events[] = { ON_MAP, ON_BEGIN };

	always(events[_i], TURN_NONE, "later start");
	always(events[_i], TURN_CPU_LATER, "later start");
	always(events[_i], TURN_DEVICE_READS, "later start");
	always(events[_i], TURN_DEVICE, "later start");
}
END_TEST

START_TEST(a_begin_of_what_has_begun_is_nothing)
{
	always(ON_BEGIN, TURN_CPU, "cpu");
	always(ON_TOUCH, TURN_CPU, "cpu");
}
END_TEST

/* Another device may have written it, unless the exporter counts. */
START_TEST(a_map_of_what_has_begun_may_begin_it_again)
{
	for (unsigned int facts = 0; facts < ALL; facts++)
		is(ON_MAP, TURN_CPU, facts, facts & COUNTS ? "cpu" : "cpu again");
}
END_TEST

START_TEST(a_touch_is_the_cpus_turn)
{
	always(ON_TOUCH, TURN_NONE, "none");
	always(ON_TOUCH, TURN_CPU_LATER, "later start");
	always(ON_TOUCH, TURN_DEVICE_READS, "later start");
	always(ON_TOUCH, TURN_DEVICE, "later start");
}
END_TEST

/* Not the CPU's until it is begun: a device may still be at it. */
START_TEST(a_fence_begins_whatever_has_no_bracket)
{
	always(ON_FENCE, TURN_NONE, "none");
	always(ON_FENCE, TURN_CPU_LATER, "later start");
	for (unsigned int facts = 0; facts < ALL; facts++)
		is(ON_FENCE, TURN_DEVICE_READS, facts,
		   !(facts & WRITTEN) || facts & COUNTS ? "reads start"
		   : facts & ELSEWHERE			? "reads"
							: "reads both");
	always(ON_FENCE, TURN_DEVICE, "device start");
}
END_TEST

/* It undoes nothing of what the program has written. */
START_TEST(any_other_wait_begins_what_it_can_do_no_harm_to)
{
	always(ON_WAIT, TURN_NONE, "none");
	always(ON_WAIT, TURN_CPU, "cpu");
	always(ON_WAIT, TURN_CPU_LATER, "later start");
	for (unsigned int facts = 0; facts < ALL; facts++) {
		is(ON_WAIT, TURN_DEVICE_READS, facts,
		   !(facts & WRITTEN)		      ? "reads start"
		   : facts & (COUNTS | ELSEWHERE)     ? "reads"
						      : "reads both");
		is(ON_WAIT, TURN_DEVICE, facts, "device start");
	}
}
END_TEST

START_TEST(a_fence_begins_again_what_is_doubtful)
{
	for (unsigned int facts = 0; facts < ALL; facts++)
		is(ON_FENCE, TURN_CPU, facts,
		   facts & DOUBTFUL ? "cpu afresh" : "cpu");
}
END_TEST

START_TEST(a_start_that_was_made_is_the_cpus_turn)
{
	always(ON_BEGUN, TURN_NONE, "none");
	always(ON_BEGUN, TURN_CPU, "cpu");
	always(ON_BEGUN, TURN_CPU_LATER, "cpu");
	always(ON_BEGUN, TURN_DEVICE_READS, "cpu");
	always(ON_BEGUN, TURN_DEVICE, "cpu");
}
END_TEST

START_TEST(a_start_that_was_left_out_is_made_later)
{
	always(ON_BUSY, TURN_NONE, "none");
	always(ON_BUSY, TURN_CPU, "later");
	always(ON_BUSY, TURN_CPU_LATER, "later");
	always(ON_BUSY, TURN_DEVICE_READS, "reads");
	always(ON_BUSY, TURN_DEVICE, "device");
}
END_TEST

/* Once more where the program may have written without a word, and no device has. */
START_TEST(what_is_handed_over_is_ended)
{
	static const struct {
		enum turn_event e;
		const char *turn;
	} given[] = { { ON_END, "reads" }, { ON_READ, "reads" }, { ON_WRITE, "device" } };
	const char *turn = given[_i].turn;
	char end[16], more[16];

	strcat(strcpy(end, turn), " end");
	strcat(strcpy(more, turn), " more");
	always(given[_i].e, TURN_NONE, "none");
	always(given[_i].e, TURN_CPU, end);
	for (unsigned int facts = 0; facts < ALL; facts++)
		is(given[_i].e, TURN_DEVICE_READS, facts,
		   facts & WRITTEN && !(facts & COUNTS) ? more : turn);
}
END_TEST

/* Who is at work on it may have written, whatever it is given for now. */
START_TEST(nothing_is_ended_that_a_device_may_have_written)
{
	static const enum turn_event events[] = { ON_END, ON_READ, ON_WRITE };

	always(events[_i], TURN_CPU_LATER, "device");
	always(events[_i], TURN_DEVICE, "device");
}
END_TEST

START_TEST(the_last_unmap_ends_it)
{
	always(ON_UNMAP, TURN_NONE, "none");
	always(ON_UNMAP, TURN_CPU, "none end");
	always(ON_UNMAP, TURN_CPU_LATER, "none");
	for (unsigned int facts = 0; facts < ALL; facts++)
		is(ON_UNMAP, TURN_DEVICE_READS, facts,
		   facts & WRITTEN && !(facts & (COUNTS | ELSEWHERE)) ? "none more" : "none");
	always(ON_UNMAP, TURN_DEVICE, "none");
}
END_TEST

/* What the parent does with it from now on the child does not see. */
START_TEST(a_child_ends_nothing)
{
	always(ON_FORK, TURN_NONE, "none");
	always(ON_FORK, TURN_CPU, "later");
	always(ON_FORK, TURN_CPU_LATER, "later");
	always(ON_FORK, TURN_DEVICE_READS, "device");
	always(ON_FORK, TURN_DEVICE, "device");
}
END_TEST

TCase *turn_tests(void)
{
	TCase *tc = tcase_create("turn");

	tcase_add_loop_test(tc, maps_and_begins_are_the_cpus_turn, 0, 2);
	tcase_add_test(tc, a_begin_of_what_has_begun_is_nothing);
	tcase_add_test(tc, a_map_of_what_has_begun_may_begin_it_again);
	tcase_add_test(tc, a_touch_is_the_cpus_turn);
	tcase_add_test(tc, a_fence_begins_whatever_has_no_bracket);
	tcase_add_test(tc, any_other_wait_begins_what_it_can_do_no_harm_to);
	tcase_add_test(tc, a_fence_begins_again_what_is_doubtful);
	tcase_add_test(tc, a_start_that_was_made_is_the_cpus_turn);
	tcase_add_test(tc, a_start_that_was_left_out_is_made_later);
	tcase_add_loop_test(tc, what_is_handed_over_is_ended, 0, 3);
	tcase_add_loop_test(tc, nothing_is_ended_that_a_device_may_have_written, 0, 3);
	tcase_add_test(tc, the_last_unmap_ends_it);
	tcase_add_test(tc, a_child_ends_nothing);
	return tc;
}
