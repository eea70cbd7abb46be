/* SPDX-License-Identifier: MIT */
/*
 * What happened, counted. Relaxed atomics: each counter stands for itself and orders nothing.
 * Raised on the slow paths only. Printed in one line at exit where PRIMESHIM_LOG asks for it.
 */
#ifndef PRIMESHIM_STATS_H
#define PRIMESHIM_STATS_H

#include <stdatomic.h>

#include "shared_page.h"

extern atomic_ulong stats[STAT_COUNT];

static inline void stat_inc(enum counter s)
{
	atomic_fetch_add_explicit(&stats[s], 1, memory_order_relaxed);
}

static inline void stat_add(enum counter s, unsigned long n)
{
	atomic_fetch_add_explicit(&stats[s], n, memory_order_relaxed);
}

void stats_log(void);

#endif
