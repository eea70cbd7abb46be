// SPDX-License-Identifier: MIT
/* Following the mappings of imports from mmap to munmap; see mapped.h. */
#include "config.h"

#include <errno.h>
#include <stdatomic.h>
#include <sys/mman.h>

#include "descriptor.h"
#include "guard.h"
#include "mapped.h"
#include "mapping.h"
#include "next.h"
#include "page.h"
#include "publish.h"
#include "settings.h"
#include "stats.h"
#include "sync.h"

#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4	/* 5.7; of mappings of files 5.13 */
#endif

static bool none_mapped(void)
{
	return !atomic_load_explicit(&mappings_live, memory_order_relaxed);
}

void mapped_end(void *addr, size_t len)
{
	uint64_t at = (uintptr_t)addr, size = page_round(len), head, start;
	struct buffer *b;

	if (none_mapped())
		return;
	do {
		buffers_lock();
		b = mapping_cut(at, size);
		buffers_unlock();
		if (b)
			sync_mapped(b, false);
	} while (b);
	do {
		buffers_lock();
		head = mapping_widow(&start);
		buffers_unlock();
		if (head)
			next.munmap((void *)(uintptr_t)start, head);
	} while (head);
}

void mapped_recheck(void *addr, size_t len)
{
	unsigned char in_core;
	struct mapping m;
	bool known;

	if (none_mapped())
		return;
	buffers_lock();
	known = mapping_at((uintptr_t)addr, page_round(len), &m);
	buffers_unlock();
	/* ENOMEM is what mincore() says of addresses where nothing is mapped. */
	if (known && mincore((void *)(uintptr_t)m.start, page_size(), &in_core) < 0 &&
	    errno == ENOMEM)
		mapped_end(addr, len);
}

void mapped_begin(struct buffer *b, void *p, size_t len, size_t head, int prot, unsigned int note,
		  int dmabuf)
{
	bool hide;

	mapped_end(p, len);
	buffers_lock();
	hide = sync_now() != SYNC_OFF && b->fd < 0;
	buffers_unlock();
	if (dmabuf >= 0 && hide) {
		dmabuf = descriptor_hide(dmabuf, b);
		if (dmabuf < 0)
			stat_inc(STAT_NO_DESCRIPTOR);
	} else if (dmabuf >= 0) {
		next.close(dmabuf);
		dmabuf = -1;
	}
	buffers_lock();
	/* Asked again: another thread may have put one there, or taken it away, meanwhile. */
	if (!mapping_add((uintptr_t)p, page_round(len), head, b, prot, note) && b->fd < 0) {
		b->fd = dmabuf;
		b->fresh = true;
		dmabuf = -1;
	}
	buffers_unlock();
	if (dmabuf >= 0)
		descriptor_drop(dmabuf, b, true);
	sync_mapped(b, true);
}

void mapped_protect(void *addr, size_t len, int prot)
{
	uint64_t at = (uintptr_t)addr, end = at + page_round(len);
	struct mapping m;
	struct buffer *b;

	do {
		buffers_lock();
		b = mapping_protect(at, end - at, prot);
		buffers_unlock();
		if (b)
			sync_mapped(b, false);
	} while (b);
	buffers_lock();
	for (; at < end && mapping_at(at, end - at, &m); at = m.end)
		if (m.buffer->shut)
			guard_set(m.buffer, true);
	buffers_unlock();
}

/* The mapping @m, or a part of it, was moved. Consumes a reference to its buffer. */
static void moved(const struct mapping *m, uint64_t old, uint64_t old_len, bool keep_old,
		  uint64_t to, uint64_t len, uint64_t head)
{
	struct mapping now;

	buffers_lock();
	/*
	 * The old addresses may be somebody else's by now, who has recorded something there then.
	 * In one go with what follows, so that nobody finds the buffer unmapped in between.
	 */
	while (!keep_old && mapping_at(old, old_len, &now) && now.serial == m->serial)
		buffer_put(mapping_cut(old, old_len));
	if (head && !keep_old)
		mapping_behead(old, m->serial);
	mapping_add(to, len, head, m->buffer, m->prot, m->note);
	publish_event((struct shared_event){
		.kind = EVENT_MAP, .importer = m->note & NOTE_IMPORTER, .exporter = m->buffer->exporter,
		.outcome = m->note & NOTE_NATIVE ? OUTCOME_NATIVE : OUTCOME_DMABUF,
		.native = NATIVE_UNASKED, .ino = m->buffer->ino, .addr = to, .len = len, .prot = m->prot,
	});
	buffers_unlock();
	sync_mapped(m->buffer, false);
}

/*
 * A mapping with a head moves with it: the pages of some exporters are counted from where the
 * mapping begins (see dmabuf_mmap()). A place given by the program needs room before it.
 */
static int move_whole(const struct mapping *m, uint64_t len, int flags, void *to, void **out)
{
	void *from = (void *)(uintptr_t)(m->start - m->head), *target = NULL, *p;
	uint64_t old_len = m->end - m->start;

	if (flags & MREMAP_FIXED) {
		int ret;

		target = (char *)to - m->head;
		ret = address_hold(target, m->head);
		if (ret < 0)
			return -ENOMEM;
	}
	p = next.mremap(from, m->head + old_len, m->head + len, flags, target);
	if (p == MAP_FAILED) {
		int ret = -errno;

		if (target)
			next.munmap(target, m->head);
		return ret;
	}
	*out = (char *)p + m->head;
	return 0;
}

int mapped_move(void *old, size_t old_len, size_t len, int flags, void *to, void **out)
{
	uint64_t at = (uintptr_t)old, size = page_round(old_len);
	bool keep_old = !old_len || flags & MREMAP_DONTUNMAP, known, whole;
	struct mapping m;
	int ret;

	buffers_lock();
	known = mapping_at(at, size ? size : page_size(), &m);
	if (known)
		m.buffer->refs++;
	buffers_unlock();

	whole = known && m.head && m.start == at && m.end == at + size && !keep_old;
	if (whole && flags & MREMAP_MAYMOVE && (flags & MREMAP_FIXED || len > old_len)) {
		buffers_lock();
		mapping_behead(at, m.serial);
		buffers_unlock();
		ret = move_whole(&m, page_round(len), flags, to, out);
		if (ret < 0) {
			buffers_lock();
			mapping_rehead(&m);
			buffers_unlock();
		}
	} else {
		*out = next.mremap(old, old_len, len, flags, to);
		ret = *out == MAP_FAILED ? -errno : 0;
		m.head = known && *out == old && m.start == at ? m.head : 0;
	}
	if (flags & MREMAP_FIXED)
		ret < 0 ? mapped_recheck(to, len) : mapped_end(to, len);
	if (ret < 0 && known) {
		buffers_lock();
		buffer_put(m.buffer);
		buffers_unlock();
	}
	if (!ret && known)
		moved(&m, at, size, keep_old, (uintptr_t)*out, page_round(len), m.head);
	return ret;
}

/* Is all of it mapped? msync() says ENOMEM where it is not, and does nothing else with MS_ASYNC. */
static bool is_there(uint64_t at, uint64_t len)
{
	return msync((void *)(uintptr_t)at, len, MS_ASYNC) == 0 || errno != ENOMEM;
}

void mapped_forked(void)
{
	struct mapping m;
	bool known = !none_mapped();

	for (uint64_t at = 0; known; at = m.end) {
		buffers_lock();
		known = mapping_at(at, UINTPTR_MAX - at, &m);
		buffers_unlock();
		if (!known || is_there(m.start, m.end - m.start))
			continue;
		for (at = m.start; at < m.end; at += page_size())
			if (!is_there(at, page_size()))
				mapped_end((void *)(uintptr_t)at, page_size());
	}
}
