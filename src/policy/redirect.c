// SPDX-License-Identifier: MIT
/* The policy of mappings; see redirect.h. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>

#include "attempt.h"
#include "checked.h"
#include "kernel/compat.h"
#include "kernel/next.h"
#include "kernel/sandbox.h"
#include "mapped.h"
#include "native_mmap.h"
#include "records/record.h"
#include "records/report.h"
#include "records/who.h"
#include "redirect.h"
#include "settings/settings.h"
#include "state/mapping.h"
#include "warm.h"

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
	else if (dmabuf >= 0)
		ret = attempt_map(plan == NATIVE_FIRST, v, c, dmabuf, &a);
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
