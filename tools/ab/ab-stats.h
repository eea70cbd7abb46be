/* SPDX-License-Identifier: MIT */
/* Statistics of few measurements, without an assumption about their distribution. */
#ifndef PRIMESHIM_TOOLS_AB_STATS_H
#define PRIMESHIM_TOOLS_AB_STATS_H

#include <stdbool.h>
#include <stddef.h>

/* Sorts numbers. All functions below want sorted numbers. */
void stats_sort(double *v, size_t n);

/* The middle one, or the mean of the two in the middle. @n is not 0. */
double stats_median(const double *v, size_t n);

/* Median of the distances from the median: a spread that one outlier does not move. */
double stats_deviation(const double *v, size_t n);

/* How many times as large as A is B? */
struct ratio {
	bool known;		/* A and B have numbers, all above 0 */
	double estimate; /* median of the ratios of each of B to each of A (Hodges-Lehmann) */
	bool enough;		/* there are enough numbers for the interval */
	double low, high;	/* the ratios that a Mann-Whitney test at 5 % would not refuse */
};

struct ratio stats_ratio(const double *a, size_t na, const double *b, size_t nb);

/*
 * The interval goes from the rank'th smallest to the rank'th largest of the na * nb ratios. Returns
 * that rank, or 0: there are too few numbers.
 */
size_t stats_rank(size_t na, size_t nb);

#endif
