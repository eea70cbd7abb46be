// SPDX-License-Identifier: MIT
/* The policy of brackets; see sync.h. */
#include "config.h"

#include <unistd.h>

#include <linux/dma-buf.h>

#include "settings.h"
#include "stats.h"
#include "sync.h"

static unsigned int wanted(const struct buffer *b)
{
	if (settings.sync == SYNC_OFF || b->fd < 0)
		return 0;
	return b->mapped[1] ? DMA_BUF_SYNC_RW : b->mapped[0] ? DMA_BUF_SYNC_READ : 0;
}

/* From bracket @from to @to. Returns the bracket that is open now. */
static unsigned int change(int fd, const struct dmabuf_id *id, unsigned int from, unsigned int to)
{
	if (!dmabuf_is(fd, id))
		return to;
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
	struct dmabuf_id id;
	int closing = -1;

	state_lock();
	id = b->id;
	/* One thread at a time is at the ioctl; what others change meanwhile, it goes round for. */
	while (!b->settling) {
		unsigned int from = b->bracket, to = wanted(b), got;
		int fd = b->fd;

		if (from == to)
			break;
		b->settling = true;
		state_unlock();
		got = change(fd, &id, from, to);
		state_lock();
		b->settling = false;
		b->bracket = got;
		if (got != to)
			break;
	}
	if (!b->settling && !b->mapped[0] && !b->mapped[1]) {
		closing = b->fd;
		b->fd = -1;
	}
	buffer_put(b);
	state_unlock();
	if (closing >= 0 && dmabuf_is(closing, &id))
		close(closing);
}

void sync_forked(void)
{
	struct buffer *b;
	size_t i = 0;

	while ((b = buffer_next(&i))) {
		b->bracket = 0;
		b->settling = false;
	}
	state_unlock();
}

void sync_exit(void)
{
	struct buffer *b;
	size_t i = 0;

	state_lock();
	while ((b = buffer_next(&i))) {
		unsigned int bracket = b->bracket;
		struct dmabuf_id id = b->id;
		int fd = b->fd;

		if (!bracket || b->settling)
			continue;
		b->bracket = 0;
		state_unlock();
		change(fd, &id, bracket, 0);
		state_lock();
	}
	state_unlock();
}
