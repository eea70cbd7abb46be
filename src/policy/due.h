/* SPDX-License-Identifier: MIT */
/*
 * What may be due for a buffer: which buffers a wait may begin, which a submit can hand over, which
 * the display may read. They lie in queues, so that such a call costs what is in its queue, and is
 * not hooked while that queue is empty.
 *
 * The caller holds buffers_lock().
 */
#ifndef PRIMESHIM_DUE_H
#define PRIMESHIM_DUE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/queue.h"
#include "kernel/sandbox.h"
#include "settings/settings.h"
#include "state/buffer.h"

/*
 * The buffers that any wait may begin, those that a fence may begin once more, and those of which
 * frame buffers are made.
 */
extern struct queue due_owed, due_doubtful, due_framed;

/* The buffer of an entry of due_owed or due_doubtful; and of due_framed. */
static inline struct buffer *due_buffer(struct queue_link *l)
{
	return ((struct turns *)((char *)l - offsetof(struct turns, owed)))->buffer;
}

static inline struct buffer *due_framed_buffer(struct queue_link *l)
{
	return ((struct turns *)((char *)l - offsetof(struct turns, framed)))->buffer;
}

/* May the shim make a START or an END of @b? */
static inline bool due_may_sync(const struct buffer *b)
{
	return sync_now() != SYNC_OFF && buffer_fd(b) >= 0 && !buffer_lacks_brackets(b) &&
	       sandbox_may(MAY_SYNC);
}

/* Can @b have a bracket now? */
static inline bool due_can(const struct buffer *b)
{
	return buffer_is_mapped(b) && due_may_sync(b);
}

/*
 * May another process write what was exported, while the program does so without telling anybody?
 * If the pages are PROT_NONE, the program does not.
 */
static inline bool due_elsewhere(const struct buffer *b)
{
	return b->elsewhere && !b->guarded;
}

/* Whose turn it is, which bracket is open, or whether @b is in a frame buffer, has changed. */
void due_noted(struct buffer *b);

#endif
