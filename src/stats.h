/* SPDX-License-Identifier: MIT */
/*
 * What happened, counted (enum counter of shared_page.h). Relaxed atomics: each counter stands for
 * itself and orders nothing. Raised on the slow paths only. Printed in one line at exit where
 * PRIMESHIM_LOG asks for it; in the shared page where there is one. The program's own
 * DMA_BUF_IOCTL_SYNC are seen in mode observe, and with PRIMESHIM_DIR.
 */
#ifndef PRIMESHIM_STATS_H
#define PRIMESHIM_STATS_H

#include <stdatomic.h>

#include "shared_page.h"

/* Where the counters are. */
extern _Atomic(shared_u64 *) stats;

static inline void stat_add(enum counter s, uint64_t n)
{
	__atomic_fetch_add(&atomic_load_explicit(&stats, memory_order_relaxed)[s], n,
			   __ATOMIC_RELAXED);
}

static inline void stat_inc(enum counter s)
{
	stat_add(s, 1);
}

uint64_t stat_get(enum counter s);

/* From now on in @page, which has zeros. What another thread counts in that instant may be lost. */
void stats_publish(shared_u64 *page);

/* In a child, whose parent the page belongs to: from zero. */
void stats_unpublish(void);

void stats_log(void);

#endif
