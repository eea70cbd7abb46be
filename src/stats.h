/* SPDX-License-Identifier: MIT */
/*
 * What happened, counted. Relaxed atomics: each counter stands for itself and orders nothing.
 * Raised on the slow paths only. Printed in one line at exit where PRIMESHIM_LOG asks for it.
 */
#ifndef PRIMESHIM_STATS_H
#define PRIMESHIM_STATS_H

#include <stdatomic.h>

enum counter {
	STAT_IMPORT,		/* PRIME_FD_TO_HANDLE seen to succeed */
	STAT_LEARNED,		/* import found out when its map was refused */
	STAT_STALE,		/* handle found to hold another dma-buf than remembered */
	STAT_REFUSED,		/* map ioctl of an import that the driver refused */
	STAT_OFFSET,		/* such a refusal answered with a synthetic offset */
	STAT_REDIRECTED,	/* mmap served from the dma-buf */
	STAT_NATIVE,		/* mmap of an import served by the driver */
	STAT_FALLBACK,		/* the dma-buf way failed; the native way was taken */
	STAT_DENIED,		/* mmap of an import refused, as PRIMESHIM_MODE=deny wants it */
	STAT_EXPORT,		/* PRIME_HANDLE_TO_FD that was given DRM_RDWR */
	STAT_BEGIN,		/* DMA_BUF_IOCTL_SYNC START */
	STAT_END,		/* DMA_BUF_IOCTL_SYNC END */
	STAT_OWED,		/* START left out: the buffer was busy */
	STAT_BLOCKED,		/* nanoseconds in START */
	STAT_TOLD,		/* a driver was told that the CPU's accesses of an import begin */
	STAT_OWN,		/* its own DMA_BUF_IOCTL_SYNC START with imports live; observe counts */
	STAT_TOUCHED,		/* PRIMESHIM_SYNC=trap: touch while it was not the CPU's turn */
	STAT_COUNT,
};

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
