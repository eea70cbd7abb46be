// SPDX-License-Identifier: MIT
/* Following the mappings of imports from mmap to munmap; see mapped.h. */
#include "config.h"

#include <errno.h>
#include <stdatomic.h>
#include <sys/mman.h>

#include "guard.h"
#include "kernel/next.h"
#include "kernel/page.h"
#include "kernel/sandbox.h"
#include "mapped.h"
#include "publish/stats.h"
#include "records/snapshot.h"
#include "settings/settings.h"
#include "state/descriptor.h"
#include "state/private.h"
#include "state/mapping.h"
#include "sync.h"
#include "warm.h"

bool mapped_any(void)
{
	return atomic_load_explicit(&mappings_live, memory_order_relaxed) !=
	       atomic_load_explicit(&kept_live, memory_order_relaxed);
}

/* What is kept counts here: another thread may be about to record it. */
static bool none_mapped(void)
{
	return !atomic_load_explicit(&mappings_live, memory_order_relaxed);
}

static void unmap_leads(void)
{
	uint64_t lead, start;

	do {
		buffers_lock();
		lead = mapping_lead_left(&start);
		buffers_unlock();
		if (lead)
			next.munmap((void *)(uintptr_t)start, lead);
	} while (lead);
}

/*
 * Cuts the first piece in [at, end) out of the record, and returns its buffer. With buffers_lock()
 * held.
 */
static struct buffer *cut(uint64_t at, uint64_t end)
{
	struct buffer *b;

	snapshot_unmap_first(at, end);
	b = mapping_cut(at, end - at);
	if (b)
		snapshot_changed(at, end);
	return b;
}

static void end(uint64_t at, uint64_t size, bool left_out)
{
	struct buffer *b;

	do {
		buffers_lock();
		b = cut(at, at + size);
		buffers_unlock();
		if (b && left_out)
			sync_left_out(b);
		else if (b)
			sync_unmapped(b);
	} while (b);
	unmap_leads();
}

void mapped_end(void *addr, size_t len)
{
	if (!none_mapped())
		end((uintptr_t)addr, page_round(len), false);
}

/*
 * What is recorded of the mapping @serial in [at, end) is gone. Another thread may have mapped
 * something there since, and recorded it.
 */
static void forget(uint64_t at, uint64_t end, unsigned int serial)
{
	struct buffer *b;
	struct mapping m;

	do {
		buffers_lock();
		b = mapping_at(at, end - at, &m) && m.serial == serial ? cut(at, end) : NULL;
		buffers_unlock();
		if (b)
			sync_unmapped(b);
	} while (b);
	unmap_leads();
}

bool mapped_there(uint64_t at, uint64_t len)
{
	/* ENOMEM where a page is missing; and nothing else is done with MS_ASYNC. */
	return !sandbox_may(MAY_MSYNC) || next.msync((void *)(uintptr_t)at, len, MS_ASYNC) == 0 ||
	       errno != ENOMEM;
}

unsigned int mapped_newest(void)
{
	unsigned int newest;

	if (none_mapped())
		return 0;
	buffers_lock();
	newest = mapping_newest();
	buffers_unlock();
	return newest;
}

/*
 * Another thread's memory in the gap would be taken for the import, and guard_set() would make it
 * PROT_NONE. So the records go, as in munmap().
 */
void mapped_refused(void *addr, size_t len, unsigned int newest, bool gone)
{
	uint64_t at = (uintptr_t)addr, end = at + page_round(len);
	struct mapping m;
	bool known = !none_mapped();

	/*
	 * The kernel has unmapped all of the range or nothing, and what is missing may be mapped
	 * anew.
	 */
	for (; known && at < end; at = m.end) {
		uint64_t to;

		buffers_lock();
		known = mapping_at(at, end - at, &m);
		buffers_unlock();
		if (!known)
			break;
		at = m.start > at ? m.start : at;
		to = m.end < end ? m.end : end;
		if (mapping_older(&m, newest) && (gone || !mapped_there(at, to - at)))
			forget(at, to, m.serial);
	}
}

int mapped_unmap(void *addr, size_t len)
{
	bool valid = (uintptr_t)addr % page_size() == 0 && len &&
		     (uintptr_t)addr + len > (uintptr_t)addr;
	/* No process has as much: the kernel refuses it, or takes all that there is. */
	bool whole = (uint64_t)len >> (sizeof(void *) == 8 ? 46 : 31);

	if (valid && !whole && warm_keep(addr, len))
		return 0;
	if (valid)
		warm_leave(addr, len);
	/* Before the call: afterwards another thread may have been given the same addresses. */
	if (valid && !whole)
		mapped_end(addr, len);
	if (next.munmap(addr, len) < 0 &&
	    !(errno == ENOMEM && warm_leave_all() && !next.munmap(addr, len)))
		return -errno;
	if (valid && whole)
		mapped_end(addr, len);
	return 0;
}

void mapped_begin(struct buffer *b, void *p, size_t len, size_t lead, int prot, unsigned int note,
		  int dmabuf, const struct warm *w)
{
	bool added, hide;

	mapped_end(p, len);
	/* Mapped first: then no other thread takes the descriptor away again. */
	buffers_lock();
	added = !mapping_add((uintptr_t)p, page_round(len), lead, b, prot, note);
	if (added)
		snapshot_mapped((uintptr_t)p, (uintptr_t)p + page_round(len));
	hide = added && sync_now() != SYNC_OFF && buffer_fd(b) < 0;
	buffers_unlock();
	if (w)
		warm_taken(w);
	if (dmabuf >= 0 && !hide)
		next.close(dmabuf);
	else if (dmabuf >= 0 && descriptor_hide(dmabuf, b) < 0)
		stat_inc(STAT_NO_DESCRIPTOR);
	sync_mapped(b);
}

/*
 * The lead that goes with [at, end), as a mapping begins there and is all in it. With another
 * protection than its lead's it would begin where the lead ends, and show other pages (see
 * dmabuf_mmap()).
 */
static uint64_t lead_of(uint64_t at, uint64_t end)
{
	struct mapping m;
	bool known;

	buffers_lock();
	known = at < end && mapping_at(at, end - at, &m);
	buffers_unlock();
	return known && m.start == at && m.end <= end ? m.lead : 0;
}

int mapped_protect(void *addr, size_t len, int prot)
{
	uint64_t at = (uintptr_t)addr, end = at + page_round(len), lead = lead_of(at, end);
	struct mapping m;
	struct buffer *b;

	warm_leave(addr, len);
	if (next.mprotect((char *)addr - lead, lead + len, prot) < 0 &&
	    !(errno == ENOMEM && warm_leave_all() &&
	      !next.mprotect((char *)addr - lead, lead + len, prot)))
		return -errno;
	do {
		buffers_lock();
		b = mapping_protect(at, end - at, prot);
		if (b)
			snapshot_changed(at, end);
		buffers_unlock();
		if (b)
			sync_unmapped(b);
	} while (b);
	buffers_lock();
	for (; at < end && mapping_at(at, end - at, &m); at = m.end)
		if (m.buffer->guarded)
			guard_set(m.buffer, true);
	buffers_unlock();
	return 0;
}

void mapped_forked(void)
{
	struct mapping m;
	bool known = !none_mapped();

	for (uint64_t at = 0; known; at = m.end) {
		buffers_lock();
		known = mapping_at(at, UINTPTR_MAX - at, &m);
		buffers_unlock();
		if (!known || mapped_there(m.start, m.end - m.start))
			continue;
		for (at = m.start; at < m.end; at += page_size())
			if (!mapped_there(at, page_size()))
				end(at, page_size(), true);
	}
}
