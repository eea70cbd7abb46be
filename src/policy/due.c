// SPDX-License-Identifier: MIT
/* The queues of what may be due; see due.h. */
#include "config.h"

#include "due.h"
#include "settings/watch.h"
#include "state/import.h"

struct queue due_owed, due_doubtful, due_framed;

static unsigned int given;		/* buffers whose submits matter */

static inline void queue_set(struct queue *q, struct queue_link *l, bool in)
{
	if (in == !!l->serial)
		return;
	if (in)
		queue_add(q, l);
	else
		queue_remove(q, l);
}

static inline bool queue_move(struct turns *t, struct queue *to)
{
	if (t->in == to)
		return false;
	if (t->in)
		queue_remove(t->in, &t->owed);
	if (to)
		queue_add(to, &t->owed);
	t->in = to;
	return true;
}

void due_noted(struct buffer *b)
{
	bool can = due_can(b), held = can && b->turn != TURN_NONE && b->turn != TURN_DEVICE;
	/* What the program writes silently after an export no wait begins (turn.h). */
	bool silent = b->turn == TURN_DEVICE_READS && b->written && due_elsewhere(b) && !b->counts;
	bool moved = false;

	/* The shim sees the submits of what a device has, too: a wait may come during a submit. */
	if (can != b->watched) {
		given += can - b->watched;
		b->watched = can;
		watch_count(WATCH_BRACKETS, given);
	}
	if (b->held != held)
		import_hold(b, held);
	if (b->turns) {
		queue_set(&due_framed, &b->turns->framed, held && b->framed);
		moved = queue_move(b->turns, !can || b->turn == TURN_NONE || silent ? NULL :
				   b->turn != TURN_CPU ? &due_owed :
				   b->doubtful ? &due_doubtful : NULL);
	}
	if (!can)
		buffer_drop_turns(b);
	if (moved)
		watch_count(WATCH_OWED, sync_turns() || settings.dir ?
				due_owed.n + due_doubtful.n : 0);
	buffer_changed(b);
}
