// SPDX-License-Identifier: MIT
/*
 * Tests the statistics of primeshim ab. Expected are: medians, worked out by hand; the critical
 * values of the Mann-Whitney test, as textbooks print them; intervals of few numbers, worked out by
 * hand; and, by simulation, how often the interval contains the true ratio.
 */
#include <math.h>
#include <stdint.h>
#include <stdio.h>

#include "ab/ab-stats.h"

#define TRIALS	20000
#define TRUE_RATIO	1.3

static int failed;

static void promise(const char *text, bool kept)
{
	printf("%s - %s\n", kept ? "ok" : "not ok", text);
	failed |= !kept;
}

/* Two-sided, 5 %: the largest U that is significant; -1: none is. */
static const struct {
	size_t na, nb;
	int u;
} critical[] = {
	{ 1, 1, -1 }, { 1, 30, -1 }, { 2, 7, -1 }, { 2, 8, 0 }, { 3, 3, -1 }, { 3, 4, -1 },
	{ 3, 5, 0 },
	{ 3, 10, 3 }, { 4, 4, 0 }, { 4, 10, 5 }, { 5, 4, 1 }, { 5, 5, 2 }, { 5, 8, 6 }, { 6, 6, 5 },
	{ 7, 7, 8 }, { 8, 8, 13 }, { 9, 9, 17 }, { 10, 10, 23 }, { 12, 12, 37 }, { 15, 15, 64 },
	{ 20, 20, 127 }, { 10, 20, 55 },
};

static bool ranks_as_printed(void)
{
	bool right = true;

	for (size_t i = 0; i < sizeof(critical) / sizeof(critical[0]); i++) {
		size_t rank = stats_rank(critical[i].na, critical[i].nb);

		if ((int)rank != critical[i].u + 1) {
			printf("# %zu and %zu: U %d instead of %d\n", critical[i].na,
			       critical[i].nb, (int)rank - 1, critical[i].u);
			right = false;
		}
	}
	return right;
}

/* xorshift64*: the same on every machine. */
static double uniform(void)
{
	static uint64_t x = 88172645463325252U;

	x ^= x >> 12;
	x ^= x << 25;
	x ^= x >> 27;
	return ((x * 2685821657736338717U >> 11) + 0.5) / 9007199254740992.0;
}

/* Times as they are: a floor and a long tail. */
static void draw(double *v, size_t n, double scale)
{
	for (size_t i = 0; i < n; i++)
		v[i] = scale * (1 - 0.2 * log(uniform()));
	stats_sort(v, n);
}

/* In how many of all cases is the true ratio within the interval? */
static double coverage(size_t n, unsigned int trials)
{
	double a[60], b[60];
	unsigned int within = 0;

	for (unsigned int i = 0; i < trials; i++) {
		struct ratio r;

		draw(a, n, 0.5);
		draw(b, n, 0.5 * TRUE_RATIO);
		r = stats_ratio(a, n, b, n);
		within += r.enough && r.low <= TRUE_RATIO && TRUE_RATIO <= r.high;
	}
	printf("# %zu each: the interval has the true ratio in %.2f %%\n", n,
	       100.0 * within / trials);
	return (double)within / trials;
}

static bool near(double x, double y)
{
	return fabs(x - y) < 1e-12 * (1 + fabs(y));
}

static void medians(void)
{
	double odd[] = { 9, 1, 5 }, even[] = { 4, 1, 3, 100 }, one[] = { 7 };
	/* From the median 3: 2 1 1 0 97. */
	double tail[] = { 1, 2, 3, 4, 100 };

	stats_sort(odd, 3);
	stats_sort(even, 4);
	promise("numbers are sorted", odd[0] == 1 && odd[1] == 5 && odd[2] == 9);
	promise("the median of an odd number is the middle one", stats_median(odd, 3) == 5);
	promise("of an even number the mean of the two", stats_median(even, 4) == 3.5);
	promise("of one number itself", stats_median(one, 1) == 7 && stats_deviation(one, 1) == 0);
	promise("an outlier does not move the deviation", stats_deviation(tail, 5) == 1);
	promise("of an even number of distances the mean, too", stats_deviation(even, 4) == 1.5);
}

static void ratios(void)
{
	double a[] = { 1, 2, 4, 5 }, b[] = { 3, 6, 8, 10 }, zero[] = { 0, 1, 2, 3 };
	/*
	 * By hand: 3 6 8 10, 1.5 3 4 5, .75 1.5 2 2.5, .6 1.2 1.6 2; in order .6 .75 1.2 1.5 1.5
	 * 1.6 2 2 2.5 3 3 4 5 6 8 10: in the middle 2 and 2.5. With 4 each, all of it is the
	 * interval.
	 */
	struct ratio r = stats_ratio(a, 4, b, 4), back = stats_ratio(b, 4, a, 4);

	promise("the estimate is the median of all ratios",
		r.known && near(r.estimate, sqrt(2 * 2.5)));
	promise("with four each the interval is all of them",
		r.enough && r.low == 0.6 && r.high == 10);
	promise("A/B is the inverse of B/A", near(back.estimate, 1 / r.estimate) &&
		near(back.low, 1 / r.high) && near(back.high, 1 / r.low));
	r = stats_ratio(a, 3, b, 3);
	/* .75 1.5 1.5 2 3 3 4 6 8 */
	promise("with three each there is an estimate and no interval",
		r.known && !r.enough && near(r.estimate, 3));
	promise("none with a time of 0", !stats_ratio(zero, 4, b, 4).known &&
		!stats_ratio(a, 4, zero, 4).known);
	promise("none without numbers", !stats_ratio(a, 0, b, 4).known &&
		!stats_ratio(a, 4, b, 0).known);
	r = stats_ratio(a, 4, a, 4);
	promise("a thing compared with itself is 1 as large", near(r.estimate, 1));
}

/* 10^8 ratios, of which the median is known: B is twice A. */
static void many(void)
{
	static double a[10000], b[10000];
	struct ratio r;

	for (size_t i = 0; i < 10000; i++) {
		a[i] = 1 + i * 1e-4;
		b[i] = 2 * a[i];
	}
	r = stats_ratio(a, 10000, b, 10000);
	promise("10000 runs each way", r.enough && fabs(r.estimate - 2) < 1e-3 && r.low < 2 &&
		r.high > 2 && r.high - r.low < 0.05);
}

int main(void)
{
	double c;

	medians();
	promise("critical values are those of the textbooks", ranks_as_printed());
	ratios();
	/*
	 * What is promised, exactly: 1 - 2 * 4 / 252; and 4 standard deviations of the simulation.
	 */
	c = coverage(5, TRIALS);
	promise("5 runs: in 96.8 % of all cases the interval is right", fabs(c - 0.96825) < 0.005);
	c = coverage(4, TRIALS);
	promise("4 runs: in 97.1 % of all cases the interval is right", fabs(c - 0.97143) < 0.005);
	c = coverage(10, TRIALS);
	promise("10 runs: in 95.7 % of all cases the interval is right", fabs(c - 0.95672) < 0.006);
	c = coverage(60, 4000);
	promise("60 runs: in 95 % of all cases the interval is right", fabs(c - 0.95) < 0.014);
	many();
	return failed;
}
