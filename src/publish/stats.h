/* SPDX-License-Identifier: MIT */
/*
 * Counters of what happened (enum counter of status_file.h). Each counter stands for itself and
 * orders nothing. The shim raises them on the slow paths only, prints them in one line at exit
 * where PRIMESHIM_LOG asks for it, and shows them in the status file where there is one. The shim
 * sees the program's own DMA_BUF_IOCTL_SYNC in mode observe and with PRIMESHIM_DIR.
 */
#ifndef PRIMESHIM_STATS_H
#define PRIMESHIM_STATS_H

#include <stdatomic.h>

#include "kernel/status_file.h"

/* The counters, in the process's own memory. */
extern shared_u64 stats[STAT_COUNT];

/* The counters in the status file; NULL: there is none. */
extern _Atomic(shared_u64 *) stats_shown;

void stats_show(shared_u64 *shown, enum counter s);

static inline void stat_add(enum counter s, uint64_t n)
{
	shared_u64 *shown;

	/*
	 * Sequentially consistent, as stats_publish() is: it sees the count, or this thread sees
	 * the file.
	 */
	__atomic_fetch_add(&stats[s], n, __ATOMIC_SEQ_CST);
	shown = atomic_load(&stats_shown);
	if (shown)
		stats_show(shown, s);
}

static inline void stat_inc(enum counter s)
{
	stat_add(s, 1);
}

uint64_t stat_get(enum counter s);

/* Shows the counters in @shown, those of the status file, from now on. */
void stats_publish(shared_u64 *shown);

/*
 * In the child of a fork(): the status file is the parent's, and the child's counters begin at 0.
 */
void stats_unpublish(void);

void stats_log(void);

#endif
