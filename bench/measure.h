/* SPDX-License-Identifier: MIT */
/* What the programs of bench/ have in common. */
#ifndef PRIMESHIM_MEASURE_H
#define PRIMESHIM_MEASURE_H

#include <time.h>

static inline double now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1e9 + t.tv_nsec;
}

#endif
