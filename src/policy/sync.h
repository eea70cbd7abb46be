/* SPDX-License-Identifier: MIT */
/*
 * The policy of brackets: DMA_BUF_IOCTL_SYNC around the CPU's accesses to mapped imports. A bracket
 * belongs to a dma-buf, whichever handles and mappings the dma-buf has. The hooks say here what the
 * program has done. The table in state/turn.h says whose turn it is then; with PRIMESHIM_SYNC=map
 * it is always the CPU's. settle.h makes the calls.
 *
 * The kernel's START waits for fences without a time-out. So the shim asks the dma-buf first,
 * unless the program has just waited itself. At a map the shim waits for a second, as the program
 * may be about to signal the fence; elsewhere it does not wait. The next map, begin or wait makes
 * up for a START that was left out.
 *
 * The caller holds no lock.
 */
#ifndef PRIMESHIM_SYNC_H
#define PRIMESHIM_SYNC_H

#include <stdbool.h>
#include <stdint.h>

#include "state/buffer.h"
#include "state/turn.h"

struct file;
struct submit;

/* The program has mapped @b, or unmapped a mapping of it. They take over the caller's reference. */
void sync_mapped(struct buffer *b);
void sync_unmapped(struct buffer *b);

/*
 * The kernel has left a mapping of @b out of the child of a fork(). The bracket is the parent's, so
 * the child makes no END. Takes over the reference.
 */
void sync_left_out(struct buffer *b);

/*
 * The program has made the map ioctl of @b. If @b is mapped, this is as at a map. Takes over the
 * reference.
 */
void sync_asked(struct buffer *b);

/*
 * The program's accesses to @b begin, of @direction (DMA_BUF_SYNC_*; 0: what its mappings allow).
 * @waited: the program has just waited for @b, so a START may wait as well. Takes over the
 * reference.
 */
void sync_cpu(struct buffer *b, unsigned int direction, bool waited);

/*
 * The program has asked whether a device is at @b, for accesses of @direction (0: any), and none
 * is. Some programs wait only if the answer is another (Mesa's freedreno): so this is a wait, and
 * the program may be writing meanwhile. Takes over the reference.
 */
void sync_idle(struct buffer *b, unsigned int direction);

/* By what does the program give a buffer to a device? */
enum given {
	GIVEN,			/* a call that is no submit */
	GIVEN_ELSEWHERE,	/* an export */
	GIVEN_LISTED,		/* a submit that has the buffer in its list */
	GIVEN_UNLISTED,		/* a submit that may use any buffer */
};

/*
 * ON_END, ON_READ or ON_WRITE (turn.h). On return the kernel has made the END, unless another
 * thread is in a START that waits for a fence: the END then follows that START. @s: the submit,
 * if it is one. Takes over the reference.
 */
void sync_device(struct buffer *b, enum turn_event e, enum given how, const struct submit *s);

/* The program is about to make a submit of @f, or has made it. */
void sync_submit_begin(struct submit *s, struct file *f);
void sync_submit_end(const struct submit *s);

/*
 * A submit without a list: ON_WRITE of all mapped imports of the file. @rest: the submit has a list
 * that is not complete, so ON_WRITE of those that no list of the file has ever had.
 */
void sync_file_device(const struct submit *s, bool rest);

/*
 * The submit has failed: what it has taken from the CPU is the CPU's again, unless another device
 * is still at it. The first takes over the reference.
 */
void sync_taken_back(struct buffer *b, const struct submit *s);
void sync_file_taken_back(const struct submit *s);

/* The program has made a frame buffer of @b. Takes over the reference. */
void sync_framed(struct buffer *b);

/* The display may read: ON_READ of all buffers of which there are frame buffers. */
void sync_shown(void);

/*
 * The program has waited: ON_WAIT of all buffers without a bracket, or ON_FENCE. @fence: surely for
 * a device's work, which the program had submitted by @f (NULL: not known).
 */
void sync_waited(bool fence, struct file *f);

enum touch { TOUCH_CPU, TOUCH_DEVICE, TOUCH_BUSY };

/*
 * PRIMESHIM_SYNC=trap: the program has touched a page of @b, which may be PROT_NONE. On return the
 * pages are accessible and it is the CPU's turn, with a START unless the START would have to wait.
 * TOUCH_CPU: it was the CPU's turn before, or about to be; TOUCH_DEVICE: it was a device's;
 * TOUCH_BUSY: the shim owed a START. Takes over the reference.
 */
enum touch sync_touched(struct buffer *b);

#endif
