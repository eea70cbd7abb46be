/* SPDX-License-Identifier: MIT */
/*
 * The policy of brackets: DMA_BUF_IOCTL_SYNC around the CPU's accesses to mapped imports. A bracket
 * belongs to a dma-buf, whichever handles and mappings it has. It is open while the dma-buf is
 * mapped and it is the CPU's turn; with PRIMESHIM_SYNC=map that is always.
 *
 *   map                          the CPU's turn; for RW if a mapping is writable, else for READ
 *   the driver's "CPU begins"    the CPU's turn, for what it says
 *   a wait for the buffer        the CPU's turn, as at a map
 *   a wait for something else    what was owed is begun
 *   "CPU ends", work submitted,
 *   scanout, export              the device's turn
 *   the last unmap, exit         END
 *
 * A START is left owed where it would have to wait and the program did not; any of the first four
 * tries again. With PRIMESHIM_SYNC=trap the pages are shut while there is no bracket (guard.h).
 * None but sync_forked() may be called with a lock held.
 */
#ifndef PRIMESHIM_SYNC_H
#define PRIMESHIM_SYNC_H

#include <stdbool.h>

#include "state/buffer.h"

/* The mappings of @b have changed; @added to. Takes over the caller's reference to @b. */
void sync_mapped(struct buffer *b, bool added);

/*
 * A mapping of @b was left out in the child of a fork(). The bracket is the parent's, so the child
 * begins none for that. Takes over the reference.
 */
void sync_left_out(struct buffer *b);

/*
 * It is the CPU's turn with @b, for @direction (DMA_BUF_SYNC_*, or 0: for what its mappings are
 * for). @waited: the program has just waited for that, so a START may wait as well. Takes over the
 * reference.
 */
void sync_cpu(struct buffer *b, unsigned int direction, bool waited);

/*
 * It is the device's turn with @b: on return the END is done, unless another thread is amid a START
 * (which the END then follows). Takes over the reference.
 */
void sync_device(struct buffer *b);

/* The same for every buffer that is mapped; or those of them that are in a frame buffer. */
void sync_device_all(bool framed);

/* The program has waited for something: begin what is owed, unless it still would have to wait. */
void sync_owed(void);

/*
 * Wait until no thread is at DMA_BUF_IOCTL_SYNC for @b, which goes by the number of the descriptor;
 * for a second at most. With buffers_lock() held, which is let go meanwhile.
 */
void sync_await(struct buffer *b);

/* In every hook: has a signal handler left a START of this thread's by a jump? Then that is over.
 */
void sync_left(void);

enum turn { TURN_CPU, TURN_DEVICE, TURN_NOBODYS };

/*
 * PRIMESHIM_SYNC=trap: a page of @b was touched that may have been shut. On return the pages are
 * open and it is the CPU's turn, with a START unless that would have to wait. Whose turn it was:
 * the CPU's if they were open, or about to be; nobody's if a START was owed. Takes over the
 * reference.
 */
enum turn sync_touched(struct buffer *b);

/*
 * In the child of a fork(), with buffers_lock() held: a bracket belongs to the process that began
 * it, and the threads that were at work on one are not here.
 */
void sync_forked(void);

/* The process exits: END every open bracket. */
void sync_exit(void);

#endif
