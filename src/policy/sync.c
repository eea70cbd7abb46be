// SPDX-License-Identifier: MIT
/* The policy of brackets; see sync.h. */
#include "config.h"

#include <linux/dma-buf.h>

#include "due.h"
#include "guard.h"
#include "settle.h"
#include "state/file.h"
#include "state/import.h"
#include "state/submit.h"
#include "state/timeline.h"
#include "sync.h"

/* A walk along a queue takes so many buffers at a time. */
#define BATCH	DMABUF_ASKS

void sync_mapped(struct buffer *b)
{
	buffers_lock();
	b->written |= buffer_mapped(b, true) && !b->over;
	/* A begin that came before the first map is for this map. */
	if (buffer_mapped(b, false) + buffer_mapped(b, true) > 1)
		b->said = 0;
	settle_event(b, ON_MAP, START_BOUND);
	settle_put(b, settle(b, NOT));
}

void sync_unmapped(struct buffer *b)
{
	buffers_lock();
	b->written |= buffer_mapped(b, true) && !b->over;
	if (!buffer_is_mapped(b)) {
		settle_event(b, ON_UNMAP, START_NONE);
		/* A begin that comes before the next map is not this mapping's. */
		if (buffer_fd(b) >= 0)
			b->said = 0;
	}
	settle_put(b, settle(b, NOT));
}

void sync_asked(struct buffer *b)
{
	buffers_lock();
	if (due_can(b)) {
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
		b->said = 0;
		settle_put(b, settle(b, NOT));
	} else {
		settle_put(b, 0);
	}
}

static bool in_file(const struct buffer *b, const struct file *f)
{
	const struct import *imp = b->imports;

	while (imp && imp->file != f)
		imp = imp->sibling;
	return imp;
}

static bool any_missed;		/* a buffer's turns->missed may be set */

/*
 * Is a thread in a submit that gives @b away, or may? The kernel does not yet tell that a device
 * has it. A wait that comes now is made up for after the submit.
 */
static bool in_submit(struct buffer *b)
{
	const struct import *imp = b->turn == TURN_DEVICE && b->doubtful ? b->imports : NULL;

	if (!submits_open || !b->turns)
		return false;
	while (imp && !submit_open_of(imp->file))
		imp = imp->sibling;
	if (!imp && !submit_open(b->turns->submit))
		return false;
	b->turns->missed = any_missed = true;
	return true;
}

void sync_cpu(struct buffer *b, unsigned int direction, bool waited)
{
	buffers_lock();
	if (waited || !in_submit(b)) {
		b->said = direction;
		b->doubtful &= b->turns && b->turns->hidden;
		settle_event(b, ON_BEGIN, waited ? START_WAITS : START_IDLE);
	}
	settle_put(b, settle(b, PATIENT));
}

void sync_idle(struct buffer *b, unsigned int direction)
{
	buffers_lock();
	if (!in_submit(b)) {
		if (b->turn == TURN_CPU_LATER || b->turn == TURN_DEVICE)
			b->said = direction;
		b->doubtful &= b->turns && b->turns->hidden;
		settle_event(b, ON_WAIT, START_IDLE);
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
	bool device = b->turn == TURN_DEVICE, hidden = device && b->turns && b->turns->hidden;

	b->doubtful = how == GIVEN_UNLISTED || hidden;
	if (!b->turns)
		return;
	b->turns->submit = s->serial;
	if (!device)
		b->turns->taken = s->serial;
	b->turns->hidden = hidden || hides(s, how);
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

/* Has @s taken @b from the CPU, and no other submit been given it since? */
static bool is_taken(struct buffer *b, const struct submit *s)
{
	return b->turns && b->turns->taken == s->serial && b->turns->submit == s->serial &&
	       b->turn != TURN_CPU && !in_submit(b);
}

static void taken_back(struct buffer *b, const struct submit *s)
{
	if (is_taken(b, s)) {
		/* Of hidden work nobody knows whether it is over. */
		waited(b, b->turns->hidden ? ON_WAIT : ON_FENCE);
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
	if (b->guarded) {
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

/* What a walk along the buffers is for. */
struct what {
	const struct submit *back;	/* that has failed; NULL: a wait */
	bool missed;			/* for waits that ended during a submit */
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
			    bool (*pick)(struct buffer *b, const struct what *what),
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

static bool may_begin(struct buffer *b, const struct what *w)
{
	if (w->back)
		return is_taken(b, w->back);
	return b->turns && (b->turns->missed || !w->missed) && (b->turn != TURN_CPU || w->fence) &&
	       !in_submit(b);
}

/* Another file's fence says nothing of work whose own fence is hidden. */
static enum turn_event event_of(const struct buffer *b, const struct what *w)
{
	bool fence = w->fence && (!w->file || !b->turns->hidden || in_file(b, w->file));

	return fence ? ON_FENCE : ON_WAIT;
}

/* The program has waited for a fence of some file: it may be any of those that hold @b. */
static void count_wait(const struct buffer *b, uint32_t wait)
{
	for (const struct import *imp = b->imports; imp; imp = imp->sibling) {
		struct file *f = imp->file;

		f->unwaited -= f->waited != wait && f->unwaited > 0;
		f->waited = wait;
		timeline_forget(f);
	}
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

/* The walk @w for @what along @q. @wait: the number of the wait. */
static void walk_for(struct walk *w, const struct queue *q, const struct what *what, uint32_t wait)
{
	struct dmabuf_ask asks[BATCH];
	struct buffer *batch[BATCH];
	unsigned int n;

	while ((n = walk_on(w, q, due_buffer, may_begin, what, batch))) {
		const bool asked = !what->fence && !what->back && n > 1;

		if (asked)
			ask_all(batch, n, asks);
		for (unsigned int i = 0; i < n; i++) {
			struct buffer *b = batch[i];

			if (what->back) {
				taken_back(b, what->back);
			/* Meanwhile another thread may have given it away, or unmapped it. */
			} else if (!may_begin(b, what) ||
				   (asked && asks[i].busy && b->turn >= TURN_DEVICE_READS)) {
				settle_put(b, 0);
			} else {
				b->turns->missed = false;
				if (what->fence && !what->file)
					count_wait(b, wait);
				waited(b, event_of(b, what));
			}
			buffers_lock();
		}
	}
}

static void waited_for(const struct what *what)
{
	static uint32_t waits;
	struct walk owed, doubtful;
	uint32_t wait;

	buffers_lock();
	wait = ++waits;
	owed = walk_begin(&due_owed);
	/* Not those that the first walk adds. */
	doubtful = walk_begin(&due_doubtful);
	walk_for(&owed, &due_owed, what, wait);
	if (what->fence)
		walk_for(&doubtful, &due_doubtful, what, wait);
	buffers_unlock();
}

void sync_waited(bool fence, struct file *f)
{
	if (f) {
		buffers_lock();
		f->unwaited -= f->unwaited > 0;
		timeline_forget(f);
		buffers_unlock();
	}
	waited_for(&(struct what){ .fence = fence, .file = f });
}

void sync_submit_begin(struct submit *s, struct file *f)
{
	buffers_lock();
	submit_begin(s, f);
	timeline_forget(f);
	buffers_unlock();
}

void sync_submit_end(const struct submit *s)
{
	bool missed;

	buffers_lock();
	submit_end(s);
	missed = any_missed;
	any_missed = false;
	buffers_unlock();
	if (missed)
		waited_for(&(struct what){ .missed = true });
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
 * given away since; programs have less work under way.
 */
#define MOST_UNWAITED	1024

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

static bool any_frame(struct buffer *b, const struct what *what)
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
	w = walk_begin(&due_framed);
	while ((n = walk_on(&w, &due_framed, due_framed_buffer, any_frame, NULL, batch))) {
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
	due_noted(b);
	buffer_put(b);
	buffers_unlock();
}
