// SPDX-License-Identifier: MIT
/* From turns to brackets; see settle.h. */
#include "config.h"

#include <stdatomic.h>
#include <stddef.h>

#include <linux/dma-buf.h>

#include "base/frame.h"
#include "base/lock.h"
#include "due.h"
#include "guard.h"
#include "kernel/sandbox.h"
#include "publish/publish.h"
#include "records/report.h"
#include "settings/settings.h"
#include "settle.h"
#include "state/file.h"
#include "state/import.h"
#include "state/private.h"
#include "state/submit.h"

/* The direction of the bracket that should be open; 0: none should. */
static unsigned int wanted(const struct buffer *b)
{
	if (!due_can(b) || (b->turn != TURN_CPU && !b->start))
		return 0;
	return b->said ? b->said : buffer_mapped(b, true) ? DMA_BUF_SYNC_RW : DMA_BUF_SYNC_READ;
}

void settle_event(struct buffer *b, enum turn_event e, enum start how)
{
	/* At the unmap an END of pages that were PROT_NONE would be for nothing. */
	const struct turn_facts facts = {
		.written = b->written, .counts = b->counts, .doubtful = b->doubtful,
		.elsewhere = e == ON_UNMAP ? b->elsewhere : due_elsewhere(b),
	};
	struct turn_step s = turn_step(b->turn, due_can(b) ? e : ON_UNMAP, facts);
	bool starts = s.act == ACT_START || s.act == ACT_END_START;

	b->turn = s.turn;
	/* In TURN_CPU, too: the open bracket may be for reading alone. */
	if ((starts || b->turn == TURN_CPU) && how > b->start)
		b->start = how;
	b->start_again |= s.act == ACT_START_AGAIN;
	b->afresh |= s.act == ACT_AFRESH;
	if (b->turns && (starts || s.act == ACT_AFRESH || s.act == ACT_START_AGAIN))
		b->turns->fenced = e == ON_FENCE;
	b->end_again |= s.act == ACT_END_AGAIN || s.act == ACT_END_START;
	/*
	 * The kernel may have made another thread's START before the device was done. That START
	 * does not serve a thread whose wait has ended since.
	 */
	b->overtaken |= starts && (e == ON_WAIT || e == ON_FENCE) && b->settling && b->wanted;
	/* The program gives away what the shim was about to begin, or is just beginning. */
	if (b->turn != TURN_CPU && !starts && e != ON_BUSY && e != ON_BEGUN && e != ON_WAIT) {
		b->start = START_NONE;
		b->wanted = b->start_again = b->afresh = b->overtaken = false;
	}
	due_noted(b);
}

/* The kernel has the bracket @open of @b now; 0: none. */
static void note(struct buffer *b, unsigned int open)
{
	b->bracket = open;
	if (open)
		b->touched = b->late = false;
	due_noted(b);
}

static void guard(struct buffer *b, unsigned int bracket)
{
	bool guarded = sync_now() == SYNC_TRAP && due_can(b) && !bracket && !b->touched;

	if (guarded || b->guarded)
		guard_set(b, guarded);
}

/*
 * What this thread is at. A START may wait, and a signal handler may leave the START by a jump. The
 * thread's next hook finds the work here (settle_left()).
 */
static __thread struct work {
	struct buffer *b;
	struct frame frame;	/* of settle() */
	uint8_t round;		/* buffer->round */
} work;

/* A thread waits so long for another thread. */
#define PATIENCE_NS	UINT64_C(1000000000)
#define ROUND_MS	10
#define MOST_ROUNDS	1000

static atomic_uint settled_count;	/* threads wait on it; a settled buffer raises it */
static atomic_uint waiting;		/* how many threads wait */

/* With the lock held, which orders the two counters. */
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
 * The kernel has made the END, and the START follows. Other threads wait for an END, and mostly not
 * for a START, which may take long. False if the program has given the buffer away meanwhile: the
 * START is not made then.
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

/* Would the START that is under way wait? */
static bool is_busy(const struct buffer *b)
{
	unsigned int direction = b->turns ? b->turns->starting : DMA_BUF_SYNC_RW;
	const struct dmabuf_id id = buffer_id(b);
	int fd = buffer_fd(b);
	bool writer, busy;

	buffers_unlock();
	busy = dmabuf_is(fd, &id) && dmabuf_busy(fd, direction, 0, &writer);
	buffers_lock();
	return busy;
}

/*
 * Waits for another thread that is at DMA_BUF_IOCTL_SYNC for @b, for PATIENCE_NS at most. The
 * caller holds the lock, and the function lets the lock go meanwhile. False if the other thread is
 * still at it, or if it is this very thread, which a signal handler has interrupted: the thread
 * that is at it goes round once more for what others have changed.
 */
static bool await(struct buffer *b, enum patience patience)
{
	uint64_t until = b->settling ? publish_now() + PATIENCE_NS : 0;

	/* In a sandbox there may be no clock. */
	for (unsigned int i = 0; b->settling && publish_now() < until && i < MOST_ROUNDS; i++) {
		unsigned int seen = atomic_load_explicit(&settled_count, memory_order_relaxed);

		if (work.b == b || (b->starting && patience == NOT))
			return false;
		if (b->starting && patience == IF_IDLE && is_busy(b))
			return false;
		atomic_fetch_add_explicit(&waiting, 1, memory_order_relaxed);
		buffers_unlock();
		word_wait(&settled_count, seen, ROUND_MS);
		buffers_lock();
		atomic_fetch_sub_explicit(&waiting, 1, memory_order_relaxed);
	}
	b->settling = false;
	return true;
}

void settle_await(struct buffer *b)
{
	await(b, PATIENT);
}

void settle_left(void)
{
	if (submit_mine.serial && frame_left(&submit_mine.frame)) {
		buffers_lock();
		submit_end(&(struct submit){ .serial = submit_mine.serial });
		buffers_unlock();
	}
	if (!work.b || !frame_left(&work.frame))
		return;
	/* The reference stays: if settle()'s frame exists after all, it drops the reference. */
	buffers_lock();
	if (work.b->settling && work.b->round == work.round) {
		end_work(work.b);
		work.b->bracket = 0;
		settle_event(work.b, ON_BUSY, START_NONE);
	}
	buffers_unlock();
	work.b = NULL;
}

/*
 * May the START that follows come too early? The kernel does not tell of hidden work, and what has
 * just ended was no fence. Or the fence was for other work: the program has not waited for all
 * submits without a list, or a submit is under way.
 */
static bool is_doubtful(const struct buffer *b)
{
	const struct import *imp = b->imports;

	if (b->turns && b->turns->hidden && !b->turns->fenced)
		return true;
	while (imp && !(b->doubtful && imp->file->unwaited) && !submit_open_of(imp->file))
		imp = imp->sibling;
	return imp;
}

/*
 * Puts into @c which calls bring the bracket in line with the turn. False if no call does; @c then
 * keeps the outcome of the calls before.
 */
static bool plan(const struct buffer *b, struct change *c)
{
	unsigned int to = wanted(b);
	bool hidden = b->turns && b->turns->hidden;
	struct change p = { .from = b->bracket, .how = b->start, .fresh = b->fresh,
			    .patient = !b->late, .starts = starts_now };

	/* An END for reading undoes no byte, and gives the kernel an END for each START. */
	if (b->bracket && (b->bracket != to || b->afresh || b->early ||
			   (b->start_again && b->bracket == DMA_BUF_SYNC_READ)))
		p.end = b->unused || (b->afresh && b->turns && b->turns->guess) ?
				DMA_BUF_SYNC_READ : b->bracket;
	else if (!b->bracket && b->end_again && due_may_sync(b))
		p.end = DMA_BUF_SYNC_RW;
	if (to && (b->bracket != to || b->start_again || b->afresh || b->early))
		p.start = to;
	p.doubtful = p.start && (b->start == START_IDLE || hidden) && is_doubtful(b);
	if (!p.end && !p.start)
		return false;
	*c = p;
	return true;
}

/* Records what bracket_change() has done. With the lock held. */
static void outcome(struct buffer *b, const struct change *c)
{
	end_work(b);
	/* A program that tells the driver of its ends does not write after an end. */
	b->over &= !c->start;
	b->written = buffer_mapped(b, true) > 0 && !b->over;
	note(b, c->open);
	/* If a device was given the buffer meanwhile, the next round ends the bracket again. */
	if (c->begun && b->wanted) {
		b->doubtful = c->doubtful;
		settle_event(b, ON_BEGUN, START_NONE);
	} else if (c->start && c->open && b->wanted) {
		/* The bracket is open as it was: one more START might undo what the CPU wrote. */
		settle_event(b, ON_BEGUN, START_NONE);
	} else if (!c->open && b->turn == TURN_CPU) {
		settle_event(b, ON_BUSY, START_NONE);
	}
	/*
	 * A device had the buffer before the START, and a device has the buffer again. That device
	 * may be writing, and an END for writing would put what the CPU has read over its bytes.
	 */
	if (b->ahead && b->turn == TURN_DEVICE)
		b->end_again = false;
	b->early = c->begun && !b->wanted;
	if (b->turns && (c->begun || !c->open)) {
		b->turns->guess = c->begun && c->doubtful && b->turns->hidden &&
				  !b->turns->fenced && c->how != START_WAITS;
		b->turns->hidden &= !c->begun || c->doubtful;
	}
	b->unused = b->early && !c->from && !b->end_again;
	/* One more START. The CPU has not written since the last: an END for reading will do. */
	if (b->overtaken && c->begun)
		b->afresh = b->unused = true;
	b->overtaken = false;
	b->ahead = false;
	b->wanted = false;
	b->late |= c->busy && c->how == START_BOUND;
}

unsigned int settle(struct buffer *b, enum patience patience)
{
	struct change c = { .busy = false };
	const struct work outer = work;
	int closing = -1;

	while (await(b, patience) && plan(b, &c)) {
		int fd = buffer_fd(b);
		uint8_t round;
		bool alive;

		b->fresh = b->end_again = b->start_again = b->afresh = false;
		b->early = b->unused = false;
		b->start = START_NONE;
		b->settling = true;
		b->wanted = c.start != 0;
		/* A thread that gives the buffer to a device meanwhile waits for an END. */
		b->starting = c.start && !c.end;
		if (b->turns)
			b->turns->starting = c.start;
		round = ++b->round;
		work = (struct work){ b, frame_noted(__builtin_frame_address(0)), round };
		/* The pages become PROT_NONE before the END, and accessible after the START. */
		if (!c.start)
			guard(b, 0);
		buffers_unlock();
		bracket_change(b, fd, &c);
		buffers_lock();
		/*
		 * A handler that has unblocked its signal made a call meanwhile, which took this
		 * frame for left; and nobody has been at the buffer since.
		 */
		alive = !work.b && b->turn != TURN_NONE && buffer_fd(b) == fd;
		work = outer;
		/* It took longer than PATIENCE_NS, and another thread has taken over. */
		if (!(b->settling || alive) || b->round != round)
			return 0;
		outcome(b, &c);
		if (c.gone && buffer_fd(b) == fd) {
			buffer_set_fd(b, -1);
			settle_event(b, ON_UNMAP, START_NONE);
			buffers_unlock();
			descriptor_gone(fd, b);
			buffers_lock();
		}
	}
	if (!b->settling) {
		b->fresh = b->end_again = b->start_again = b->afresh = false;
		b->start = START_NONE;
		if (b->turn != TURN_NONE && !due_can(b))
			settle_event(b, ON_UNMAP, START_NONE);
		due_noted(b);
		guard(b, b->bracket);
	}
	/* What is kept keeps its descriptor (kept.h). */
	if (!b->settling && !buffer_is_mapped(b) && !buffer_is_kept(b)) {
		closing = buffer_fd(b);
		buffer_set_fd(b, -1);
		due_noted(b);
	}
	if (closing >= 0) {
		buffers_unlock();
		descriptor_drop(closing, b, c.sure);
		buffers_lock();
	}
	return c.busy ? c.start : 0;
}

void settle_put(struct buffer *b, unsigned int left)
{
	if (left) {
		buffers_unlock();
		report_owed(b, left);
		buffers_lock();
	}
	buffer_put(b);
	buffers_unlock();
}

static void forked(struct buffer *b)
{
	b->settling = false;
	b->bracket = 0;
	b->end_again = b->start_again = b->afresh = false;
	b->start = START_NONE;
	settle_event(b, ON_FORK, START_NONE);
}

void settle_forked(void)
{
	buffers_visit(forked);
	submits_forked();
}

void settle_exit(void)
{
	/* A jump out of a handler may have left the lock taken for good; see lock.h. */
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
		bracket_change(b, fd, &c);
		/* The reference stays: the process is about to end. */
	}
}
