// SPDX-License-Identifier: MIT
/* The policy of brackets; see sync.h. */
#include "config.h"

#include <linux/dma-buf.h>

#include "descriptor.h"
#include "settings.h"
#include "stats.h"
#include "sync.h"

static unsigned int wanted(const struct buffer *b)
{
	if (settings.sync == SYNC_OFF || b->fd < 0)
		return 0;
	return b->mapped[1] ? DMA_BUF_SYNC_RW : b->mapped[0] ? DMA_BUF_SYNC_READ : 0;
}

/*
 * From bracket @from to @to. Returns the bracket that is open now. The descriptor may have been
 * closed by a raw system call, and be another's: asked before an END. (A START has mostly just been
 * given its descriptor, and anywhere else it does no harm.)
 */
static unsigned int change(int fd, const struct dmabuf_id *id, unsigned int from, unsigned int to,
			   bool *sure)
{
	if (from && !dmabuf_is(fd, id))
		return to;
	*sure = from;
	if (from) {
		dmabuf_sync(fd, DMA_BUF_SYNC_END | from);
		stat_inc(STAT_END);
	}
	if (!to)
		return 0;
	if (dmabuf_busy(fd, to)) {
		stat_inc(STAT_OWED);
		return 0;
	}
	if (dmabuf_sync(fd, DMA_BUF_SYNC_START | to) < 0)
		return 0;
	stat_inc(STAT_BEGIN);
	return to;
}

void sync_settle(struct buffer *b)
{
	const struct dmabuf_id id = buffer_id(b);
	int closing = -1;
	bool sure = false;

	buffers_lock();
	/* One thread at a time is at the ioctl; what others change meanwhile, it goes round for. */
	while (!b->settling) {
		unsigned int from = b->bracket, to = wanted(b), got;
		int fd = b->fd;

		if (from == to)
			break;
		b->settling = true;
		buffers_unlock();
		sure = false;
		got = change(fd, &id, from, to, &sure);
		buffers_lock();
		b->settling = false;
		b->bracket = got;
		if (got != to)
			break;
	}
	if (!b->settling && !b->mapped[0] && !b->mapped[1]) {
		closing = b->fd;
		b->fd = -1;
	}
	buffers_unlock();
	if (closing >= 0)
		descriptor_drop(closing, b, sure);
	buffers_lock();
	buffer_put(b);
	buffers_unlock();
}

static void forked(struct buffer *b)
{
	b->bracket = 0;
	b->settling = false;
}

void sync_forked(void)
{
	buffers_visit(forked);
}

void sync_exit(void)
{
	struct buffer *b;

	for (;;) {
		struct dmabuf_id id;
		unsigned int bracket;
		bool sure;
		int fd;

		buffers_lock();
		b = buffer_bracketed();
		if (!b)
			break;
		id = buffer_id(b);
		bracket = b->bracket;
		fd = b->fd;
		b->bracket = 0;
		buffers_unlock();
		change(fd, &id, bracket, 0, &sure);
	}
	buffers_unlock();
}
