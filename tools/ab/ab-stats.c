// SPDX-License-Identifier: MIT
/*
 * Statistics of primeshim ab; see ab-stats.h. Times have no normal distribution (they have a floor
 * and a long tail), and there are few of them. So ab uses ranks, which need no distribution. If B's
 * times are A's times some ratio, the interval contains that ratio in 95 % of all cases or more,
 * however few runs there are. Below four runs each way there is no such interval. The interval is
 * exact, and needs no random numbers.
 */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "ab-stats.h"
#include "lib/memory.h"

/* Up to so many runs the distribution of U is counted; beyond, the normal one is as good. */
#define EXACT_MOST	50

static int compare(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

void stats_sort(double *v, size_t n)
{
	if (n)
		qsort(v, n, sizeof(*v), compare);
}

double stats_median(const double *v, size_t n)
{
	return n % 2 ? v[n / 2] : (v[n / 2 - 1] + v[n / 2]) / 2;
}

double stats_deviation(const double *v, size_t n)
{
	double median = stats_median(v, n), result, *d = memory_new(n, sizeof(*d));

	for (size_t i = 0; i < n; i++)
		d[i] = fabs(v[i] - median);
	stats_sort(d, n);
	result = stats_median(d, n);
	free(d);
	return result;
}

/*
 * In how many of all orders of na and nb numbers does A have the sum of ranks na (na + 1) / 2 + u?
 * The result has that for u from 0 to na * nb. The sum is one of na different numbers from 1 to na
 * + nb.
 */
static double *count_orders(size_t na, size_t nb)
{
	size_t lowest = na * (na + 1) / 2, sums = lowest + na * nb + 1;
	double *ways = memory_new((na + 1) * sums, sizeof(*ways));
	double *result = memory_new(na * nb + 1, sizeof(*result));

	/* ways[k * sums + s]: in how many ways k of the ranks so far add up to s */
	ways[0] = 1;
	for (size_t rank = 1; rank <= na + nb; rank++)
		for (size_t k = rank < na ? rank : na; k > 0; k--)
			for (size_t s = sums - 1; s >= rank; s--)
				ways[k * sums + s] += ways[(k - 1) * sums + s - rank];
	memcpy(result, &ways[na * sums + lowest], (na * nb + 1) * sizeof(*result));
	free(ways);
	return result;
}

size_t stats_rank(size_t na, size_t nb)
{
	double *ways, all = 0, below = 0, pairs = (double)na * nb, sd;
	size_t rank = 0;

	if (!na || !nb)
		return 0;
	if (na > EXACT_MOST || nb > EXACT_MOST) {
		sd = sqrt(pairs * (na + nb + 1) / 12);
		pairs = floor(pairs / 2 - 0.5 - 1.959964 * sd) + 1;
		return pairs > 0 ? pairs : 0;
	}
	ways = count_orders(na, nb);
	for (size_t u = 0; u <= na * nb; u++)
		all += ways[u];
	while (2 * (below + ways[rank]) <= 0.05 * all)
		below += ways[rank++];
	free(ways);
	return rank;
}

/* How many of the ratios are at most @limit? */
static uint64_t count_ratios(const double *a, size_t na, const double *b, size_t nb, double limit)
{
	uint64_t n = 0;
	size_t j = 0;

	/* The larger the number of A, the more numbers of B fit. */
	for (size_t i = 0; i < na; i++) {
		while (j < nb && b[j] / a[i] <= limit)
			j++;
		n += j;
	}
	return n;
}

/*
 * The @k'th smallest of the ratios, without an array of them: there may be 10^8. The bits of
 * positive numbers are in the order of the numbers, so 64 steps of bisection find the limit.
 */
static double kth_ratio(const double *a, size_t na, const double *b, size_t nb, uint64_t k)
{
	double limit = b[nb - 1] / a[0], smallest = b[0] / a[na - 1];
	uint64_t low, high, middle;

	memcpy(&low, &smallest, sizeof(low));
	memcpy(&high, &limit, sizeof(high));
	while (low < high) {
		middle = low + (high - low) / 2;
		memcpy(&limit, &middle, sizeof(limit));
		if (count_ratios(a, na, b, nb, limit) >= k)
			high = middle;
		else
			low = middle + 1;
	}
	memcpy(&limit, &low, sizeof(limit));
	return limit;
}

struct ratio stats_ratio(const double *a, size_t na, const double *b, size_t nb)
{
	uint64_t pairs = (uint64_t)na * nb;
	struct ratio r = { .known = pairs && a[0] > 0 && b[0] > 0 };
	size_t rank;

	if (!r.known)
		return r;
	/* The geometric mean, so that A/B is the inverse. */
	r.estimate = sqrt(kth_ratio(a, na, b, nb, (pairs + 1) / 2) *
			  kth_ratio(a, na, b, nb, pairs / 2 + 1));
	rank = stats_rank(na, nb);
	r.enough = rank > 0;
	if (r.enough) {
		r.low = kth_ratio(a, na, b, nb, rank);
		r.high = kth_ratio(a, na, b, nb, pairs + 1 - rank);
	}
	return r;
}
