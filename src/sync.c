// SPDX-License-Identifier: MIT
/* The policy of brackets; see sync.h. */
#include "config.h"

#include <errno.h>

#include <linux/dma-buf.h>

#include "descriptor.h"
#include "guard.h"
#include "log.h"
#include "mapping.h"
#include "publish.h"
#include "settings.h"
#include "stats.h"
#include "sync.h"
#include "tell.h"
#include "watch.h"

/* Of mapped buffers: with a bracket, and without; under buffers_lock(). */
static unsigned int brackets_open, brackets_owed;

static bool can_bracket(const struct buffer *b)
{
	return sync_now() != SYNC_OFF && b->fd >= 0 && (b->mapped[0] || b->mapped[1]) &&
	       !buffer_is_deaf(b);
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
	publish_buffer(b);
}

/* The exporter has no brackets: remembered, and not asked again. */
static void deaf(struct buffer *b, int err)
{
	bool news;

	buffers_lock();
	news = !buffer_is_deaf(b);
	buffer_set_deaf(b);
	buffers_unlock();
	if (news)
		log_line("no brackets for dma-bufs like this one, of %llu bytes: %s",
			 (unsigned long long)buffer_size(b), log_errno(err));
}

/*
 * From bracket @from to @to. Returns the bracket that is open now. The descriptor may have been
 * closed by a raw system call, and be another's: asked before an END. (A START has mostly just been
 * given its descriptor, and anywhere else it does no harm.)
 */
static unsigned int change(struct buffer *b, int fd, unsigned int from, unsigned int to, bool wait,
			   bool *sure)
{
	const struct dmabuf_id id = buffer_id(b);
	uint64_t at;
	int ret;

	if (from && !dmabuf_is(fd, &id))
		return to;
	*sure = from;
	if (from) {
		at = publish_now();
		dmabuf_sync(fd, DMA_BUF_SYNC_END | from);
		tell_end(b, from, publish_now() - at);
	}
	if (!to)
		return 0;
	if (!wait && dmabuf_busy(fd, to)) {
		tell_owed(b, to);
		return 0;
	}
	at = publish_now();
	ret = dmabuf_sync(fd, DMA_BUF_SYNC_START | to);
	at = publish_now() - at;
	if (ret == -ENOTTY || ret == -EINVAL)
		deaf(b, ret);
	if (ret < 0) {
		stat_add(STAT_BLOCKED, at);
		return 0;
	}
	tell_begin(b, to, at);
	return to;
}

static void guard(struct buffer *b, unsigned int bracket)
{
	bool shut = sync_now() == SYNC_TRAP && can_bracket(b) && !bracket && !b->touched;

	if (shut || b->shut)
		guard_set(b, shut);
}

/*
 * Issue what END and START it takes to bring the bracket in line with what @b has become. One
 * thread at a time is at the ioctl; what others change meanwhile, it goes round for. With the lock
 * held, which is released. Takes over the reference.
 */
static void settle(struct buffer *b, bool wait)
{
	int closing = -1;
	bool sure = false;

	while (!b->settling) {
		unsigned int from = b->bracket, to = wanted(b), got;
		int fd = b->fd;

		if (from == to)
			break;
		b->settling = true;
		/* Shut before the END, and opened after the START. */
		if (!to)
			guard(b, 0);
		buffers_unlock();
		sure = false;
		got = change(b, fd, from, to, wait, &sure);
		buffers_lock();
		b->settling = false;
		note(b, got);
		if (got != to)
			break;
	}
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
	buffers_unlock();
	if (closing >= 0)
		descriptor_drop(closing, b, sure);
	buffers_lock();
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
	settle(b, false);
}

void sync_cpu(struct buffer *b, unsigned int direction, bool waited)
{
	buffers_lock();
	b->device = false;
	b->said = direction;
	settle(b, waited);
}

void sync_device(struct buffer *b)
{
	buffers_lock();
	b->device = b->mapped[0] || b->mapped[1];
	b->touched = false;
	b->said = 0;
	settle(b, false);
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
	settle(b, false);
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
	struct buffer *b;

	for (;;) {
		unsigned int bracket;
		bool sure;
		int fd;

		buffers_lock();
		b = buffer_bracketed();
		if (!b)
			break;
		bracket = b->bracket;
		fd = b->fd;
		note(b, 0);
		b->refs++;
		buffers_unlock();
		change(b, fd, bracket, 0, false, &sure);
		buffers_lock();
		buffer_put(b);
		buffers_unlock();
	}
	buffers_unlock();
}
