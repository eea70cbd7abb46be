/* SPDX-License-Identifier: MIT */
/*
 * The policy of brackets: DMA_BUF_IOCTL_SYNC around the CPU's accesses to mapped imports. A bracket
 * belongs to a dma-buf, whichever handles and mappings it has. Whose turn it is goes by the table
 * in state/turn.h; with PRIMESHIM_SYNC=map it is always the CPU's.
 *
 * A START waits for fences, without a time-out: so where the program has not just waited itself the
 * dma-buf is asked first. A map waits for a second, as the program may be about to signal the
 * fence; all else does not wait. What is left out is begun by the next map, begin or wait.
 *
 * With PRIMESHIM_SYNC=trap the pages are shut while there is no bracket (guard.h). None but
 * sync_forked() may be called with a lock held.
 */
#ifndef PRIMESHIM_SYNC_H
#define PRIMESHIM_SYNC_H

#include <stdbool.h>
#include <stdint.h>

#include "state/buffer.h"
#include "state/turn.h"

struct file;

/* The mappings of @b have changed; @added to. Takes over the caller's reference to @b. */
void sync_mapped(struct buffer *b, bool added);

/*
 * A mapping of @b was left out in the child of a fork(). The bracket is the parent's, so the child
 * begins none for that. Takes over the reference.
 */
void sync_left_out(struct buffer *b);

/* The map ioctl of @b was asked: if it is mapped, then as at a map. Takes over the reference. */
void sync_asked(struct buffer *b);

/*
 * It is the CPU's turn with @b, for @direction (DMA_BUF_SYNC_*, or 0: for what its mappings are
 * for). @waited: the program has just waited for that, so a START may wait as well. Takes over the
 * reference.
 */
void sync_cpu(struct buffer *b, unsigned int direction, bool waited);

/* How it is known that a device is given a buffer. */
enum given {
	GIVEN,			/* by what is no submit */
	GIVEN_ELSEWHERE,	/* it was exported */
	GIVEN_LISTED,		/* the submit has it in its list */
	GIVEN_UNLISTED,		/* the submit may be about any */
};

/*
 * ON_END, ON_READ or ON_WRITE (turn.h): on return the END is done, unless another thread is amid a
 * START that waits for a fence (which the END then follows). Takes over the reference.
 */
void sync_device(struct buffer *b, enum turn_event e, enum given how);

/*
 * ON_WRITE of all that is mapped of the file, by a submit that has no list; @rest: by one whose
 * list is partial, so of what has never been in one.
 */
void sync_file_device(struct file *f, bool rest);

/* That call has failed: what was handed over is the CPU's, unless a device is still at it. */
void sync_taken_back(struct buffer *b);
void sync_file_taken_back(struct file *f);

/* A frame buffer is made of @b, whose reference this takes over. */
void sync_framed(struct buffer *b);

/* ON_READ of all that frame buffers are made of. */
void sync_shown(void);

/* A submit of the file is about to be made (1), or has been (-1). */
void sync_submitting(struct file *f, int more);

/*
 * The program has waited for something, surely a device's work where it is a @fence, of @f or NULL:
 * begin what has no bracket, unless a device is still at it.
 */
void sync_waited(bool fence, struct file *f);

/*
 * Wait until no thread is at DMA_BUF_IOCTL_SYNC for @b, which goes by the number of the descriptor;
 * for a second at most. With buffers_lock() held, which is let go meanwhile.
 */
void sync_await(struct buffer *b);

/* In every hook: has a signal handler left a START of this thread's by a jump? Then that is over.
 */
void sync_left(void);

enum touch { TOUCH_CPU, TOUCH_DEVICE, TOUCH_BUSY };

/*
 * PRIMESHIM_SYNC=trap: a page of @b was touched that may have been shut. On return the pages are
 * open and it is the CPU's turn, with a START unless that would have to wait. Whose turn it was:
 * the CPU's if they were open, or about to be; TOUCH_BUSY if it had to wait. Takes over the
 * reference.
 */
enum touch sync_touched(struct buffer *b);

/*
 * In the child of a fork(), with buffers_lock() held: a bracket belongs to the process that began
 * it, and the threads that were at work on one are not here.
 */
void sync_forked(void);

/* The process exits: END every open bracket. */
void sync_exit(void);

#endif
