// SPDX-License-Identifier: MIT
/* The policy of brackets; see sync.h. */
#include "config.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>

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
#include "state/mapping.h"
#include "sync.h"

/* Of mapped buffers: with a bracket, and without; under buffers_lock(). */
static unsigned int brackets_open, brackets_owed;

static bool can_bracket(const struct buffer *b)
{
	return sync_now() != SYNC_OFF && b->fd >= 0 && (b->mapped[0] || b->mapped[1]) &&
	       !buffer_lacks_brackets(b) && sandbox_may(MAY_SYNC);
}

static unsigned int wanted(const struct buffer *b)
{
	if (b->device || !can_bracket(b))
		return 0;
	return b->said ? b->said : b->mapped[1] ? DMA_BUF_SYNC_RW : DMA_BUF_SYNC_READ;
}

/* @b has the bracket @open now. */
static void note(struct buffer *b, unsigned int open)
{
	bool owed = !open && can_bracket(b);

	brackets_open += !!open - !!b->bracket;
	brackets_owed += owed - b->owed;
	b->bracket = open;
	b->owed = owed;
	if (open)
		b->touched = false;
	watch_count(WATCH_BRACKETS, brackets_open);
	watch_count(WATCH_OWED, sync_turns() || settings.dir ? brackets_owed : 0);
	buffer_changed(b);
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

/* Have the START and the END that go from bracket @from to @to been made? */
struct change {
	unsigned int open;	/* the bracket that is open now */
	bool busy;		/* a START was left out, as it would have had to wait */
	bool sure;		/* the descriptor was asked whether it is the dma-buf's */
	bool gone;		/* it is not: a raw system call has closed it */
};

/* @fresh: @fd is surely the dma-buf's. @wait: a START may wait. */
static struct change change(struct buffer *b, int fd, unsigned int from, unsigned int to,
			    bool fresh, bool wait)
{
	const struct dmabuf_id id = buffer_id(b);
	struct change c = { .gone = !fresh && !dmabuf_is(fd, &id) };
	struct outside out;
	uint64_t at;
	int ret;

	if (c.gone) {
		if (from)
			stat_inc(STAT_LOST);
		return c;
	}
	c.sure = true;
	if (from) {
		at = publish_now();
		dmabuf_sync(fd, DMA_BUF_SYNC_END | from);
		report_end(b, from, publish_now() - at);
	}
	if (!to)
		return c;
	if (!wait && dmabuf_busy(fd, to)) {
		c.busy = true;
		return c;
	}
	at = publish_now();
	out = outside_begin(false);
	ret = dmabuf_sync(fd, DMA_BUF_SYNC_START | to);
	outside_end(&out);
	at = publish_now() - at;
	/* It may have been closed just now, and the answer be another file's. */
	if (ret == -ENOTTY || ret == -EINVAL) {
		c.gone = !dmabuf_is(fd, &id);
		if (!c.gone)
			no_brackets(b, ret);
	}
	if (ret < 0) {
		stat_add(STAT_BLOCKED, at);
		return c;
	}
	report_begin(b, to, at);
	c.open = to;
	return c;
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
	uint8_t turn;		/* buffer->turn */
} work;

/* How long another thread is waited for. */
#define PATIENCE_NS	UINT64_C(1000000000)

/* Further down the stack than this no handler is thought to be. */
#define DEEPEST	65536

static atomic_uint settled_count;	/* goes up whenever a buffer is settled; waited on */
static atomic_uint waiting;		/* threads that do */

/* With the lock held, which orders both. */
static void end_work(struct buffer *b)
{
	b->settling = b->starting = false;
	atomic_fetch_add_explicit(&settled_count, 1, memory_order_relaxed);
	if (atomic_load_explicit(&waiting, memory_order_relaxed))
		word_wake(&settled_count);
}

/*
 * Wait for another thread that is at DMA_BUF_IOCTL_SYNC for @b, with the lock held, which is let go
 * meanwhile. A START may wait itself, and is waited for only with @patient. After a second the
 * thread is not waited for any more. False if it is still there, or is this very thread, which a
 * signal handler has interrupted.
 */
static bool await(struct buffer *b, bool patient)
{
	uint64_t until = b->settling ? publish_now() + PATIENCE_NS : 0;

	while (b->settling && publish_now() < until) {
		unsigned int seen = atomic_load_explicit(&settled_count, memory_order_relaxed);

		if (work.b == b || (b->starting && !patient))
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
	await(b, true);
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
	if (work.b->settling && work.b->turn == work.turn) {
		end_work(work.b);
		note(work.b, 0);
	}
	buffers_unlock();
	work.b = NULL;
}

/*
 * Issue what END and START it takes to bring the bracket in line with what @b has become. One
 * thread at a time is at the ioctl, and goes round for what others change meanwhile. @wait: a START
 * may wait for fences. @patient: and for another thread's START. With the lock held, which is held
 * on return. Returns the direction of a START that was left out as it would have to wait, or 0.
 */
static unsigned int settle(struct buffer *b, bool wait, bool patient)
{
	struct change c = { .busy = false };
	const struct work outer = work;
	unsigned int to = 0;
	int closing = -1;

	while (await(b, patient)) {
		unsigned int from = b->bracket;
		bool fresh = b->fresh;
		int fd = b->fd;
		uint8_t turn;

		to = wanted(b);
		if (from == to)
			break;
		b->fresh = false;
		b->settling = true;
		b->starting = to;
		turn = ++b->turn;
		work = (struct work){ b, __builtin_frame_address(0), turn };
		/* Shut before the END, and opened after the START. */
		if (!to)
			guard(b, 0);
		buffers_unlock();
		c = change(b, fd, from, to, fresh, wait);
		buffers_lock();
		work = outer;
		/* It took too long, and somebody else has done it. */
		if (!b->settling || b->turn != turn)
			return 0;
		end_work(b);
		note(b, c.open);
		if (c.gone && b->fd == fd) {
			b->fd = -1;
			buffers_unlock();
			descriptor_gone(fd, b);
			buffers_lock();
		}
		if (c.open != to)
			break;
	}
	b->fresh = false;
	if (!b->settling) {
		note(b, b->bracket);
		guard(b, b->bracket);
	}
	if (!b->settling && !b->mapped[0] && !b->mapped[1]) {
		closing = b->fd;
		b->fd = -1;
		note(b, b->bracket);
		/* But a begin may come before the map. */
		if (closing >= 0)
			b->device = b->said = 0;
	}
	if (closing >= 0) {
		buffers_unlock();
		descriptor_drop(closing, b, c.sure);
		buffers_lock();
	}
	return c.busy ? to : 0;
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
	if (added) {
		b->device = false;
		/* A begin may come before the map, which it then is for. */
		if (b->mapped[0] + b->mapped[1] > 1)
			b->said = 0;
	}
	settled(b, settle(b, false, false));
}

void sync_left_out(struct buffer *b)
{
	buffers_lock();
	/* Without any mapping there is no START, and the descriptor is let go. */
	settled(b, b->mapped[0] || b->mapped[1] ? 0 : settle(b, false, false));
}

void sync_cpu(struct buffer *b, unsigned int direction, bool waited)
{
	buffers_lock();
	b->device = false;
	b->said = direction;
	settled(b, settle(b, waited, true));
}

void sync_device(struct buffer *b)
{
	buffers_lock();
	b->device = b->mapped[0] || b->mapped[1];
	b->touched = false;
	b->said = 0;
	settled(b, settle(b, false, false));
}

enum turn sync_touched(struct buffer *b)
{
	enum turn turn = TURN_CPU;

	buffers_lock();
	if (b->shut) {
		turn = b->device ? TURN_DEVICE : b->settling ? TURN_CPU : TURN_NOBODYS;
		if (b->device)
			b->said = 0;
		b->device = false;
		b->touched = true;
		/* Who is at work on it may be this very thread, amid which a handler touches it. */
		if (b->settling)
			guard_set(b, false);
	}
	settled(b, settle(b, false, false));
	return turn;
}

/* The first mapped buffer from address *@at on for which @pick says so, with a reference. */
static struct buffer *next_mapped(uint64_t *at, bool (*pick)(const struct buffer *b))
{
	struct buffer *b = NULL;
	struct mapping m;

	buffers_lock();
	while (!b && mapping_at(*at, UINTPTR_MAX - *at, &m)) {
		*at = m.end;
		if (pick(m.buffer)) {
			b = m.buffer;
			b->refs++;
		}
	}
	buffers_unlock();
	return b;
}

static bool is_open(const struct buffer *b)
{
	return b->bracket;
}

static bool is_open_frame(const struct buffer *b)
{
	return b->bracket && b->framed;
}

/* By a fence, or because it was busy when it was mapped. */
static bool is_owed(const struct buffer *b)
{
	return b->owed;
}

void sync_device_all(bool framed)
{
	struct buffer *b;

	for (uint64_t at = 0; (b = next_mapped(&at, framed ? is_open_frame : is_open));)
		sync_device(b);
}

void sync_owed(void)
{
	struct buffer *b;

	for (uint64_t at = 0; (b = next_mapped(&at, is_owed));)
		sync_cpu(b, b->said, false);
}

static void forked(struct buffer *b)
{
	b->settling = false;
	note(b, 0);
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
		unsigned int bracket;
		int fd;

		if (!b) {
			buffers_unlock();
			return;
		}
		bracket = b->bracket;
		fd = b->fd;
		note(b, 0);
		b->refs++;
		buffers_unlock();
		change(b, fd, bracket, 0, false, false);
		/* The reference stays: the process is about to end. */
	}
}
