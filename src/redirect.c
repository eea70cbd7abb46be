// SPDX-License-Identifier: MIT
/* The policy of mappings; see redirect.h. */
#include "config.h"

#include <errno.h>
#include <sys/mman.h>

#include "descriptor.h"
#include "drm_node.h"
#include "mapped.h"
#include "mapping.h"
#include "next.h"
#include "reach.h"
#include "readable.h"
#include "record.h"
#include "redirect.h"
#include "settings.h"
#include "tell.h"

#ifndef MAP_TYPE
#define MAP_TYPE 0x0f
#endif

bool redirect_may_rescue(int err)
{
	switch (err) {
	case -EACCES:		/* MODE_MAP_DUMB on a render node (drm_ioctl_permit()) */
	case -EINVAL:		/* drm_gem_dumb_map_offset(): imports may not be mapped */
	case -ENODEV:
	case -ENXIO:
	case -EOPNOTSUPP:
		return true;
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

/*
 * The dma-buf behind @handle, which the driver refused to map with @err: a descriptor of the
 * caller's and its buffer with a reference, or a negative errno. @proof: EINVAL is what
 * drm_gem_dumb_map_offset() says of imports, and of nothing else, so it also shows imports that
 * were made where we could not see it.
 */
static int refused(int fd, uint32_t handle, bool proof, enum shared_call call, int err,
		   struct buffer **b)
{
	int dmabuf;

	if (!record_knows(fd, handle) && !(proof && err == -EINVAL))
		return -ENOENT;
	dmabuf = record_fetch(fd, handle, proof && err == -EINVAL, b);
	if (dmabuf < 0)
		return dmabuf;
	if (mode_rescues() && mappable(*b, dmabuf))
		return dmabuf;
	tell_refused(fd, handle, *b, call, err, OUTCOME_REFUSED, mode_rescues() ? -ENXIO : 0);
	next.close(dmabuf);
	record_put(*b);
	return -ENXIO;
}

int redirect_refused(int fd, uint32_t handle, bool proof, int err, uint64_t *offset)
{
	struct buffer *b;
	int dmabuf = refused(fd, handle, proof, CALL_MAP_IOCTL, err, &b);

	if (dmabuf < 0)
		return err;
	next.close(dmabuf);
	*offset = reach_mmap() ? record_synthetic(fd, handle, b) : 0;
	tell_refused(fd, handle, b, CALL_MAP_IOCTL, err, *offset ? OUTCOME_OFFSET : OUTCOME_REFUSED,
		     *offset ? 0 : -ENOMEM);
	record_put(b);
	return *offset ? 0 : err;
}

int redirect_address(int fd, uint32_t handle, uint64_t start, uint64_t len, int err, void **out)
{
	int dmabuf, ret = -EINVAL;
	struct buffer *b;
	size_t head;

	dmabuf = refused(fd, handle, false, CALL_MAP_ADDRESS, err, &b);
	if (dmabuf < 0)
		return err;
	if (len <= SIZE_MAX)
		ret = dmabuf_mmap(dmabuf, buffer_size(b), NULL, len, PROT_READ | PROT_WRITE,
				  MAP_SHARED, start, out, &head);
	if (ret < 0) {
		tell_refused(fd, handle, b, CALL_MAP_ADDRESS, err, OUTCOME_REFUSED, ret);
		next.close(dmabuf);
		record_put(b);
		return err;
	}
	tell_address(fd, handle, b, err, start, len, *out);
	mapped_begin(b, *out, len, head, PROT_READ | PROT_WRITE, record_note(fd), dmabuf);
	return 0;
}

int mmap_native(const struct mmap_call *c, void **out)
{
	*out = c->narrow ? next.mmap(c->addr, c->len, c->prot, c->flags, c->fd, c->off) :
			   next.mmap64(c->addr, c->len, c->prot, c->flags, c->fd, c->off);
	return *out == MAP_FAILED ? -errno : 0;
}

/* What is tried, in that order. */
enum plan { NATIVE, NATIVE_FIRST, DMABUF_FIRST, REFUSE };

static enum plan plan_of(const struct view *v)
{
	enum mode mode = mode_now();

	switch (mode) {
	case MODE_DENY:
		return v->quirks & QUIRK_OWN_MMAP ? NATIVE : REFUSE;
	case MODE_REDIRECT:
	case MODE_RESCUE:
		if (v->quirks & QUIRK_KEEPS_ADDRESS)
			return NATIVE;
		if (v->quirks & QUIRK_MAPS_WRONG)
			return DMABUF_FIRST;
		return mode == MODE_REDIRECT && record_foreign(v->fd, v->buffer) ?
		       DMABUF_FIRST : NATIVE_FIRST;
	default:
		return NATIVE;
	}
}

/* Nothing stays of a mapping that cannot be used, nor of what MAP_FIXED had replaced. */
static int discard(const struct mmap_call *c, void *p, size_t head)
{
	/* A fixed place stays taken until it is mapped over, lest another thread is given it. */
	if (!(c->flags & MAP_FIXED))
		next.munmap((char *)p - head, head + c->len);
	else if (head)
		next.munmap((char *)p - head, head);
	return -EFAULT;
}

/*
 * Can the page be read? Of one that is mapped for writing alone that says nothing on machines where
 * writing does not imply it: then it is no answer for other mappings.
 */
static int ask(const struct mmap_call *c, const void *p, bool *lasting)
{
	*lasting = c->prot & PROT_READ;
	return c->prot & (PROT_READ | PROT_WRITE) ? ask_readable(p, 1) : -EACCES;
}

/*
 * The driver's mapping, if its first page can be read. Asked once for an import. *@said: what the
 * driver said, or NATIVE_*.
 */
static int map_native(const struct view *v, const struct mmap_call *c, void **out, int *said)
{
	bool lasting;
	int ret, works;

	*said = v->native && v->native_works == NO ? NATIVE_SIGBUS : NATIVE_UNASKED;
	if (!v->native || v->native_works == NO)
		return -ENXIO;
	ret = mmap_native(c, out);
	*said = -ret;
	if (ret < 0 || v->native_works == YES)
		return ret;
	works = ask(c, *out, &lasting);
	if (works < 0)
		return 0;
	if (lasting)
		record_native_works(v->fd, v->handle, v->buffer, works);
	if (!works)
		*said = NATIVE_SIGBUS;
	return works ? 0 : discard(c, *out, 0);
}

/* The dma-buf's, if its first page can be read: memory of a device may not be. Asked once. */
static int map_dmabuf(const struct view *v, const struct mmap_call *c, int dmabuf, void **out,
		      size_t *head)
{
	struct buffer *b = v->buffer;
	enum answer known;
	int ret, works;
	bool lasting;

	buffers_lock();
	known = b->mappable;
	buffers_unlock();
	if (known == NO)
		return -ENXIO;
	ret = dmabuf_mmap(dmabuf, buffer_size(b), c->addr, c->len, c->prot, c->flags, v->delta,
			  out, head);
	if (ret < 0 || known == YES)
		return ret;
	works = ask(c, *out, &lasting);
	if (works < 0)
		return 0;
	if (lasting) {
		buffers_lock();
		b->mappable = works ? YES : NO;
		buffers_unlock();
	}
	return works ? 0 : discard(c, *out, *head);
}

static int map_by(enum plan plan, const struct view *v, const struct mmap_call *c, int dmabuf,
		  void **out, size_t *head, bool *native, int *said)
{
	*native = plan == NATIVE_FIRST && !map_native(v, c, out, said);
	return *native ? 0 : map_dmabuf(v, c, dmabuf, out, head);
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
		int dmabuf = record_fetch(v->fd, v->handle, false, &now);

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

/* As if drm_gem_mmap_obj() had refused it: what MAP_FIXED was to replace is gone by then. */
static int deny(const struct view *v, const struct mmap_call *c)
{
	tell_map(&(struct told_map){ .v = v, .c = c, .outcome = OUTCOME_DENIED,
				     .native = NATIVE_UNASKED });
	if (c->flags & MAP_FIXED && !next.munmap(c->addr, c->len))
		mapped_end(c->addr, c->len);
	return -EINVAL;
}

/* Without our doing, and without a bracket; but a shared page shows it. */
static int leave_alone(const struct view *v, const struct mmap_call *c, void **out)
{
	int ret = mmap_native(c, out);

	tell_map(&(struct told_map){
		.v = v, .c = c, .p = ret < 0 ? NULL : *out, .native = -ret, .left = true,
		.outcome = ret < 0 ? OUTCOME_REFUSED : OUTCOME_NATIVE,
	});
	if (!ret && settings.dir) {
		buffers_lock();
		v->buffer->refs++;
		buffers_unlock();
		mapped_begin(v->buffer, *out, c->len, 0, c->prot, record_note(v->fd) | NOTE_NATIVE, -1);
	} else if (c->flags & MAP_FIXED) {
		ret < 0 ? mapped_recheck(c->addr, c->len) : mapped_end(*out, c->len);
	}
	return ret;
}

int redirect_map(struct view *v, const struct mmap_call *c, void **out)
{
	struct told_map told = { .v = v, .c = c, .native = NATIVE_UNASKED };
	enum plan plan = plan_of(v);
	bool native = true;
	int dmabuf, ret;
	size_t head = 0;

	if (plan == NATIVE) {
		ret = leave_alone(v, c, out);
		record_put(v->buffer);
		return ret;
	}
	dmabuf = ret = fetch(v, c->off);
	/* Of drivers that do not export imports the record has to do (ivpu_gem_prime_handle_to_fd()). */
	if (plan == REFUSE && (dmabuf >= 0 || dmabuf == -EOPNOTSUPP)) {
		ret = deny(v, c);
		if (dmabuf >= 0)
			next.close(dmabuf);
		record_put(v->buffer);
		return ret;
	}
	if (dmabuf >= 0 && (c->flags & MAP_TYPE) == MAP_PRIVATE)
		ret = -EINVAL;		/* what drm_gem_mmap() and most dma-bufs say */
	else if (dmabuf >= 0)
		ret = map_by(plan, v, c, dmabuf, out, &head, &native, &told.native);
	if (ret < 0) {
		told.reason = ret;
		tell_fallback(v, c, ret);
		native = true;
		ret = mmap_native(c, out);
		told.native = -ret;
	}
	told.p = ret < 0 ? NULL : *out;
	told.outcome = ret < 0 ? OUTCOME_REFUSED : native ? OUTCOME_NATIVE : OUTCOME_DMABUF;
	if (dmabuf >= 0)
		tell_map(&told);
	if (!ret && dmabuf >= 0) {
		mapped_begin(v->buffer, *out, c->len, head, c->prot,
			     record_note(v->fd) | (native ? NOTE_NATIVE : 0),
			     dmabuf);
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
