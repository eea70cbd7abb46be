// SPDX-License-Identifier: MIT
/* Attempts to map an import; see attempt.h. */
#include "config.h"

#include <errno.h>
#include <sys/mman.h>

#include "attempt.h"
#include "kernel/dmabuf.h"
#include "kernel/next.h"
#include "kernel/readable.h"
#include "native_mmap.h"
#include "records/record.h"
#include "warm.h"

int attempt_mappable(struct buffer *b, int dmabuf)
{
	enum answer known;
	int ret;

	buffers_lock();
	known = b->mappable;
	buffers_unlock();
	if (known != ANSWER_UNASKED)
		return known == ANSWER_YES ? 0 : -ENXIO;
	ret = dmabuf_mappable(dmabuf);
	/* The mappings that the shim keeps may take the room that the exporter lacks. */
	if (ret != 1 && warm_leave_all())
		ret = dmabuf_mappable(dmabuf);
	if (ret < 0)
		return ret;
	buffers_lock();
	b->mappable = ret ? ANSWER_YES : ANSWER_NO;
	buffers_unlock();
	return ret ? 0 : -ENXIO;
}

/*
 * Can the page be read? On some machines writing does not imply reading: a page that is mapped for
 * writing alone answers for no other mapping, and *@lasting is false.
 */
static int ask(const struct mmap_call *c, const void *p, bool *lasting)
{
	*lasting = c->prot & PROT_READ;
	return c->prot & (PROT_READ | PROT_WRITE) ? ask_readable(p, 1) : -EACCES;
}

/* Unmaps an attempt at an address that the kernel chose. */
static void discard(const struct attempt *a, size_t len)
{
	next.munmap((char *)a->p - a->lead, a->lead + len);
}

/*
 * Maps through the driver, and keeps the mapping if its first page can be read. Asked once for an
 * import.
 */
static int map_native(const struct view *v, const struct mmap_call *c, struct attempt *a)
{
	bool lasting;
	int ret, works;

	a->said = v->native && v->native_works == ANSWER_NO ? NATIVE_SIGBUS : NATIVE_UNASKED;
	if (!v->native || v->native_works == ANSWER_NO)
		return -ENXIO;
	ret = mmap_native(c, &a->p);
	a->said = -ret;
	if (ret < 0 || v->native_works == ANSWER_YES)
		return ret;
	works = ask(c, a->p, &lasting);
	if (works < 0)
		return 0;
	if (lasting)
		record_native_works(v->fd, v->handle, v->buffer, works);
	if (works)
		return 0;
	a->said = NATIVE_SIGBUS;
	discard(a, c->len);
	return -EFAULT;
}

/*
 * Maps the dma-buf, and keeps the mapping if its first page can be read: a device's memory may not
 * be readable. Asked once for a buffer.
 */
static int map_dmabuf(const struct view *v, const struct mmap_call *c, int dmabuf,
		      struct attempt *a)
{
	struct buffer *b = v->buffer;
	enum answer known;
	int ret, works;
	bool lasting;

	buffers_lock();
	known = b->mappable;
	buffers_unlock();
	if (known == ANSWER_NO)
		return -ENXIO;
	if (!a->trial && !c->addr && known == ANSWER_YES &&
	    warm_take(b, c->len, v->delta, c->prot, c->flags, false, &a->warm,
		      &a->p)) {
		a->lead = v->delta;
		return 0;
	}
	ret = dmabuf_mmap(dmabuf, buffer_size(b), c->addr, c->len, c->prot, c->flags, v->delta,
			  &a->p, &a->lead);
	if (ret < 0 && !(c->flags & MAP_FIXED) && warm_leave_all())
		ret = dmabuf_mmap(dmabuf, buffer_size(b), c->addr, c->len, c->prot, c->flags,
				  v->delta, &a->p, &a->lead);
	if (ret < 0 || known == ANSWER_YES)
		return ret;
	works = ask(c, a->p, &lasting);
	if (works < 0)
		return 0;
	if (lasting) {
		buffers_lock();
		b->mappable = works ? ANSWER_YES : ANSWER_NO;
		buffers_unlock();
	}
	if (works)
		return 0;
	discard(a, c->len);
	a->lead = 0;
	return -EFAULT;
}

static int map_by(bool native_first, const struct view *v, const struct mmap_call *c, int dmabuf,
		  struct attempt *a)
{
	a->native = native_first && !map_native(v, c, a);
	return a->native ? 0 : map_dmabuf(v, c, dmabuf, a);
}

/*
 * map_by() for a call that replaces mappings. The kernel mostly removes the old mappings before the
 * file refuses a MAP_FIXED (mmap_region(), 6.1 to 7.3), and another thread may have been given the
 * gap: a second MAP_FIXED would replace that thread's memory. So the shim tries each way at an
 * address that the kernel chooses, and then makes one call at the program's place, by the way that
 * worked.
 */
static int map_over(bool native_first, const struct view *v, const struct mmap_call *c, int dmabuf,
		    struct attempt *a)
{
	struct mmap_call trial = *c;
	int ret;

	trial.addr = NULL;
	trial.flags &= ~(MAP_FIXED | MAP_LOCKED | MAP_POPULATE);
	a->trial = true;
	ret = map_by(native_first, v, &trial, dmabuf, a);
	a->trial = false;
	/* Where the address space has no room for all of it, a page has to do for the trial. */
	if (ret == -ENOMEM && !attempt_mappable(v->buffer, dmabuf))
		ret = 0;
	else if (ret < 0)
		return ret;
	else
		discard(a, c->len);
	a->lead = 0;
	if (a->native) {
		ret = mmap_native(c, &a->p);
		a->said = -ret;
	} else {
		ret = dmabuf_mmap(dmabuf, buffer_size(v->buffer), c->addr, c->len, c->prot,
				  c->flags, v->delta, &a->p, &a->lead);
	}
	/* -EEXIST: there was no room for the lead, and no call at the program's place was made. */
	a->final = ret != -EEXIST;
	return ret;
}

int attempt_map(bool native_first, const struct view *v, const struct mmap_call *c, int dmabuf,
		struct attempt *a)
{
	return mmap_replaces(c) ? map_over(native_first, v, c, dmabuf, a) :
				  map_by(native_first, v, c, dmabuf, a);
}
