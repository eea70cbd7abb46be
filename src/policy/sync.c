// SPDX-License-Identifier: MIT
/* The policy of brackets; see sync.h. */
#include "config.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>

#include <linux/dma-buf.h>

#include "base/lock.h"
#include "guard.h"
#include "kernel/sandbox.h"
#include "records/report.h"
#include "report/publish.h"
#include "report/stats.h"
#include "settings/log.h"
#include "settings/settings.h"
#include "settings/watch.h"
#include "state/descriptor.h"
#include "state/private.h"
#include "state/file.h"
#include "state/import.h"
#include "sync.h"

/* Of the files' queues a walk takes so many buffers at a time. */
#define BATCH	64

/* A map waits so long for a fence. */
#ifndef BOUND_MS
#define BOUND_MS	1000
#endif
#define SLICE_MS	20

/* How a START is to be made. */
enum start {
	START_NONE,
	START_IDLE,	/* unless it would have to wait */
	START_BOUND,	/* it may wait for BOUND_MS */
	START_WAITS,	/* the program has waited for it */
};

static unsigned int given;		/* buffers whose submits matter; under buffers_lock() */
static struct queue owed;		/* those that a wait may begin */
static struct queue framed;		/* those that can be shown */

static bool may_sync(const struct buffer *b)
{
	return sync_now() != SYNC_OFF && buffer_fd(b) >= 0 && !buffer_lacks_brackets(b) &&
	       sandbox_may(MAY_SYNC);
}

static bool can_bracket(const struct buffer *b)
{
	return buffer_is_mapped(b) && may_sync(b);
}

/* The bracket that is to be open. */
static unsigned int wanted(const struct buffer *b)
{
	if (!can_bracket(b) || (b->turn != TURN_CPU && !b->start))
		return 0;
	return b->said ? b->said : buffer_mapped(b, true) ? DMA_BUF_SYNC_RW : DMA_BUF_SYNC_READ;
}

static void queue_set(struct queue *q, struct queue_link *l, bool in)
{
	if (in)
		queue_add(q, l);
	else
		queue_remove(q, l);
}

/* Whose turn it is, or which bracket is open, has changed. */
static void noted(struct buffer *b)
{
	bool can = can_bracket(b), held = can && b->turn != TURN_NONE && b->turn != TURN_DEVICE;
	/* Whatever has no list and follows is to be counted. */
	bool watched = held || (can && b->turn == TURN_DEVICE && b->doubtful);

	given += watched - b->watched;
	b->watched = watched;
	import_hold(b, held);
	if (b->turns) {
		queue_set(&framed, &b->turns->framed, held && b->framed);
		queue_set(&owed, &b->turns->owed, can && b->turn != TURN_NONE &&
						  (b->turn != TURN_CPU || b->doubtful));
	}
	if (!can)
		buffer_drop_turns(b);
	watch_count(WATCH_BRACKETS, given);
	watch_count(WATCH_OWED, sync_turns() || settings.dir ? owed.n : 0);
	buffer_changed(b);
}

/* The one place where a turn changes: by the table in turn.h. @how: of a START that follows. */
static void happened(struct buffer *b, enum turn_event e, enum start how)
{
	const struct turn_facts facts = {
		.written = b->written, .counts = b->counts, .doubtful = b->doubtful,
		.elsewhere = b->elsewhere,
	};
	struct turn_step s = turn_step(b->turn, can_bracket(b) ? e : ON_UNMAP, facts);
	bool starts = s.act == ACT_START || s.act == ACT_END_START;

	b->turn = s.turn;
	/* Also where the bracket that is open is for less. */
	if ((starts || b->turn == TURN_CPU) && how > b->start)
		b->start = how;
	b->start_again |= s.act == ACT_START_AGAIN;
	b->afresh |= s.act == ACT_AFRESH;
	b->end_again |= s.act == ACT_END_AGAIN || s.act == ACT_END_START;
	/*
	 * Another thread's START is under way. It may have been made before the device was done,
	 * and does not do for a thread that has waited since.
	 */
	b->overtaken |= starts && e == ON_WAIT && b->settling && b->wanted;
	/* What was to be begun, or is just being begun, is given away. */
	if (b->turn != TURN_CPU && !starts && e != ON_BUSY && e != ON_BEGUN) {
		b->start = START_NONE;
		b->wanted = b->start_again = b->afresh = b->overtaken = false;
	}
	noted(b);
}

/* @b has the bracket @open now. */
static void note(struct buffer *b, unsigned int open)
{
	b->bracket = open;
	if (open)
		b->touched = b->late = false;
	noted(b);
}

/* The exporter has no brackets: remembered, and not asked again. */
static void no_brackets(struct buffer *b, int err)
{
	bool news;

	buffers_lock();
	news = !buffer_lacks_brackets(b);
	buffer_set_deaf(b);
	buffers_unlock();
	if (news)
		log_line("no brackets for dma-bufs like this one, of %llu bytes: %s",
			 (unsigned long long)buffer_size(b), log_errno(err));
}

/* What is to be done, and what has been. */
struct change {
	unsigned int from;	/* the bracket that is open */
	unsigned int end;	/* the direction of an END, or 0 */
	unsigned int start;	/* and of a START that follows */
	enum start how;
	bool fresh;		/* the descriptor is surely the dma-buf's */
	bool patient;		/* a fence is waited for */
	bool doubtful;		/* the START may come too early; as things are before it */

	unsigned int open;	/* the bracket that is open now */
	bool busy;		/* the START was left out, as it would have had to wait */
	bool sure;		/* the descriptor was asked whether it is the dma-buf's */
	bool gone;		/* it is not: a raw system call has closed it */
};

/*
 * May the START be made? Where the bracket is open (@from) and the program may have written, one
 * more is made only if a device was to write: it would undo what has not been ended.
 */
static bool may_start(const struct buffer *b, struct change *c, int fd)
{
	bool bound = c->how == START_BOUND && c->patient, writer = false, one;
	uint64_t until = bound ? publish_now() + BOUND_MS * UINT64_C(1000000) : 0;
	int ret;

	if (c->how == START_WAITS)
		return true;
	do {
		/* Handlers run in between; poll() amid that would be a point of cancellation. */
		struct outside out = outside_begin(false);

		outside_end(&out);
		ret = dmabuf_busy(fd, c->start, bound ? SLICE_MS : 0, &one);
		writer |= one;
	} while (ret > 0 && bound && publish_now() < until);
	c->busy = ret;
	if (c->busy && bound) {
		stat_inc(STAT_LATE);
		log_line("a dma-buf of %llu bytes is mapped, and its fence has not come in %u ms",
			 (unsigned long long)buffer_size(b), BOUND_MS);
	}
	return !c->busy && (!c->open || c->how != START_BOUND || writer ||
			    !(c->start & DMA_BUF_SYNC_WRITE));
}

static void guard(struct buffer *b, unsigned int bracket)
{
	bool shut = sync_now() == SYNC_TRAP && can_bracket(b) && !bracket && !b->touched;

	if (shut || b->shut)
		guard_set(b, shut);
}

/*
 * The buffer that this thread is at DMA_BUF_IOCTL_SYNC for. A START may wait, and a signal handler
 * leave it by a jump: then the next hook of the thread finds this.
 */
static __thread struct work {
	struct buffer *b;
	const char *frame;	/* of settle(), on the stack */
	uint8_t round;		/* buffer->round */
} work;

/* How long another thread is waited for. */
#define PATIENCE_NS	UINT64_C(1000000000)

/* Further down the stack than this no handler is thought to be. */
#define DEEPEST	65536

static atomic_uint settled_count;	/* goes up whenever a buffer is settled; waited on */
static atomic_uint waiting;		/* threads that do */

/* With the lock held, which orders both. */
static void wake_waiting(void)
{
	atomic_fetch_add_explicit(&settled_count, 1, memory_order_relaxed);
	if (atomic_load_explicit(&waiting, memory_order_relaxed))
		word_wake(&settled_count);
}

static void end_work(struct buffer *b)
{
	b->settling = b->starting = false;
	wake_waiting();
}

/*
 * The END is made, and the START comes, which others may not wait for. False if it is not wanted
 * any more: the buffer has been given away meanwhile.
 */
static bool starts_now(struct buffer *b)
{
	bool wanted;

	buffers_lock();
	wanted = b->settling && b->round == work.round && b->wanted;
	if (wanted) {
		b->starting = true;
		wake_waiting();
	}
	buffers_unlock();
	return wanted;
}

static void change(struct buffer *b, int fd, struct change *c)
{
	const struct dmabuf_id id = buffer_id(b);
	struct outside out;
	uint64_t at;
	bool asked;
	int ret;

	c->gone = !c->fresh && !dmabuf_is(fd, &id);
	if (c->gone) {
		if (c->from)
			stat_inc(STAT_LOST);
		return;
	}
	c->sure = true;
	c->open = c->from;
	/* An END for the sake of the START is of no use without it. */
	asked = c->end && c->start && c->how == START_IDLE;
	if (asked && !may_start(b, c, fd))
		return;
	if (c->end) {
		at = publish_now();
		dmabuf_sync(fd, DMA_BUF_SYNC_END | c->end);
		report_end(b, c->end, publish_now() - at);
		c->open = 0;
		if (c->start && !starts_now(b))
			return;
	}
	if (!c->start || (!asked && !may_start(b, c, fd)))
		return;
	at = publish_now();
	out = outside_begin(false);
	ret = dmabuf_sync(fd, DMA_BUF_SYNC_START | c->start);
	outside_end(&out);
	at = publish_now() - at;
	/* It may have been closed just now, and the answer be another file's. */
	if (ret == -ENOTTY || ret == -EINVAL) {
		c->gone = !dmabuf_is(fd, &id);
		if (!c->gone)
			no_brackets(b, ret);
	}
	if (ret < 0) {
		stat_add(STAT_BLOCKED, at);
		return;
	}
	report_begin(b, c->start, at);
	c->open = c->start;
}

/* Whether another thread's START is waited for, which may wait itself. */
enum patience {
	NOT,
	IF_IDLE,	/* if it need not wait for a fence */
	PATIENT,
};

static bool is_busy(const struct buffer *b, unsigned int direction)
{
	const struct dmabuf_id id = buffer_id(b);
	int fd = buffer_fd(b);
	bool writer, busy;

	buffers_unlock();
	busy = dmabuf_is(fd, &id) && dmabuf_busy(fd, direction, 0, &writer);
	buffers_lock();
	return busy;
}

/*
 * Wait for another thread that is at DMA_BUF_IOCTL_SYNC for @b, with the lock held, which is let go
 * meanwhile. After a second the thread is not waited for any more. False if it is still there, or
 * is this very thread, which a signal handler has interrupted: whoever is there goes round for what
 * others have changed.
 */
static bool await(struct buffer *b, enum patience patience)
{
	uint64_t until = b->settling ? publish_now() + PATIENCE_NS : 0;

	while (b->settling && publish_now() < until) {
		unsigned int seen = atomic_load_explicit(&settled_count, memory_order_relaxed);

		if (work.b == b || (b->starting && patience == NOT))
			return false;
		if (b->starting && patience == IF_IDLE && is_busy(b, DMA_BUF_SYNC_READ))
			return false;
		atomic_fetch_add_explicit(&waiting, 1, memory_order_relaxed);
		buffers_unlock();
		word_wait(&settled_count, seen, 10);
		buffers_lock();
		atomic_fetch_sub_explicit(&waiting, 1, memory_order_relaxed);
	}
	b->settling = false;
	return true;
}

void sync_await(struct buffer *b)
{
	await(b, PATIENT);
}

void sync_left(void)
{
	const char *here = __builtin_frame_address(0);
	stack_t alternate;

	if (!work.b || (here < work.frame && work.frame - here < DEEPEST) ||
	    (sandbox_may(MAY_ALTSTACK) && !sigaltstack(NULL, &alternate) &&
	     alternate.ss_flags & SS_ONSTACK))
		return;
	/* Its reference is not dropped: should the frame be there after all, it has it. */
	buffers_lock();
	if (work.b->settling && work.b->round == work.round) {
		end_work(work.b);
		work.b->bracket = 0;
		happened(work.b, ON_BUSY, START_NONE);
	}
	buffers_unlock();
	work.b = NULL;
}

/*
 * Does a wait prove nothing of it? While there is work without a list that has not
 * been waited for, or a submit under way: the wait may be for one before that.
 */
static bool is_doubtful(const struct buffer *b)
{
	const struct import *imp = b->imports;

	while (imp && !(b->doubtful && imp->file->unwaited) && !imp->file->submitting)
		imp = imp->sibling;
	return imp;
}

/*
 * What it takes to bring the bracket in line with whose turn it is. False if nothing; @c then keeps
 * what came of the change before.
 */
static bool plan(const struct buffer *b, struct change *c)
{
	unsigned int to = wanted(b);
	struct change p = { .from = b->bracket, .how = b->start, .fresh = b->fresh,
			    .patient = !b->late,
			    .doubtful = b->start == START_IDLE && is_doubtful(b) };

	/* An END for reading undoes nothing, and the kernel gets one for each START. */
	if (b->bracket && (b->bracket != to || b->afresh || b->early ||
			   (b->start_again && b->bracket == DMA_BUF_SYNC_READ)))
		p.end = b->unused ? DMA_BUF_SYNC_READ : b->bracket;
	else if (!b->bracket && b->end_again && may_sync(b))
		p.end = DMA_BUF_SYNC_RW;
	if (to && (b->bracket != to || b->start_again || b->afresh || b->early))
		p.start = to;
	if (!p.end && !p.start)
		return false;
	*c = p;
	return true;
}

/* What came of it, with the lock held. */
static void outcome(struct buffer *b, const struct change *c)
{
	end_work(b);
	/* A program that tells of ends does not write after them. */
	b->over &= !c->start;
	b->written = buffer_mapped(b, true) > 0 && !b->over;
	note(b, c->open);
	/* Under way it may have been given to a device: then the bracket is ended again. */
	if (c->start && c->open && b->wanted) {
		b->doubtful = c->doubtful;
		happened(b, ON_BEGUN, START_NONE);
	} else if (!c->open && b->turn == TURN_CPU) {
		happened(b, ON_BUSY, START_NONE);
	}
	/*
	 * It was a device's before the START, and is one's again: the device may be writing, and an
	 * END for writing would put what the CPU has read over that. Unless the program has written
	 * as well, and whoever gave it away waits for that END.
	 */
	if (b->ahead && b->turn == TURN_DEVICE)
		b->end_again = false;
	b->early = c->start && c->open && !b->wanted;
	b->unused = b->early && !c->from && !b->end_again;
	/* The CPU has had no turn since that START. */
	if (b->overtaken && c->start && c->open)
		b->afresh = b->unused = true;
	b->overtaken = false;
	b->ahead = false;
	b->wanted = false;
	b->late |= c->busy && c->how == START_BOUND;
}

/*
 * Issue what END and START it takes. One thread at a time is at the ioctl, and goes round for what
 * others change meanwhile. With the lock held, which is held on return. Returns the direction of a
 * START that was left out as it would have to wait, or 0.
 */
static unsigned int settle(struct buffer *b, enum patience patience)
{
	struct change c = { .busy = false };
	const struct work outer = work;
	int closing = -1;

	while (await(b, patience) && plan(b, &c)) {
		int fd = buffer_fd(b);
		uint8_t round;

		b->fresh = b->end_again = b->start_again = b->afresh = false;
		b->early = b->unused = false;
		b->start = START_NONE;
		b->settling = true;
		b->wanted = c.start != 0;
		/* An END is waited for by whoever gives the buffer to a device meanwhile. */
		b->starting = c.start && !c.end;
		round = ++b->round;
		work = (struct work){ b, __builtin_frame_address(0), round };
		/* Shut before the END, and opened after the START. */
		if (!c.start)
			guard(b, 0);
		buffers_unlock();
		change(b, fd, &c);
		buffers_lock();
		work = outer;
		/* It took too long, and somebody else has done it. */
		if (!b->settling || b->round != round)
			return 0;
		outcome(b, &c);
		if (c.gone && buffer_fd(b) == fd) {
			buffer_set_fd(b, -1);
			happened(b, ON_UNMAP, START_NONE);
			buffers_unlock();
			descriptor_gone(fd, b);
			buffers_lock();
		}
	}
	if (!b->settling) {
		b->fresh = b->end_again = b->start_again = b->afresh = false;
		b->start = START_NONE;
		if (b->turn != TURN_NONE && !can_bracket(b))
			happened(b, ON_UNMAP, START_NONE);
		noted(b);
		guard(b, b->bracket);
	}
	if (!b->settling && !buffer_is_mapped(b)) {
		closing = buffer_fd(b);
		buffer_set_fd(b, -1);
		noted(b);
		/* But a begin may come before the map. */
		if (closing >= 0)
			b->said = 0;
	}
	if (closing >= 0) {
		buffers_unlock();
		descriptor_drop(closing, b, c.sure);
		buffers_lock();
	}
	return c.busy ? c.start : 0;
}

/* Drop the reference and the lock. @left: a START that was left out, for that direction. */
static void settled(struct buffer *b, unsigned int left)
{
	if (left) {
		buffers_unlock();
		report_owed(b, left);
		buffers_lock();
	}
	buffer_put(b);
	buffers_unlock();
}

void sync_mapped(struct buffer *b, bool added)
{
	buffers_lock();
	b->written |= buffer_mapped(b, true) && !b->over;
	if (added) {
		/* A begin may come before the map, which it then is for. */
		if (buffer_mapped(b, false) + buffer_mapped(b, true) > 1)
			b->said = 0;
		happened(b, ON_MAP, START_BOUND);
	} else if (!buffer_is_mapped(b)) {
		happened(b, ON_UNMAP, START_NONE);
	}
	settled(b, settle(b, NOT));
}

void sync_asked(struct buffer *b)
{
	buffers_lock();
	if (can_bracket(b)) {
		b->said = 0;
		happened(b, ON_MAP, START_BOUND);
	}
	settled(b, settle(b, NOT));
}

void sync_left_out(struct buffer *b)
{
	buffers_lock();
	/* Without any mapping there is no START, and the descriptor is let go. */
	if (!buffer_is_mapped(b)) {
		happened(b, ON_UNMAP, START_NONE);
		b->end_again = false;
		settled(b, settle(b, NOT));
	} else {
		settled(b, 0);
	}
}

void sync_cpu(struct buffer *b, unsigned int direction, bool waited)
{
	buffers_lock();
	b->said = direction;
	b->doubtful = false;
	happened(b, ON_BEGIN, waited ? START_WAITS : START_IDLE);
	settled(b, settle(b, PATIENT));
}

void sync_device(struct buffer *b, enum turn_event e, enum given how)
{
	unsigned int left;

	buffers_lock();
	b->touched = false;
	b->said = 0;
	happened(b, e, START_NONE);
	b->written &= e != ON_END;
	b->over |= e == ON_END;
	b->elsewhere = how == GIVEN_ELSEWHERE || (e == ON_END && b->elsewhere);
	b->listed |= how == GIVEN_LISTED;
	if (how == GIVEN_LISTED || how == GIVEN_UNLISTED)
		b->doubtful = how == GIVEN_UNLISTED;
	/* A START that is under way is to be over before the END. */
	left = settle(b, IF_IDLE);
	b->ahead |= b->settling;
	settled(b, left);
}

/* @back: it has just been ended, for a call that failed. */
static void waited(struct buffer *b, bool back)
{
	unsigned int left;

	buffers_lock();
	b->written &= !back;
	happened(b, ON_WAIT, START_IDLE);
	left = settle(b, IF_IDLE);
	/* One that is a device's is owed nothing. */
	settled(b, b->turn == TURN_CPU_LATER ? left : 0);
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
		happened(b, ON_TOUCH, START_IDLE);
		/* Who is at work on it may be this very thread, amid which a handler touches it. */
		if (b->settling)
			guard_set(b, false);
	}
	settled(b, settle(b, NOT));
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

/* Where a walk along a queue is; with buffers_lock() held. */
struct walk {
	uint32_t after, last;
};

static struct walk walk_begin(const struct queue *q)
{
	return (struct walk){ q->first ? q->first->serial - 1 : q->newest, q->newest };
}

/* References to the next ones of the queue that @pick takes. */
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

/* A wait for a fence begins again what is doubtful. */
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
	w = walk_begin(&owed);
	while ((n = walk_on(&w, &owed, of_owed, pick, what, batch))) {
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
	w = walk_begin(&framed);
	while ((n = walk_on(&w, &framed, of_framed, any_frame, 0, batch))) {
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
	noted(b);
	buffer_put(b);
	buffers_unlock();
}

void sync_submitting(struct file *f, int more)
{
	buffers_lock();
	f->submitting += more;
	buffers_unlock();
}

static void forked(struct buffer *b)
{
	b->settling = false;
	b->bracket = 0;
	b->end_again = b->start_again = b->afresh = false;
	b->start = START_NONE;
	happened(b, ON_FORK, START_NONE);
}

void sync_forked(void)
{
	buffers_visit(forked);
}

void sync_exit(void)
{
	/* A thread that has the lock may be one that was left by a jump; see lock.h. */
	while (!lock_held() && buffers_lock_within(1000)) {
		struct buffer *b = buffer_bracketed();
		struct change c;
		int fd;

		if (!b) {
			buffers_unlock();
			return;
		}
		c = (struct change){ .from = b->bracket, .end = b->bracket };
		fd = buffer_fd(b);
		note(b, 0);
		b->refs++;
		buffers_unlock();
		change(b, fd, &c);
		/* The reference stays: the process is about to end. */
	}
}
