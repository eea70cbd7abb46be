/* SPDX-License-Identifier: MIT */
/*
 * The calls that end and begin the bracket of a buffer: DMA_BUF_IOCTL_SYNC, and before a START the
 * question whether the START would have to wait for a fence. settle.c says which calls it takes,
 * and sees to it that one thread at a time makes them for a buffer.
 */
#ifndef PRIMESHIM_BRACKET_H
#define PRIMESHIM_BRACKET_H

#include <stdbool.h>

#include "state/buffer.h"

/* May a START wait for a fence? */
enum start {
	START_NONE,
	START_IDLE,	/* no: without the START then */
	START_BOUND,	/* for a second, and then without the START: at a map */
	START_WAITS,	/* yes, as long as it takes: the program has just waited itself */
};

/* The calls to make, and what came of them. */
struct change {
	unsigned int from;	/* direction of the bracket that is open (DMA_BUF_SYNC_*), or 0 */
	unsigned int end;	/* direction of the END to make, or 0 */
	unsigned int start;	/* direction of the START that follows, or 0 */
	enum start how;
	bool (*starts)(struct buffer *b);	/* after the END: is the START still wanted? */
	bool fresh;		/* the descriptor is surely the dma-buf's */
	bool patient;		/* START_BOUND may wait */
	bool doubtful;		/* for the caller's use: the START may come too early */

	/* (out) */
	unsigned int open;	/* direction of the bracket that is open now, or 0 */
	bool begun;		/* the kernel has made the START */
	bool busy;		/* no START, as it would have had to wait */
	bool sure;		/* the kernel has said that the descriptor is the dma-buf's */
	bool gone;		/* the kernel has said that it is not: a raw call has closed it */
};

/*
 * Makes the END and the START of @c for @b by its private descriptor @fd, and says in @c what has
 * been done. The caller holds no lock, and no other thread is at it for @b.
 */
void bracket_change(struct buffer *b, int fd, struct change *c);

#endif
