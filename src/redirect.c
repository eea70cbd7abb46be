// SPDX-License-Identifier: MIT
/* The policy of mappings; see redirect.h. */
#include "config.h"

#include <errno.h>
#include <sys/mman.h>

#include "drm_node.h"
#include "log.h"
#include "mapped.h"
#include "next.h"
#include "reach.h"
#include "record.h"
#include "redirect.h"
#include "settings.h"
#include "stats.h"

#ifndef MAP_TYPE
#define MAP_TYPE 0x0f
#endif

bool redirect_may_rescue(int fd, int err, const void *arg, size_t size)
{
	dev_t rdev;

	switch (err) {
	case -ENODEV:
		/* Also of a device that was unplugged, before the argument is read (drm_ioctl()). */
		if (page_readable(arg) != 1 || page_readable((const char *)arg + size - 1) != 1)
			return false;
		/* fallthrough */
	case -EINVAL:		/* drm_gem_dumb_map_offset(): imports may not be mapped */
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

	buffers_lock();
	known = b->mappable;
	buffers_unlock();
	if (known != UNASKED)
		return known == YES;
	ret = dmabuf_mappable(dmabuf);
	if (ret < 0)
		return false;
	buffers_lock();
	b->mappable = ret ? YES : NO;
	buffers_unlock();
	return ret;
}

int redirect_refused(int fd, uint32_t handle, int err, uint64_t *offset)
{
	uint64_t found = 0;
	struct buffer *b;
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
	} else if (!reach_mmap()) {
		stat_inc(STAT_FALLBACK);
	} else {
		found = record_synthetic(fd, handle, b);
	}
	if (found) {
		*offset = found;
		stat_inc(STAT_OFFSET);
	}
	next.close(dmabuf);
	record_put(b);
	return found ? 0 : err;
}

int mmap_native(const struct mmap_call *c, void **out)
{
	*out = c->narrow ? next.mmap(c->addr, c->len, c->prot, c->flags, c->fd, c->off) :
			   next.mmap64(c->addr, c->len, c->prot, c->flags, c->fd, c->off);
	return *out == MAP_FAILED ? -errno : 0;
}

/* The driver's mapping, if its first page can be touched. Asked once for an import. */
static int map_native(const struct view *v, const struct mmap_call *c, void **out)
{
	int ret, works;

	if (!v->native || v->native_fails)
		return -ENXIO;
	ret = mmap_native(c, out);
	if (ret < 0 || !(c->prot & PROT_READ))
		return ret;
	works = page_readable(*out);
	if (works < 0)
		return 0;
	record_native_works(v->fd, v->handle, v->buffer, works);
	if (works)
		return 0;
	/* A fixed place stays taken until it is mapped over, lest another thread is given it. */
	if (!(c->flags & MAP_FIXED))
		next.munmap(*out, c->len);
	return -EFAULT;
}

/* The driver's mapping where that is known to be right, else the dma-buf's. */
static int map_best(const struct view *v, const struct mmap_call *c, int dmabuf, void **out,
		    size_t *head, bool *native)
{
	*native = !record_foreign(v->fd, v->buffer) && !map_native(v, c, out);
	if (*native)
		return 0;
	return dmabuf_mmap(dmabuf, buffer_size(v->buffer), c->addr, c->len, c->prot, c->flags,
			   v->delta, out, head);
}

/*
 * The dma-buf of @v, fetched and found to be the one remembered; or a negative errno. A record that
 * is found to be stale goes, and its offset may be another handle's now: then @v becomes that.
 * -ESTALE: there is none; then @v has no buffer any more.
 */
static int fetch(struct view *v, uint64_t off)
{
	for (;;) {
		struct buffer *now;
		int dmabuf = record_fetch(v->fd, v->handle, &now);

		if (dmabuf >= 0) {
			record_put(now);
			if (now == v->buffer)
				return dmabuf;
			next.close(dmabuf);
		} else if (dmabuf != -ENOENT) {
			return dmabuf;
		}
		record_put(v->buffer);
		if (!record_find(v->fd, off, v)) {
			v->buffer = NULL;
			return -ESTALE;
		}
	}
}

int redirect_map(struct view *v, const struct mmap_call *c, void **out)
{
	int dmabuf = fetch(v, c->off), ret = dmabuf;
	bool native = true;
	size_t head = 0;

	if (dmabuf >= 0 && (c->flags & MAP_TYPE) == MAP_PRIVATE)
		ret = -EINVAL;		/* what drm_gem_mmap() and most dma-bufs say */
	else if (dmabuf >= 0)
		ret = map_best(v, c, dmabuf, out, &head, &native);
	if (ret < 0) {
		stat_inc(STAT_FALLBACK);
		log_line("fallback: %s: %zu bytes at %llu: %s",
			 record_label(v->fd, v->handle, v->buffer).text, c->len,
			 (unsigned long long)v->delta, log_errno(ret));
		native = true;
		ret = mmap_native(c, out);
	}
	if (!ret && dmabuf >= 0) {
		stat_inc(native ? STAT_NATIVE : STAT_REDIRECTED);
		log_line("map: %s: %zu bytes at %llu, %s%s: %s",
			 record_label(v->fd, v->handle, v->buffer).text, c->len,
			 (unsigned long long)v->delta, c->prot & PROT_READ ? "r" : "-",
			 c->prot & PROT_WRITE ? "w" : "-", native ? "native" : "dma-buf");
		mapped_begin(v->buffer, *out, c->len, head, c->prot, dmabuf);
		return 0;
	}
	if (c->flags & MAP_FIXED)
		ret < 0 ? mapped_recheck(c->addr, c->len) : mapped_end(*out, c->len);
	if (dmabuf >= 0)
		next.close(dmabuf);
	if (v->buffer)
		record_put(v->buffer);
	return ret;
}
