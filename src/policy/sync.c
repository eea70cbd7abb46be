// SPDX-License-Identifier: MIT
/* The policy of brackets; see sync.h. */
#include "config.h"

#include <stddef.h>

#include <linux/dma-buf.h>

#include "guard.h"
#include "settle.h"
#include "state/file.h"
#include "state/import.h"
#include "state/submit.h"
#include "sync.h"

/* A walk along a queue takes so many buffers at a time. */
#define BATCH	DMABUF_ASKS

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

/*
 * Is it known that a device has the buffer, although the kernel tells nothing of that? The program
 * is amid the submit, or the submit's fence is hidden.
 */
static bool surely_given(const struct buffer *b)
{
	return b->turns && (submit_open(b->turns->submit) ||
			    (b->turn == TURN_DEVICE && b->turns->hidden));
}

void sync_cpu(struct buffer *b, unsigned int direction, bool waited)
{
	buffers_lock();
	if (waited || !surely_given(b)) {
		b->said = direction;
		b->doubtful &= b->turns && b->turns->hidden;
		settle_event(b, ON_BEGIN, waited ? START_WAITS : START_IDLE);
	}
	settle_put(b, settle(b, PATIENT));
}

static bool hides(const struct submit *s, enum given how)
{
	return how == GIVEN_UNLISTED && s->file->table && s->file->table->quirks & QUIRK_HIDES;
}

/* @s gives @b away. */
static void given(struct buffer *b, enum given how, const struct submit *s)
{
	b->doubtful = how == GIVEN_UNLISTED;
	if (!b->turns)
		return;
	b->turns->submit = s->serial;
	if (b->turn != TURN_DEVICE) {
		b->turns->taken = s->serial;
		b->turns->hidden = false;
	}
	b->turns->hidden |= hides(s, how);
	for (struct import *imp = b->imports; imp && how == GIVEN_LISTED; imp = imp->sibling)
		imp->listed |= imp->file == s->file;
}

void sync_device(struct buffer *b, enum turn_event e, enum given how, const struct submit *s)
{
	unsigned int left;

	buffers_lock();
	b->touched = false;
	b->said = 0;
	if (s)
		given(b, how, s);
	settle_event(b, e, START_NONE);
	b->written &= e != ON_END;
	b->over |= e == ON_END;
	b->elsewhere = how == GIVEN_ELSEWHERE || (e == ON_END && b->elsewhere);
	/* The END comes after a START that another thread is making. */
	left = settle(b, IF_IDLE);
	b->ahead |= b->settling;
	settle_put(b, left);
}

static void waited(struct buffer *b, enum turn_event e)
{
	unsigned int left;

	settle_event(b, e, START_IDLE);
	left = settle(b, IF_IDLE);
	/* The shim owes no START where a device has the buffer. */
	settle_put(b, b->turn == TURN_CPU_LATER ? left : 0);
}

static void taken_back(struct buffer *b, const struct submit *s)
{
	if (b->turns && b->turns->taken == s->serial && b->turn != TURN_CPU) {
		/* The shim has just made the END. */
		b->written = false;
		waited(b, ON_FENCE);
	} else {
		settle_put(b, 0);
	}
}

void sync_taken_back(struct buffer *b, const struct submit *s)
{
	buffers_lock();
	taken_back(b, s);
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

/* What a walk along the buffers is for. */
struct what {
	const struct submit *back;	/* that has failed; NULL: a wait */
	bool fence;
	const struct file *file;	/* of the fence; NULL: not known */
};

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
			    bool (*pick)(const struct buffer *b, const struct what *what),
			    const struct what *what, struct buffer **to)
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

static bool in_file(const struct buffer *b, const struct file *f)
{
	const struct import *imp = b->imports;

	while (imp && imp->file != f)
		imp = imp->sibling;
	return imp;
}

/* A wait for a fence concerns doubtful buffers in TURN_CPU, too. */
static bool may_begin(const struct buffer *b, const struct what *w)
{
	if (w->back)
		return b->turns->taken == w->back->serial && b->turn != TURN_CPU;
	return (b->turn != TURN_CPU || w->fence) && !submit_open(b->turns->submit);
}

/* Another file's fence says nothing of work whose own fence is hidden. */
static enum turn_event event_of(const struct buffer *b, const struct what *w)
{
	bool fence = w->fence && (!w->file || !b->turns || !b->turns->hidden ||
				  in_file(b, w->file));

	return fence ? ON_FENCE : ON_WAIT;
}

/*
 * Asks the kernel at once which of a batch are busy: a program may be woken for other things again
 * and again while many are. Lets the lock go meanwhile.
 */
static void ask_all(struct buffer **batch, unsigned int n, struct dmabuf_ask *asks)
{
	for (unsigned int i = 0; i < n; i++)
		asks[i] = (struct dmabuf_ask){
			.fd = buffer_fd(batch[i]),
			.direction = buffer_mapped(batch[i], true) ? DMA_BUF_SYNC_RW :
								     DMA_BUF_SYNC_READ,
		};
	buffers_unlock();
	dmabuf_all_busy(asks, n);
	buffers_lock();
}

static void waited_for(const struct what *what)
{
	struct dmabuf_ask asks[BATCH];
	struct buffer *batch[BATCH];
	struct walk w;
	unsigned int n;

	buffers_lock();
	w = walk_begin(&settle_owed);
	while ((n = walk_on(&w, &settle_owed, of_owed, may_begin, what, batch))) {
		const bool asked = !what->fence && !what->back && n > 1;

		if (asked)
			ask_all(batch, n, asks);
		for (unsigned int i = 0; i < n; i++) {
			struct buffer *b = batch[i];

			if (what->back)
				taken_back(b, what->back);
			/* Meanwhile another thread may have given it away, or unmapped it. */
			else if (!b->turns || !may_begin(b, what) ||
				 (asked && asks[i].busy && b->turn >= TURN_DEVICE_READS))
				settle_put(b, 0);
			else
				waited(b, event_of(b, what));
			buffers_lock();
		}
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
	waited_for(&(struct what){ .fence = fence, .file = f });
}

void sync_submit_begin(struct submit *s, struct file *f)
{
	buffers_lock();
	submit_begin(s, f);
	buffers_unlock();
}

void sync_submit_end(const struct submit *s)
{
	buffers_lock();
	submit_end(s);
	buffers_unlock();
}

void sync_file_taken_back(const struct submit *s)
{
	buffers_lock();
	s->file->unwaited -= s->file->unwaited > 0;
	buffers_unlock();
	waited_for(&(struct what){ .back = s });
}

/*
 * A wait may be for more than one submit. So many waits at most begin afresh what no submit has
 * given away since.
 */
#define MOST_UNWAITED	64

void sync_file_device(const struct submit *s, bool rest)
{
	struct file *f = s->file;
	struct buffer *batch[BATCH];
	struct walk w;
	unsigned int n;

	buffers_lock();
	f->unwaited += f->unwaited < MOST_UNWAITED;
	w = walk_begin(&f->held);
	while ((n = imports_held(f, rest, &w.after, w.last, batch, BATCH))) {
		buffers_unlock();
		for (unsigned int i = 0; i < n; i++)
			sync_device(batch[i], ON_WRITE, GIVEN_UNLISTED, s);
		buffers_lock();
	}
	buffers_unlock();
}

static bool any_frame(const struct buffer *b, const struct what *what)
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
	while ((n = walk_on(&w, &settle_framed, of_framed, any_frame, NULL, batch))) {
		buffers_unlock();
		for (unsigned int i = 0; i < n; i++)
			sync_device(batch[i], ON_READ, GIVEN, NULL);
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
