/* SPDX-License-Identifier: MIT */
/*
 * From turns to brackets. sync.c says what has happened to a buffer; the table of state/turn.h says
 * whose turn it is then, and which START and END follow. This file keeps both in the buffer's
 * record, and makes the calls (bracket.h) until the bracket is in line with the turn: one thread at
 * a time for a buffer. A thread that finds another one at it leaves its wish in the record, and the
 * other one goes round once more.
 *
 * But for settle_left() and settle_exit(), the caller holds buffers_lock().
 */
#ifndef PRIMESHIM_SETTLE_H
#define PRIMESHIM_SETTLE_H

#include <stdbool.h>

#include "bracket.h"
#include "state/buffer.h"
#include "state/turn.h"

/* The one place where a turn changes. @how: of a START that follows. settle() makes the calls. */
void settle_event(struct buffer *b, enum turn_event e, enum start how);

/* Whether another thread's START is waited for, which may wait itself. */
enum patience {
	NOT,
	IF_IDLE,	/* if it need not wait for a fence */
	PATIENT,
};

/*
 * Makes the STARTs and ENDs that it takes; lets the lock go meanwhile. Returns the direction of a
 * START that was left out, as it would have had to wait, or 0.
 */
unsigned int settle(struct buffer *b, enum patience patience);

/* Drops the reference, and releases the lock. @left: what settle() has returned. */
void settle_put(struct buffer *b, unsigned int left);

/*
 * Waits until no thread is at DMA_BUF_IOCTL_SYNC for @b, which goes by the number of the
 * descriptor; for a second at most. Lets the lock go meanwhile.
 */
void settle_await(struct buffer *b);

/*
 * In every hook, without the lock: a signal handler may have left a START of this thread's by a
 * jump. Then that START is over.
 */
void settle_left(void);

/*
 * In the child of a fork(): a bracket belongs to the process that began it, and the threads that
 * were at work on one are not here.
 */
void settle_forked(void);

/* The process exits: END every open bracket. Without the lock. */
void settle_exit(void);

#endif
