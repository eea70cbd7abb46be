/* SPDX-License-Identifier: MIT */
/*
 * What happened, counted (enum counter of status_file.h). Each counter stands for itself and orders
 * nothing. Raised on the slow paths only. Printed in one line at exit where PRIMESHIM_LOG asks for
 * it; shown in the shared page where there is one. The program's own DMA_BUF_IOCTL_SYNC are seen in
 * mode observe, and with PRIMESHIM_DIR.
 */
#ifndef PRIMESHIM_STATS_H
#define PRIMESHIM_STATS_H

#include <stdatomic.h>

#include "kernel/status_file.h"

/* The counters, in the process's own memory. */
extern shared_u64 stats[STAT_COUNT];

/* Where they are shown as well: in the shared page. NULL: nowhere. */
extern _Atomic(shared_u64 *) stats_shown;

void stats_show(shared_u64 *page, enum counter s);

static inline void stat_add(enum counter s, uint64_t n)
{
	shared_u64 *page;

	/* Sequentially consistent, as stats_publish() is: it sees the count, or we the page. */
	__atomic_fetch_add(&stats[s], n, __ATOMIC_SEQ_CST);
	page = atomic_load(&stats_shown);
	if (page)
		stats_show(page, s);
}

static inline void stat_inc(enum counter s)
{
	stat_add(s, 1);
}

uint64_t stat_get(enum counter s);

/* From now on shown in @page, too. */
void stats_publish(shared_u64 *page);

/* In a child, whose parent the page belongs to: from zero. */
void stats_unpublish(void);

void stats_log(void);

#endif
