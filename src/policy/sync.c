// SPDX-License-Identifier: MIT
/* The policy of brackets; see sync.h. */
#include "config.h"

#include <stddef.h>

#include "guard.h"
#include "settle.h"
#include "state/file.h"
#include "state/import.h"
#include "sync.h"

/* A walk along a queue takes so many buffers at a time. */
#define BATCH	64

void sync_mapped(struct buffer *b, bool added)
{
	buffers_lock();
	b->written |= buffer_mapped(b, true) && !b->over;
	if (added) {
		/* A begin that came before the first map is for this map. */
		if (buffer_mapped(b, false) + buffer_mapped(b, true) > 1)
			b->said = 0;
		settle_event(b, ON_MAP, START_BOUND);
	} else if (!buffer_is_mapped(b)) {
		settle_event(b, ON_UNMAP, START_NONE);
	}
	settle_put(b, settle(b, NOT));
}

void sync_asked(struct buffer *b)
{
	buffers_lock();
	if (settle_can(b)) {
		b->said = 0;
		settle_event(b, ON_MAP, START_BOUND);
	}
	settle_put(b, settle(b, NOT));
}

void sync_left_out(struct buffer *b)
{
	buffers_lock();
	/* After the last mapping settle() closes the private descriptor. */
	if (!buffer_is_mapped(b)) {
		settle_event(b, ON_UNMAP, START_NONE);
		b->end_again = false;
		settle_put(b, settle(b, NOT));
	} else {
		settle_put(b, 0);
	}
}

void sync_cpu(struct buffer *b, unsigned int direction, bool waited)
{
	buffers_lock();
	b->said = direction;
	b->doubtful = false;
	settle_event(b, ON_BEGIN, waited ? START_WAITS : START_IDLE);
	settle_put(b, settle(b, PATIENT));
}

void sync_device(struct buffer *b, enum turn_event e, enum given how)
{
	unsigned int left;

	buffers_lock();
	b->touched = false;
	b->said = 0;
	settle_event(b, e, START_NONE);
	b->written &= e != ON_END;
	b->over |= e == ON_END;
	b->elsewhere = how == GIVEN_ELSEWHERE || (e == ON_END && b->elsewhere);
	b->listed |= how == GIVEN_LISTED;
	if (how == GIVEN_LISTED || how == GIVEN_UNLISTED)
		b->doubtful = how == GIVEN_UNLISTED;
	/* The END comes after a START that another thread is making. */
	left = settle(b, IF_IDLE);
	b->ahead |= b->settling;
	settle_put(b, left);
}

/* @back: the shim has just made an END for a submit, and the submit has failed. */
static void waited(struct buffer *b, bool back)
{
	unsigned int left;

	buffers_lock();
	b->written &= !back;
	settle_event(b, ON_WAIT, START_IDLE);
	left = settle(b, IF_IDLE);
	/* The shim owes no START where a device has the buffer. */
	settle_put(b, b->turn == TURN_CPU_LATER ? left : 0);
}

void sync_taken_back(struct buffer *b)
{
	waited(b, true);
}

enum touch sync_touched(struct buffer *b)
{
	enum touch touch = TOUCH_CPU;

	buffers_lock();
	if (b->shut) {
		touch = b->turn == TURN_DEVICE || b->turn == TURN_DEVICE_READS ? TOUCH_DEVICE :
			b->settling ? TOUCH_CPU : TOUCH_BUSY;
		if (touch == TOUCH_DEVICE)
			b->said = 0;
		b->touched = true;
		settle_event(b, ON_TOUCH, START_IDLE);
		/* The thread at work may be this one, whose signal handler touches the page. */
		if (b->settling)
			guard_set(b, false);
	}
	settle_put(b, settle(b, NOT));
	return touch;
}

static struct buffer *of_owed(struct queue_link *l)
{
	return ((struct turns *)((char *)l - offsetof(struct turns, owed)))->buffer;
}

static struct buffer *of_framed(struct queue_link *l)
{
	return ((struct turns *)((char *)l - offsetof(struct turns, framed)))->buffer;
}

/* How far a walk along a queue has come: behind @after, up to @last. Under buffers_lock(). */
struct walk {
	uint32_t after, last;
};

static struct walk walk_begin(const struct queue *q)
{
	return (struct walk){ q->first ? q->first->serial - 1 : q->newest, q->newest };
}

/* Puts references to the next buffers of the queue that @pick takes into @to. How many. */
static unsigned int walk_on(struct walk *w, const struct queue *q,
			    struct buffer *(*of)(struct queue_link *l),
			    bool (*pick)(const struct buffer *b, uint64_t what), uint64_t what,
			    struct buffer **to)
{
	struct queue_link *l = queue_after(q, w->after, w->last);
	unsigned int n = 0;

	for (; l && n < BATCH && !queue_later(l->serial, w->last); l = l->next) {
		struct buffer *b = of(l);

		w->after = l->serial;
		if (pick(b, what)) {
			b->refs++;
			to[n++] = b;
		}
	}
	return n;
}

/* A wait for a fence concerns doubtful buffers in TURN_CPU, too. */
static bool may_begin(const struct buffer *b, uint64_t fence)
{
	return b->turn != TURN_CPU || fence;
}

static bool in_file(const struct buffer *b, uint64_t file)
{
	const struct import *imp = b->imports;

	while (imp && (uintptr_t)imp->file != file)
		imp = imp->sibling;
	return imp && b->turn != TURN_CPU;
}

static void waited_for(bool (*pick)(const struct buffer *b, uint64_t what), uint64_t what,
		       bool back)
{
	struct buffer *batch[BATCH];
	struct walk w;
	unsigned int n;

	buffers_lock();
	w = walk_begin(&settle_owed);
	while ((n = walk_on(&w, &settle_owed, of_owed, pick, what, batch))) {
		buffers_unlock();
		for (unsigned int i = 0; i < n; i++)
			waited(batch[i], back);
		buffers_lock();
	}
	buffers_unlock();
}

void sync_waited(bool fence, struct file *f)
{
	if (f) {
		buffers_lock();
		f->unwaited -= f->unwaited > 0;
		buffers_unlock();
	}
	waited_for(may_begin, fence, false);
}

void sync_file_taken_back(struct file *f)
{
	waited_for(in_file, (uintptr_t)f, true);
}

void sync_file_device(struct file *f, bool rest)
{
	struct buffer *batch[BATCH];
	struct walk w;
	unsigned int n;

	buffers_lock();
	f->unwaited++;
	w = walk_begin(&f->held);
	while ((n = imports_held(f, rest, &w.after, w.last, batch, BATCH))) {
		buffers_unlock();
		for (unsigned int i = 0; i < n; i++)
			sync_device(batch[i], ON_WRITE, GIVEN_UNLISTED);
		buffers_lock();
	}
	buffers_unlock();
}

static bool any_frame(const struct buffer *b, uint64_t what)
{
	(void)b;
	(void)what;
	return true;
}

void sync_shown(void)
{
	struct buffer *batch[BATCH];
	struct walk w;
	unsigned int n;

	buffers_lock();
	w = walk_begin(&settle_framed);
	while ((n = walk_on(&w, &settle_framed, of_framed, any_frame, 0, batch))) {
		buffers_unlock();
		for (unsigned int i = 0; i < n; i++)
			sync_device(batch[i], ON_READ, GIVEN);
		buffers_lock();
	}
	buffers_unlock();
}

void sync_framed(struct buffer *b)
{
	buffers_lock();
	b->framed = true;
	settle_noted(b);
	buffer_put(b);
	buffers_unlock();
}

void sync_submitting(struct file *f, int more)
{
	buffers_lock();
	f->submitting += more;
	buffers_unlock();
}
