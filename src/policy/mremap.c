// SPDX-License-Identifier: MIT
/* mremap() of mapped imports; see mapped.h. */
#include "config.h"

#include <errno.h>
#include <sys/mman.h>

#include "kernel/next.h"
#include "kernel/page.h"
#include "mapped.h"
#include "publish/publish.h"
#include "records/snapshot.h"
#include "state/mapping.h"
#include "sync.h"

#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4	/* 5.7; for mappings of files 5.13 */
#endif

enum { MOST = 16 };

/*
 * A call, and the records in its old range before it, with a reference to each buffer. Further
 * records are read from the table after the call: memory for a copy might be allocated in a gap of
 * the range.
 */
struct move {
	uint64_t at, size;	/* 0: the old mapping stays, and is mapped once more */
	uint64_t len;
	int flags;
	uint64_t to;		/* with MREMAP_FIXED */
	unsigned int serial;	/* of the newest mapping before the call */
	struct mapping m[MOST];
	size_t n;
	bool more;
};

static bool keeps(const struct move *c)
{
	return !c->size || c->flags & MREMAP_DONTUNMAP;
}

/* Since 6.17 the range of such a call may have several mappings and gaps (remap_move()). */
static bool may_be_many(const struct move *c)
{
	return c->flags & MREMAP_FIXED && c->size == c->len && !keeps(c);
}

static uint64_t end_of(const struct move *c)
{
	return c->at + (c->size ? c->size : page_size());
}

static uint64_t part_start(const struct move *c, const struct mapping *m)
{
	return m->start > c->at ? m->start : c->at;
}

static uint64_t part_end(const struct move *c, const struct mapping *m)
{
	return m->end < end_of(c) ? m->end : end_of(c);
}

/* The next mapping recorded in the old range from *@at on. With buffers_lock() held. */
static bool next_in(const struct move *c, uint64_t *at, struct mapping *m)
{
	if (*at >= end_of(c) || !mapping_at(*at, end_of(c) - *at, m))
		return false;
	*at = m->end;
	return true;
}

static void collect(struct move *c)
{
	uint64_t at = c->at;

	buffers_lock();
	while (c->n < MOST && next_in(c, &at, &c->m[c->n]))
		c->m[c->n++].buffer->refs++;
	c->more = c->n == MOST;
	c->serial = mapping_newest();
	buffers_unlock();
}

/*
 * Does the first mapping's lead move along? Some exporters count pages from where a mapping begins
 * (dmabuf_mmap()), so a mapping that moves as a whole takes its lead along.
 */
static bool with_lead(const struct move *c)
{
	const struct mapping *m = c->m;
	uint64_t end = c->at + c->size;

	if (!c->n || !m->lead || m->start != c->at || m->end > end || keeps(c) ||
	    !(c->flags & MREMAP_MAYMOVE))
		return false;
	return may_be_many(c) || (m->end == end && (c->flags & MREMAP_FIXED || c->len > c->size));
}

/*
 * Makes the call with @lead bytes more in front. A place that the program gives needs room for
 * them.
 */
static int call(const struct move *c, uint64_t lead, void **out)
{
	char *from = (char *)(uintptr_t)c->at - lead, *to = NULL, *p;

	if (c->flags & MREMAP_FIXED) {
		to = (char *)(uintptr_t)c->to - lead;
		if (address_hold(to, lead) < 0)
			return -ENOMEM;
	}
	p = next.mremap(from, lead + c->size, lead + c->len, c->flags, to);
	/* The held lead is not unmapped: see dmabuf_mmap(). */
	if (p == MAP_FAILED)
		return -errno;
	*out = p + lead;
	return 0;
}

/*
 * Marks the leads that are about to move: the first mapping's if @first, and any lead inside the
 * range, where the program sees a gap.
 */
static void mark_leads(const struct move *c, bool first)
{
	uint64_t at = c->at;
	struct mapping m;

	buffers_lock();
	while (next_in(c, &at, &m))
		if (m.start > c->at || first)
			mapping_lead_moves(&m, m.start == c->at ? 0 : c->at);
	buffers_unlock();
}

/*
 * The kernel has moved @m, or the part of it in the range, with the range to @to. With
 * buffers_lock() held.
 */
static void moved(const struct move *c, const struct mapping *m, uint64_t to)
{
	uint64_t from = part_start(c, m), end = part_end(c, m);
	uint64_t first = from - c->at, behind = end - c->at;

	/* The last mapping grows with the call. */
	if (end == end_of(c) && c->len > behind)
		behind = c->len;
	if (behind > c->len)
		behind = c->len;
	if (behind < first)
		behind = first;
	if (!keeps(c)) {
		snapshot_unmap(from, end, m->serial);
		mapping_move(m, from, end, to + first, behind - first);
		snapshot_changed(from, end);
	} else if (behind > first) {
		mapping_add(to + first, behind - first, 0, m->buffer, m->prot,
			    m->note & NOTE_REST);
	}
	mapping_lead_moved(m, to + (m->start - c->at));
	if (behind == first)
		return;
	snapshot_mapped(to + first, to + behind);
	publish_event((struct status_event){
		.kind = EVENT_MAP, .importer = m->note & NOTE_IMPORTER,
		.exporter = m->buffer->exporter,
		.outcome = m->note & NOTE_NATIVE ? OUTCOME_NATIVE : OUTCOME_DMABUF,
		.native = NATIVE_UNASKED, .ino = m->buffer->ino, .addr = to + first,
		.len = behind - first, .prot = m->prot,
	});
}

/*
 * Has @m moved although the call failed? A call for several mappings moves those before the one at
 * which it fails.
 */
static bool gone(const struct move *c, const struct mapping *m)
{
	uint64_t from = part_start(c, m);

	return may_be_many(c) && !mapped_there(from, part_end(c, m) - from);
}

/* Updates the record of @m after the call. Consumes the reference. */
static void finish(const struct move *c, const struct mapping *m, int ret, uint64_t to)
{
	uint64_t from = part_start(c, m);

	if (ret < 0 && !gone(c, m)) {
		buffers_lock();
		mapping_lead_moved(m, m->start);
		buffer_put(m->buffer);
		buffers_unlock();
		return;
	}
	if (ret < 0)
		mapped_end((void *)(uintptr_t)(to + (from - c->at)), part_end(c, m) - from);
	buffers_lock();
	moved(c, m, to);
	buffers_unlock();
	sync_unmapped(m->buffer);
}

/* Puts the next mapping that was not collected into c->m[0], with a reference. */
static bool next_older(struct move *c, uint64_t *at)
{
	bool found;

	buffers_lock();
	do
		found = next_in(c, at, &c->m[0]);
	while (found && !mapping_older(&c->m[0], c->serial));
	if (found)
		c->m[0].buffer->refs++;
	buffers_unlock();
	return found;
}

int mapped_move(void *old, size_t old_len, size_t len, int flags, void *to, void **out)
{
	struct move c = {
		.at = (uintptr_t)old, .size = page_round(old_len), .len = page_round(len),
		.flags = flags, .to = (uintptr_t)to,
	};
	uint64_t place, at;
	bool whole;
	int ret;

	collect(&c);
	whole = with_lead(&c);
	if (whole || may_be_many(&c))
		mark_leads(&c, whole);
	if (whole) {
		ret = call(&c, c.m->lead, out);
	} else {
		*out = next.mremap(old, old_len, len, flags, to);
		ret = *out == MAP_FAILED ? -errno : 0;
	}
	if (flags & MREMAP_FIXED && ret < 0)
		mapped_refused(to, len, c.serial, false);
	else if (flags & MREMAP_FIXED)
		mapped_end(to, len);
	place = ret < 0 ? c.to : (uintptr_t)*out;
	for (size_t i = 0; i < c.n; i++)
		finish(&c, &c.m[i], ret, place);
	at = c.more ? c.m[MOST - 1].end : end_of(&c);
	while (next_older(&c, &at))
		finish(&c, &c.m[0], ret, place);
	return ret;
}
