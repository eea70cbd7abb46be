// SPDX-License-Identifier: MIT
/* The policy of mappings; see redirect.h. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>

#include "checked.h"
#include "kernel/drm_node.h"
#include "kernel/next.h"
#include "kernel/readable.h"
#include "kernel/sandbox.h"
#include "mapped.h"
#include "placed.h"
#include "records/record.h"
#include "records/report.h"
#include "records/who.h"
#include "redirect.h"
#include "settings/settings.h"
#include "state/descriptor.h"
#include "state/mapping.h"
#include "warm.h"

#ifndef MAP_TYPE
#define MAP_TYPE 0x0f
#endif

int redirect_mappable(struct buffer *b, int dmabuf)
{
	enum answer known;
	int ret;

	buffers_lock();
	known = b->mappable;
	buffers_unlock();
	if (known != ANSWER_UNASKED)
		return known == ANSWER_YES ? 0 : -ENXIO;
	ret = dmabuf_mappable(dmabuf);
	/* What is kept may be what the exporter, or the kernel, has no room beside. */
	if (ret != 1 && warm_leave_all())
		ret = dmabuf_mappable(dmabuf);
	if (ret < 0)
		return ret;
	buffers_lock();
	b->mappable = ret ? ANSWER_YES : ANSWER_NO;
	buffers_unlock();
	return ret ? 0 : -ENXIO;
}

/* The mappings that the shim tries, in order. */
enum plan { NATIVE, NATIVE_FIRST, DMABUF_FIRST, REFUSE };

/*
 * What this process has exported from the same device is no import here (own.h). Any other import
 * may still be the device's own buffer, exported by another process, or before the shim noted
 * exports: drm_gem_prime_export() gives the name "drm" to all dma-bufs of most drivers. Their
 * dma-buf is right all the same. drm_gem_prime_mmap() (6.1 to 7.3) calls the mmap of the driver
 * that made the buffer, so these are the same pages with the same caching, and drivers with a
 * mmap of their own for dma-bufs (omapdrm, tegra) do as much. Where dma-bufs refuse
 * (armada, vmwgfx's surfaces, evdi 1.12) the driver's mapping follows. One driver differs:
 * QUIRK_UNTILES.
 */
static enum plan plan_of(const struct view *v, enum mode mode)
{
	switch (mode) {
	case MODE_DENY:
		return v->quirks & QUIRK_OWN_MMAP ? NATIVE : REFUSE;
	case MODE_REDIRECT:
	case MODE_RESCUE:
		if (v->quirks & QUIRK_KEEPS_ADDRESS)
			return NATIVE;
		if (v->quirks & QUIRK_MAPS_WRONG)
			return DMABUF_FIRST;
		if (mode == MODE_RESCUE)
			return NATIVE_FIRST;
		return v->quirks & QUIRK_UNTILES && !who_foreign(v->fd, v->buffer) ?
		       NATIVE_FIRST : DMABUF_FIRST;
	default:
		return NATIVE;
	}
}

/* May the dma-buf be written to? Asked once, since its first export decides that for ever. */
static bool may_be_written(struct buffer *b, int dmabuf)
{
	enum answer known;
	int flags;

	buffers_lock();
	known = b->writable;
	buffers_unlock();
	if (known != ANSWER_UNASKED)
		return known == ANSWER_YES;
	flags = sandbox_may(MAY_GETFL) ? next.fcntl(dmabuf, F_GETFL) : -1;
	if (flags < 0)
		return true;
	known = (flags & O_ACCMODE) == O_RDWR ? ANSWER_YES : ANSWER_NO;
	buffers_lock();
	b->writable = known;
	buffers_unlock();
	return known == ANSWER_YES;
}

/* Does the exporter set vm_ops for its mappings? See QUIRK_LEAVES_OPS. */
static bool sets_ops(const struct buffer *b)
{
	const char *name;
	bool sets;

	buffers_lock();
	name = buffer_exporter(b);
	sets = !strcmp(name, "udmabuf") || !strncmp(name, "videobuf2_", strlen("videobuf2_"));
	buffers_unlock();
	return sets;
}

/* May better_native() be true of a read-only dma-buf? */
static bool native_suits(const struct view *v)
{
	if (!v->native || v->quirks & QUIRK_MAPS_WRONG)
		return false;
	return v->forwards ? !(v->quirks & QUIRK_LEAVES_OPS) || sets_ops(v->buffer) :
			     who_is(v->fd, v->buffer).exporter != NAME_UNKNOWN &&
			     !who_foreign(v->fd, v->buffer);
}

/*
 * A driver that forwards (dma_buf_mmap()) makes the same mapping as the dma-buf, with one
 * difference: whether mprotect() may make it writable depends on the driver's file. So for a
 * read-only dma-buf the program gets the driver's mapping, as it would natively. The driver may map
 * its own buffers, too, for writing, which another process has exported for reading.
 */
static bool better_native(const struct view *v, int dmabuf)
{
	return native_suits(v) && !may_be_written(v->buffer, dmabuf);
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

/* The outcome of an attempt to map an import. */
struct attempt {
	void *p;
	size_t lead;		/* bytes before @p of the same mmap */
	bool native;		/* the mapping is the driver's, not the dma-buf's */
	bool final;		/* no second call at the program's place is allowed */
	bool trial;		/* only asked for, and unmapped at once */
	struct warm warm;	/* where @p was kept */
	int said;		/* the driver's errno, or NATIVE_* */
};

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

static int map_by(enum plan plan, const struct view *v, const struct mmap_call *c, int dmabuf,
		  struct attempt *a)
{
	a->native = plan == NATIVE_FIRST && !map_native(v, c, a);
	return a->native ? 0 : map_dmabuf(v, c, dmabuf, a);
}

/*
 * map_by() for a call that replaces mappings. The kernel mostly removes the old mappings before the
 * file refuses a MAP_FIXED (mmap_region(), 6.1 to 7.3), and another thread may have been given the
 * gap: a second MAP_FIXED would replace that thread's memory. So the shim tries each way at an
 * address that the kernel chooses, and then makes one call at the program's place, by the way that
 * worked.
 */
static int map_over(enum plan plan, const struct view *v, const struct mmap_call *c, int dmabuf,
		    struct attempt *a)
{
	struct mmap_call trial = *c;
	int ret;

	trial.addr = NULL;
	trial.flags &= ~(MAP_FIXED | MAP_LOCKED | MAP_POPULATE);
	a->trial = true;
	ret = map_by(plan, v, &trial, dmabuf, a);
	a->trial = false;
	/* Where the address space has no room for all of it, a page has to do for the trial. */
	if (ret == -ENOMEM && !redirect_mappable(v->buffer, dmabuf))
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

/*
 * Fetches the dma-buf of @v, and checks that it is the recorded one. A descriptor that the caller
 * owns, or a negative errno. A stale record goes. If its offset is another handle's by then, @v
 * becomes that import. -ESTALE: no import has the offset, and @v->buffer is NULL.
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

/*
 * Refuses as drm_gem_mmap_obj() would: the kernel has removed a MAP_FIXED's old mappings by then.
 */
static int deny(const struct view *v, const struct mmap_call *c)
{
	report_map(&(struct map_report){ .v = v, .c = c, .outcome = OUTCOME_DENIED,
				     .native = NATIVE_UNASKED });
	if (mmap_replaces(c))
		mapped_unmap(c->addr, c->len);
	return -EINVAL;
}

/*
 * Would the kernel map this through the program's descriptor at all? Otherwise do_mmap() says
 * EACCES.
 */
static bool file_allows(const struct view *v, const struct mmap_call *c)
{
	bool writes = c->prot & PROT_WRITE && (c->flags & MAP_TYPE) != MAP_PRIVATE;

	return v->access == O_RDWR || (v->access == O_RDONLY && !writes);
}

/*
 * What mode redirect would do with a map that is the driver's. The shim does not ask whether the
 * dma-buf may be written to: in mode observe it exports nothing.
 */
static const char *redirect_would(const struct view *v, const struct mmap_call *c)
{
	enum plan plan = file_allows(v, c) ? plan_of(v, MODE_REDIRECT) : NATIVE;

	if (plan != DMABUF_FIRST)
		return plan == NATIVE ? NULL : "; redirect would try the same first";
	return native_suits(v) ? "; redirect would try the dma-buf, unless it is read-only" :
				 "; redirect would try the dma-buf";
}

/* Makes the native call, without a bracket. Only a status file needs a record of the mapping. */
static int leave_alone(const struct view *v, const struct mmap_call *c, void **out)
{
	unsigned int newest = c->flags & MAP_FIXED ? mapped_newest() : 0;
	int ret = mmap_native(c, out);

	report_map(&(struct map_report){
		.v = v, .c = c, .p = ret < 0 ? NULL : *out, .native = -ret, .left = true,
		.would = settings.log && mode_now() == MODE_OBSERVE ? redirect_would(v, c) : NULL,
		.outcome = ret < 0 ? OUTCOME_REFUSED : OUTCOME_NATIVE,
	});
	if (!ret && settings.dir) {
		buffers_lock();
		v->buffer->refs++;
		buffers_unlock();
		mapped_begin(v->buffer, *out, c->len, 0, c->prot, who_imports(v->fd) | NOTE_NATIVE,
			     -1, NULL);
	} else {
		mmap_placed(c, ret, newest);
	}
	return ret;
}

/*
 * Gives the program a kept mapping without another look at the handle, at which the map ioctl has
 * just looked.
 */
static bool map_again(const struct view *v, const struct mmap_call *c, void **out)
{
	struct map_report told = {
		.v = v, .c = c, .outcome = OUTCOME_DMABUF, .native = NATIVE_UNASKED,
	};
	struct warm warm;

	if (!checked_take(v->fd, v->handle, v->buffer) || c->addr || v->native ||
	    !warm_take(v->buffer, c->len, v->delta, c->prot, c->flags, true, &warm, out))
		return false;
	told.p = *out;
	report_map(&told);
	mapped_begin(v->buffer, *out, c->len, v->delta, c->prot, who_imports(v->fd) |
		     warm_note(c->addr, c->len, c->prot, c->flags), -1, &warm);
	return true;
}

int redirect_map(struct view *v, const struct mmap_call *c, void **out)
{
	struct map_report told = { .v = v, .c = c };
	struct attempt a = { .native = true, .said = NATIVE_UNASKED };
	enum plan plan = plan_of(v, mode_now());
	unsigned int newest;
	int dmabuf, ret;

	if (plan == NATIVE || !file_allows(v, c)) {
		ret = leave_alone(v, c, out);
		record_put(v->buffer);
		return ret;
	}
	if (plan == DMABUF_FIRST && map_again(v, c, out))
		return 0;
	/* The place of the lead in front has to be free. */
	if (c->addr)
		warm_leave((char *)c->addr - v->delta, v->delta + c->len);
	newest = c->flags & MAP_FIXED ? mapped_newest() : 0;
	dmabuf = ret = fetch(v, c->off);
	/*
	 * Drivers that do not export imports (ivpu_gem_prime_handle_to_fd()) allow no check: the
	 * record has to do.
	 */
	if (plan == REFUSE && (dmabuf >= 0 || dmabuf == -EOPNOTSUPP)) {
		ret = deny(v, c);
		if (dmabuf >= 0)
			next.close(dmabuf);
		record_put(v->buffer);
		return ret;
	}
	if (plan == DMABUF_FIRST && dmabuf >= 0 && better_native(v, dmabuf))
		plan = NATIVE_FIRST;
	if (dmabuf >= 0 && (c->flags & MAP_TYPE) == MAP_PRIVATE)
		ret = -EINVAL;		/* as drm_gem_mmap() and most dma-bufs say */
	else if (dmabuf >= 0 && mmap_replaces(c))
		ret = map_over(plan, v, c, dmabuf, &a);
	else if (dmabuf >= 0)
		ret = map_by(plan, v, c, dmabuf, &a);
	if (ret < 0)
		told.reason = ret;
	if (ret < 0 && !a.final) {
		report_fallback(v, c, ret);
		a.native = true;
		ret = mmap_native(c, &a.p);
		a.said = -ret;
	}
	*out = a.p;
	told.native = a.said;
	told.p = ret < 0 ? NULL : *out;
	told.outcome = ret < 0 ? OUTCOME_REFUSED : a.native ? OUTCOME_NATIVE : OUTCOME_DMABUF;
	if (dmabuf >= 0)
		report_map(&told);
	if (!ret && dmabuf >= 0) {
		mapped_begin(v->buffer, *out, c->len, a.lead, c->prot,
			     who_imports(v->fd) | (a.native ? NOTE_NATIVE :
			     warm_note(c->addr, c->len, c->prot, c->flags)), dmabuf, &a.warm);
		return 0;
	}
	mmap_placed(c, ret, newest);
	if (dmabuf >= 0)
		next.close(dmabuf);
	if (v->buffer)
		record_put(v->buffer);
	return ret;
}
