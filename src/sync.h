/* SPDX-License-Identifier: MIT */
/*
 * The policy of brackets: DMA_BUF_IOCTL_SYNC around the CPU's accesses to mapped imports.
 * PRIMESHIM_SYNC=map: a buffer is in a bracket for RW while a writable mapping of it exists, for
 * READ while only others do. None but sync_forked() may be called with a lock held.
 */
#ifndef PRIMESHIM_SYNC_H
#define PRIMESHIM_SYNC_H

#include "buffer.h"

/*
 * The mappings of @b have changed: issue what END and START it takes to bring the bracket in
 * line. Where a START would have to wait for a fence it is left owed, until the next change: the
 * program did not ask to wait. Takes over the caller's reference to @b.
 */
void sync_settle(struct buffer *b);

/*
 * In the child of a fork(), with buffers_lock() held: a bracket belongs to the process that began
 * it, and the threads that were at work on one are not here.
 */
void sync_forked(void);

/* The process exits: END every open bracket. */
void sync_exit(void);

#endif
