// SPDX-License-Identifier: MIT
/* Dma-bufs that the program maps itself; see direct.h. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>

#include <linux/dma-buf.h>

#include "direct.h"
#include "kernel/next.h"
#include "kernel/sandbox.h"
#include "mapped.h"
#include "publish/probes.h"
#include "publish/stats.h"
#include "records/record.h"
#include "records/report.h"
#include "settings/settings.h"
#include "settle.h"
#include "state/descriptor.h"
#include "state/mapping.h"
#include "state/private.h"
#include "state/synced.h"
#include "sync.h"

bool direct_may_be(int flags)
{
	/* MAP_SHARED, or MAP_SHARED_VALIDATE. */
	return (flags & (MAP_SHARED | MAP_ANONYMOUS)) == MAP_SHARED && mode_now() != MODE_OFF;
}

static bool recognise(int fd, struct dmabuf_id *id, uint64_t *size)
{
	if (!dmabuf_may_be(fd, id, size))
		return false;
	if (sandbox_ask())
		report_sandbox();
	return dmabuf_surely(fd, id->dev);
}

/* Is @fd open for reading alone, so that the kernel refuses to map it for writing? */
static bool is_read_only(int fd)
{
	int flags = sandbox_may(MAY_GETFL) ? next.fcntl(fd, F_GETFL) : -1;

	return flags >= 0 && (flags & O_ACCMODE) == O_RDONLY;
}

/* The buffer's record, with a reference. @bits: what is new of it (SYNCED_*). */
static struct buffer *get(const struct dmabuf_id *id, uint64_t size, unsigned int bits)
{
	unsigned int before;
	struct buffer *b;

	buffers_lock();
	before = synced_add(id, bits);
	if (~before & bits & SYNCED_MAPS) {
		stat_inc(STAT_DIRECT_BUFFERS);
		if (before & SYNCED_SYNCS)
			stat_inc(STAT_DIRECT_SYNCED);
	}
	b = buffer_get(id, size);
	if (b && before & SYNCED_SYNCS)
		b->yields = true;
	buffers_unlock();
	return b;
}

/* Gives @b the descriptor that its brackets need, and begins them. Takes over the reference. */
static void begin(struct buffer *b, int fd)
{
	bool lacks;

	buffers_lock();
	lacks = buffer_all(b) && buffer_fd(b) < 0 && sync_now() != SYNC_OFF;
	buffers_unlock();
	if (!lacks) {
		record_put(b);
		return;
	}
	if (descriptor_hide_copy(fd, b) < 0)
		stat_inc(STAT_NO_DESCRIPTOR);
	sync_mapped(b);
}

void direct_mapped(const struct mmap_call *c, int ret, void *p)
{
	struct direct_report told = { .c = c, .p = p, .err = ret };
	struct dmabuf_id id;
	struct buffer *b;
	uint64_t size;

	if ((ret < 0 && (ret != -EACCES || !(c->prot & PROT_WRITE))) || descriptors_borrowed() ||
	    !recognise(c->fd, &id, &size) || (ret < 0 && !is_read_only(c->fd)))
		return;
	b = get(&id, size, ret < 0 ? 0 : SYNCED_MAPS);
	if (!b)
		return;
	/* Whether brackets are counted, or known at all, depends on the exporter. */
	if (settings.direct == DIRECT_SYNC || settings.log || settings.dir || PROBE_WANTED(map))
		record_exporter(c->fd, b);
	told.b = b;
	report_direct(&told);
	if (ret < 0 || (settings.direct != DIRECT_SYNC && !settings.dir)) {
		record_put(b);
		return;
	}
	/* One reference is the mapping's. */
	buffers_lock();
	b->refs++;
	buffers_unlock();
	mapped_begin(b, p, c->len, 0, c->prot, told.note, -1, NULL);
	begin(b, c->fd);
}

/*
 * The program syncs @b itself from now on. With buffers_lock() held and a reference to @b: both are
 * gone on return.
 */
static void yield(struct buffer *b)
{
	b->yields = true;
	/* What the program has written without a word the shim leaves as it is natively. */
	b->unused |= !buffer_is_mapped(b) && b->bracket;
	if (!buffer_is_mapped(b))
		settle_event(b, ON_UNMAP, START_NONE);
	settle_put(b, settle(b, PATIENT));
}

bool direct_syncs(int fd, uint64_t flags)
{
	struct dmabuf_id id;
	unsigned int before;
	struct buffer *b;
	uint64_t size;

	/* The kernel refuses anything else. */
	if (flags & ~(uint64_t)DMA_BUF_SYNC_VALID_FLAGS_MASK || !(flags & DMA_BUF_SYNC_RW) ||
	    mode_now() == MODE_OFF || descriptors_borrowed() || !recognise(fd, &id, &size))
		return false;
	buffers_lock();
	before = synced_add(&id, SYNCED_SYNCS);
	if (before == SYNCED_MAPS)
		stat_inc(STAT_DIRECT_SYNCED);
	b = buffer_find(&id);
	if (b && !b->yields) {
		yield(b);
	} else {
		if (b)
			buffer_put(b);
		buffers_unlock();
	}
	return before & SYNCED_MAPS && !(flags & DMA_BUF_SYNC_END);
}
