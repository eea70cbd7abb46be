// SPDX-License-Identifier: MIT
/* The calls that end and begin a bracket; see bracket.h. */
#include "config.h"

#include <errno.h>
#include <stdatomic.h>

#include <linux/dma-buf.h>

#include "base/lock.h"
#include "bracket.h"
#include "kernel/dmabuf.h"
#include "publish/publish.h"
#include "publish/stats.h"
#include "records/report.h"
#include "settings/log.h"

/* A map waits so long for a fence. */
#ifndef BOUND_MS
#define BOUND_MS	1000
#endif

/*
 * If a device hangs, it never signals its fences, and the program may map the buffer again and
 * again. So maps wait in vain for VAIN_MS at most, and then for a quarter of the time that passes;
 * but each map may wait LITTLE_MS.
 */
#define VAIN_MS		3000
#define LITTLE_MS	100

/* When all that maps have waited in vain is forgotten; publish_now(). */
static _Atomic(uint64_t) forgotten;

/* How long a map may wait now. */
static unsigned int patience(void)
{
	uint64_t now = publish_now(), until = atomic_load(&forgotten);
	uint64_t vain = until > now ? (until - now) / 4 / 1000000 : 0;

	return vain + BOUND_MS <= VAIN_MS ? BOUND_MS :
	       vain + LITTLE_MS < VAIN_MS ? VAIN_MS - vain : LITTLE_MS;
}

static void waited_in_vain(unsigned int ms)
{
	uint64_t now = publish_now(), until = atomic_load(&forgotten);

	/* Two threads at once may forget one of the two. */
	atomic_store(&forgotten, (until > now ? until : now) + ms * UINT64_C(4000000));
}

/* The program's signal handlers run at least so often meanwhile. */
#define SLICE_MS	20

/* The exporter has no brackets: the shim does not call it again. */
static void no_brackets(struct buffer *b, int err)
{
	bool news;

	buffers_lock();
	news = !buffer_lacks_brackets(b);
	buffer_set_unsupported(b);
	buffers_unlock();
	if (news)
		log_line("no brackets for dma-bufs like this one, of %llu bytes: %s",
			 (unsigned long long)buffer_size(b), log_errno(err));
}

/*
 * May the shim make the START? In an open bracket for writing the START would undo what the program
 * has written and not ended. So there a map makes one more START only if a device was to write.
 */
static bool may_start(const struct buffer *b, struct change *c, int fd)
{
	bool bound = c->how == START_BOUND && c->patient, writer = false, waited = false, one;
	const unsigned int most = bound ? patience() : 0;
	unsigned int left = most, slice;
	int ret;

	if (c->how == START_WAITS)
		return true;
	do {
		/*
		 * Signal handlers run here. A poll() in here would be a cancellation point, which
		 * the program's mmap() is not.
		 */
		if (bound) {
			struct outside out = outside_begin(false);

			outside_end(&out);
		}
		slice = !waited ? 0 : left < SLICE_MS ? left : SLICE_MS;
		ret = dmabuf_busy(fd, c->start, slice, &one);
		writer |= one;
		waited |= ret > 0;
		left -= slice;
	} while (ret > 0 && left);
	c->busy = ret;
	if (ret > 0 && bound) {
		stat_inc(STAT_LATE);
		log_line("a dma-buf of %llu bytes is mapped, and its fence has not come in %u ms",
			 (unsigned long long)buffer_size(b), most);
		waited_in_vain(most);
	}
	return !c->busy && (!c->open || c->how != START_BOUND || writer ||
			    !(c->start & DMA_BUF_SYNC_WRITE));
}

void bracket_change(struct buffer *b, int fd, struct change *c)
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
	/* This END is made for the START's sake alone. */
	asked = c->end && c->start && c->how == START_IDLE;
	if (asked && !may_start(b, c, fd))
		return;
	if (c->end) {
		at = publish_now();
		dmabuf_sync(fd, DMA_BUF_SYNC_END | c->end);
		report_end(b, c->end, publish_now() - at);
		c->open = 0;
		if (c->start && !c->starts(b))
			return;
	}
	if (!c->start || (!asked && !may_start(b, c, fd)))
		return;
	at = publish_now();
	out = outside_begin(false);
	ret = dmabuf_sync(fd, DMA_BUF_SYNC_START | c->start);
	outside_end(&out);
	at = publish_now() - at;
	/* A raw close() may have come in between, and the errno be another file's. */
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
	c->begun = true;
}
