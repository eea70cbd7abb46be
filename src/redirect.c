// SPDX-License-Identifier: MIT
/* The policy of mappings; see redirect.h. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "drm_node.h"
#include "log.h"
#include "mapping.h"
#include "next.h"
#include "page.h"
#include "record.h"
#include "redirect.h"
#include "settings.h"
#include "stats.h"
#include "sync.h"

#ifndef MAP_TYPE
#define MAP_TYPE 0x0f
#endif

bool redirect_may_rescue(int fd, int err)
{
	dev_t rdev;

	switch (err) {
	case -EINVAL:		/* drm_gem_dumb_map_offset(): imports may not be mapped */
	case -ENODEV:
	case -ENXIO:
	case -EOPNOTSUPP:
		return drm_node(fd, &rdev) == 0;
	default:
		return false;
	}
}

/* Can the dma-buf be mapped by itself at all? Asked once. */
static bool mappable(struct buffer *b, int dmabuf)
{
	enum answer known;
	int ret;

	state_lock();
	known = b->mappable;
	state_unlock();
	if (known != UNASKED)
		return known == YES;
	ret = dmabuf_mappable(dmabuf);
	if (ret < 0)
		return false;
	state_lock();
	b->mappable = ret ? YES : NO;
	state_unlock();
	return ret;
}

int redirect_refused(int fd, uint32_t handle, int err, uint64_t *offset)
{
	struct import *imp;
	uint64_t found = 0;
	struct buffer *b;
	struct file *f;
	int dmabuf;

	/*
	 * EINVAL is what drm_gem_dumb_map_offset() says of imports, and of nothing else, so it also
	 * shows imports that were made where we could not see it.
	 */
	if (err != -EINVAL && !record_knows(fd, handle))
		return err;
	dmabuf = record_fetch(fd, handle, &b);
	if (dmabuf < 0)
		return err;
	stat_inc(STAT_REFUSED);
	if (!mappable(b, dmabuf)) {
		stat_inc(STAT_FALLBACK);
		log_line("fallback: %s: the dma-buf cannot be mapped: %s",
			 record_label(fd, handle, b).text, log_errno(err));
	} else if (settings.mode == MODE_OBSERVE) {
		log_line("map refused: %s: %s; redirect would give an offset",
			 record_label(fd, handle, b).text, log_errno(err));
	} else {
		state_lock();
		imp = import_at(fd, handle, &f);
		if (imp && imp->buffer == b)
			found = offset_synthetic(f, imp);
		state_unlock();
	}
	if (found) {
		*offset = found;
		stat_inc(STAT_OFFSET);
	}
	close(dmabuf);
	record_put(b);
	return found ? 0 : err;
}

bool redirect_find(int fd, uint64_t off, struct view *v)
{
	struct import *imp;
	struct file *f;

	state_lock();
	f = file_find(fd);
	imp = f ? offset_find(f, off, &v->delta) : NULL;
	if (imp) {
		v->fd = fd;
		v->handle = imp->handle;
		v->buffer = imp->buffer;
		v->buffer->refs++;
		v->native = imp->native && off - v->delta == imp->native;
		v->native_fails = imp->native_works == NO;
	}
	state_unlock();
	return imp;
}

void redirect_forget(void *addr, size_t len)
{
	uint64_t at = (uintptr_t)addr, size = page_round(len), head, start;
	struct buffer *b;

	if (!atomic_load_explicit(&mappings_live, memory_order_relaxed))
		return;
	do {
		state_lock();
		b = mapping_cut(at, size);
		state_unlock();
		if (b)
			sync_settle(b);
	} while (b);
	do {
		state_lock();
		head = mapping_widow(&start);
		state_unlock();
		if (head)
			next.munmap((void *)(uintptr_t)start, head);
	} while (head);
}

/* Where programs do not look for descriptors, and low enough not to blow up their table. */
static int raise_fd(int fd)
{
	struct rlimit lim = { .rlim_cur = 256 };
	int high, from;

	getrlimit(RLIMIT_NOFILE, &lim);
	from = (lim.rlim_cur < 1024 ? (int)lim.rlim_cur : 1024) * 3 / 4;
	high = fcntl(fd, F_DUPFD_CLOEXEC, from);
	if (high < 0)
		return fd;
	close(fd);
	return high;
}

/* [p, p + len) shows @b. Consumes @dmabuf and the caller's reference to @b. */
static void track(struct buffer *b, void *p, size_t len, size_t head, int prot, int dmabuf)
{
	bool wanted;

	redirect_forget(p, len);
	state_lock();
	wanted = settings.sync != SYNC_OFF && b->fd < 0;
	state_unlock();
	if (wanted)
		dmabuf = raise_fd(dmabuf);
	state_lock();
	/* Asked again: another thread may have put one there, or taken it away, meanwhile. */
	if (!mapping_add((uintptr_t)p, page_round(len), head, b, prot & PROT_WRITE) &&
	    settings.sync != SYNC_OFF && b->fd < 0) {
		b->fd = dmabuf;
		dmabuf = -1;
	}
	state_unlock();
	if (dmabuf >= 0)
		close(dmabuf);
	sync_settle(b);
}

/* The driver's mapping, if its first page can be touched. Asked once for an import. */
static int map_native(struct view *v, void *addr, size_t len, int prot, int flags, uint64_t off,
		      void **out)
{
	struct import *imp;
	int ret, works;

	if (!v->native || v->native_fails)
		return -ENXIO;
	ret = next_mmap(addr, len, prot, flags, v->fd, off, out);
	if (ret < 0 || !(prot & PROT_READ))
		return ret;
	works = page_readable(*out);
	if (works < 0)
		return 0;
	state_lock();
	imp = import_at(v->fd, v->handle, NULL);
	if (imp && imp->buffer == v->buffer)
		imp->native_works = works ? YES : NO;
	state_unlock();
	if (works)
		return 0;
	next.munmap(*out, len);
	return -EFAULT;
}

/* The driver's mapping where that is known to be right, else the dma-buf's. */
static int map_best(struct view *v, int dmabuf, void *addr, size_t len, int prot, int flags,
		    uint64_t off, void **out, size_t *head, bool *native)
{
	*native = !record_foreign(v->fd, v->buffer) &&
		  !map_native(v, addr, len, prot, flags, off, out);
	if (*native)
		return 0;
	return dmabuf_mmap(dmabuf, v->buffer->size, addr, len, prot, flags, v->delta, out, head);
}

int redirect_map(struct view *v, void *addr, size_t len, int prot, int flags, uint64_t off,
		 void **out)
{
	struct buffer *now = NULL;
	bool native = true;
	size_t head = 0;
	int dmabuf, ret;

	dmabuf = ret = record_fetch(v->fd, v->handle, &now);
	if (dmabuf >= 0 && now != v->buffer)
		ret = -ESTALE;
	else if (dmabuf >= 0 && (flags & MAP_TYPE) == MAP_PRIVATE)
		ret = -EINVAL;		/* what drm_gem_mmap() and most dma-bufs say */
	else if (dmabuf >= 0)
		ret = map_best(v, dmabuf, addr, len, prot, flags, off, out, &head, &native);
	if (ret < 0) {
		stat_inc(STAT_FALLBACK);
		log_line("fallback: %s: %zu bytes at %llu: %s",
			 record_label(v->fd, v->handle, v->buffer).text, len,
			 (unsigned long long)v->delta, log_errno(ret));
		native = true;
		ret = next_mmap(addr, len, prot, flags, v->fd, off, out);
	}
	if (!ret && dmabuf >= 0 && now == v->buffer) {
		stat_inc(native ? STAT_NATIVE : STAT_REDIRECTED);
		log_line("map: %s: %zu bytes at %llu, %s%s: %s",
			 record_label(v->fd, v->handle, now).text, len,
			 (unsigned long long)v->delta, prot & PROT_READ ? "r" : "-",
			 prot & PROT_WRITE ? "w" : "-", native ? "native" : "dma-buf");
		track(now, *out, len, head, prot, dmabuf);
		return 0;
	}
	if (!ret && flags & MAP_FIXED)
		redirect_forget(*out, len);
	if (dmabuf >= 0) {
		close(dmabuf);
		record_put(now);
	}
	return ret;
}
