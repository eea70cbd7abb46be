// SPDX-License-Identifier: MIT
/* What happens around ioctls that say whose turn it is with a buffer: the CPU's or a device's. */
#include "config.h"

#include <poll.h>
#include <sys/stat.h>

#include <linux/dma-buf.h>

#include "kernel/dmabuf.h"
#include "kernel/sandbox.h"
#include "policy/sync.h"
#include "publish/stats.h"
#include "records/record.h"
#include "state/descriptor.h"
#include "state/submit.h"
#include "state/timeline.h"
#include "sync_hooks.h"

/* Lists that are longer are not looked into: then it may be any buffer. */
#define LONGEST	65536

/* May that file be a fence? No socket, pipe, device or directory is. */
static bool may_be_fence(const struct stat *st)
{
	return !S_ISSOCK(st->st_mode) && !S_ISFIFO(st->st_mode) && !S_ISCHR(st->st_mode) &&
	       !S_ISDIR(st->st_mode);
}

/* A wait for the dma-buf, if that is one. Is it a fence of something else? */
static bool waited_for_fd(int fd)
{
	struct buffer *b;
	struct stat st;

	if (sandbox_fstat(fd, &st))
		return false;
	buffers_lock();
	b = buffer_find(&(struct dmabuf_id){ .dev = st.st_dev, .ino = st.st_ino });
	buffers_unlock();
	if (b)
		sync_cpu(b, 0, false);
	return !b && may_be_fence(&st) && dmabuf_fence(fd);
}

static bool same_page(const struct pollfd *a, const struct pollfd *b)
{
	return !((((uintptr_t)(a + 1) - 1) ^ ((uintptr_t)(b + 1) - 1)) & ~UINT64_C(4095));
}

void waited_by_poll(const struct pollfd *fds, unsigned int ready)
{
	bool fence = false;

	/*
	 * The kernel has written so many, and how long the array is only the caller knows. Another
	 * thread may have overwritten or unmapped the array meanwhile: then the shim must neither
	 * touch what cannot be read nor walk through all memory behind the array.
	 */
	for (const struct pollfd *p = fds; p && ready && p - fds < LONGEST; p++) {
		if (!(p > fds && same_page(p, p - 1)) && !readable(p, sizeof(*p)))
			break;
		if (!p->revents)
			continue;
		ready--;
		fence |= waited_for_fd(p->fd);
	}
	sync_waited(fence, NULL);
}

/* The entry of the same ioctl that is meant by the argument, or NULL. */
static const struct drv_ioctl *meaning(const struct ioctl_call *c)
{
	const struct drv_ioctl *end = c->driver->ioctls + c->driver->n;
	struct ioctl_call one = *c;

	for (; one.desc < end; one.desc++)
		if (_IOC_NR(one.desc->request) == _IOC_NR(c->request) && meant(&one))
			return one.desc;
	return NULL;
}

/* Does the call wait for no device, and only ask whether one is at the buffer? */
static bool is_question(const struct ioctl_call *c, const struct drv_ioctl *d)
{
	return d->asks || arg_bits(c, d->nowait) || (d->timeout && !arg64(c, d->timeout));
}

/* The call has succeeded: does its result say that a device is not done? */
static bool is_busy(const struct ioctl_call *c)
{
	const struct drv_ioctl *d = c->desc;

	return arg_bits(c, d->busy) || (d->done.mask && !arg_bits(c, d->done));
}

/* The driver's begin or end. */
int do_cpu(const struct ioctl_call *c)
{
	unsigned int direction = 0;
	const struct drv_ioctl *d;
	struct buffer *b;
	int ret = call(c);

	if (ret < 0)
		return ret;
	d = meaning(c);
	if (!d)
		return ret;
	if (arg_bits(c, d->writes))
		direction = DMA_BUF_SYNC_RW;
	else if (arg_bits(c, d->reads) || (!d->reads.mask && d->writes.mask))
		direction = DMA_BUF_SYNC_READ;
	else if (d->reads.mask)
		return ret;	/* for neither */
	b = record_buffer(c->fd, arg32(c, d->handle));
	if (!b)
		return ret;
	if (d->role == ROLE_CPU_END) {
		sync_device(b, ON_END, GIVEN, NULL);
	} else if (is_question(c, d)) {
		sync_idle(b, direction);
	} else {
		stat_inc(STAT_TOLD);
		sync_cpu(b, direction, !d->at_once);
	}
	return ret;
}

int do_wait(const struct ioctl_call *c)
{
	const struct drv_ioctl *d = c->desc;
	/* AMDGPU_GEM_WAIT_IDLE's union: the answer lies where the handle was. */
	const bool overwritten = d->busy.mask && d->busy.at == d->handle;
	uint32_t handle = 0;
	struct buffer *b;
	int ret;

	if (overwritten) {
		if (!arg_readable(c))
			return call(c);
		handle = arg32(c, d->handle);
	}
	ret = call(c);
	if (ret < 0 || is_busy(c))
		return ret;
	b = record_buffer(c->fd, overwritten ? handle : arg32(c, d->handle));
	/* It may know of less than a START would wait for (vc4, i915: of fences of their own). */
	if (b && is_question(c, d))
		sync_idle(b, 0);
	else if (b)
		sync_cpu(b, 0, false);
	return ret;
}

typedef void visit_fn(int fd, uint32_t handle, bool writes, const struct submit *s);

static bool bits(const char *element, struct drv_bits b)
{
	return b.mask && get32(element, b.at) & b.mask;
}

/* False where the array cannot be read. */
static bool visit_array(int fd, const void *array, uint64_t n, const struct drv_list *l,
			visit_fn *visit, const struct submit *s)
{
	if (n > LONGEST || !readable(array, n * l->stride))
		return false;
	for (uint64_t i = 0; i < n; i++) {
		const char *e = (const char *)array + i * l->stride;
		uint32_t handle = get32(e, l->handle);

		if (handle)
			visit(fd, handle, (!l->writes.mask && !l->or_writes.mask) ||
					  bits(e, l->writes) || bits(e, l->or_writes), s);
	}
	return true;
}

/* NULL for what is beyond this process's addresses, and cannot be read either. */
static const void *pointer(uint64_t v)
{
	return v > UINTPTR_MAX ? NULL : (const void *)(uintptr_t)v;
}

/* drm_radeon_cs_chunk and drm_amdgpu_cs_chunk. */
struct chunk {
	uint32_t id;
	uint32_t words;
	uint64_t data;
};

/* drm_amdgpu_bo_list_in. */
struct box {
	uint32_t operation;
	uint32_t list;
	uint32_t n;
	uint32_t size;		/* of an element */
	uint64_t array;
};

/*
 * The kernel has read the syncobjs in the list, and written how far each has come. Does the program
 * learn of the end of a job?
 */
static bool timelines_rise(const struct ioctl_call *c, const struct file *f)
{
	const struct drv_list *l = &c->desc->list;
	const char *handles = pointer(arg64(c, l->at)), *points = pointer(arg64(c, c->desc->value));
	uint64_t n = f && l->stride ? arg32(c, l->count) : 0;
	bool rise = false;

	if (n > LONGEST)
		n = LONGEST;
	/* Another thread may have unmapped them since. */
	if (!readable(handles, n * l->stride) || !readable(points, n * sizeof(uint64_t)))
		return false;
	for (uint64_t i = 0; i < n; i++) {
		uint32_t handle = get32(handles, i * l->stride);
		uint64_t point = get64(points, i * sizeof(point));

		buffers_lock();
		rise |= timeline_rises(f, handle, point);
		buffers_unlock();
	}
	return rise;
}

/* The buffers are looked at after the call: meanwhile another thread may have made the submit. */
int do_wait_any(const struct ioctl_call *c)
{
	const struct drv_ioctl *d = c->desc;
	int ret = call(c);

	if (ret >= 0 && !arg_bits(c, d->nowait) && !is_busy(c)) {
		struct file *f = descriptor_file(c->fd);
		/* Only the program may know what the answer to a question says. */
		bool fence = !d->asks || timelines_rise(c, f);

		sync_waited(fence, fence ? f : NULL);
		if (f)
			file_put(f);
	}
	return ret;
}

static bool visit_chunk(int fd, const struct chunk *chunk, const struct drv_list *l,
			visit_fn *visit, const struct submit *s)
{
	const void *data = pointer(chunk->data);
	struct drv_list inner = *l;
	struct box box;

	if (!l->boxed)
		return visit_array(fd, data, chunk->words * 4ULL / l->stride, l, visit, s);
	if (!readable(data, sizeof(box)))
		return false;
	memcpy(&box, data, sizeof(box));
	if (box.size < l->stride || box.size > UINT8_MAX)
		return false;
	inner.stride = box.size;
	return visit_array(fd, pointer(box.array), box.n, &inner, visit, s);
}

/*
 * The handles of a call's list, whose argument can be read. False where they cannot all be told:
 * there is no list, or it is empty (the buffers have been bound before), or it cannot be read.
 */
static bool visit_list(const struct ioctl_call *c, visit_fn *visit, const struct submit *s)
{
	const struct drv_list *l = &c->desc->list;
	uint64_t n = l->fixed ? l->fixed : arg32(c, l->count);
	bool found = false;
	const char *array;

	if (l->fixed)
		return visit_array(c->fd, (char *)c->arg + l->at, n, l, visit, s);
	array = pointer(arg64(c, l->at));
	if (!n || n > LONGEST)
		return false;
	if (!l->chunk)
		return visit_array(c->fd, array, n, l, visit, s);
	if (!readable(array, n * sizeof(uint64_t)))
		return false;
	for (uint64_t i = 0; i < n; i++) {
		const void *at = pointer(get64(array, i * sizeof(uint64_t)));
		struct chunk chunk;

		if (!readable(at, sizeof(chunk)))
			return false;
		memcpy(&chunk, at, sizeof(chunk));
		if (chunk.id != l->chunk)
			continue;
		if (!visit_chunk(c->fd, &chunk, l, visit, s))
			return false;
		found = true;
	}
	return found;
}

static void give(int fd, uint32_t handle, bool writes, const struct submit *s)
{
	struct buffer *b = record_buffer(fd, handle);

	if (b)
		sync_device(b, writes ? ON_WRITE : ON_READ, GIVEN_LISTED, s);
}

static void take_back(int fd, uint32_t handle, bool writes, const struct submit *s)
{
	struct buffer *b = record_buffer(fd, handle);

	(void)writes;
	if (b)
		sync_taken_back(b, s);
}

/* Is all of the argument that the list needs there to be read? */
static bool list_readable(const struct ioctl_call *c)
{
	const struct drv_list *l = &c->desc->list;
	size_t end = l->fixed ? l->at + l->fixed * 4U : l->at + 8U;

	if (!l->fixed && l->count + 4U > end)
		end = l->count + 4U;
	return _IOC_SIZE(c->request) >= end && readable(c->arg, end);
}

/*
 * Hands over what is in the list, and what else is mapped of the file where the list is not
 * complete.
 */
static int submit(const struct ioctl_call *c, bool has_list)
{
	struct file *f = descriptor_file(c->fd);
	struct submit s;
	bool listed, all;
	int ret;

	if (!f)
		return call(c);
	sync_submit_begin(&s, f);
	listed = has_list && visit_list(c, give, &s);
	all = listed && !c->desc->list.partial;
	if (!all)
		sync_file_device(&s, listed);
	ret = call(c);
	sync_submit_end(&s);
	if (ret < 0 && listed)
		visit_list(c, take_back, &s);
	if (ret < 0 && !all)
		sync_file_taken_back(&s);
	file_put(f);
	return ret;
}

int do_submit(const struct ioctl_call *c)
{
	return list_readable(c) ? submit(c, true) : call(c);
}

int do_submit_any(const struct ioctl_call *c)
{
	return submit(c, false);
}

/* The imports in a list that lies in the argument, which can be read. */
static void each_listed(const struct ioctl_call *c, void (*visit)(struct buffer *b))
{
	const struct drv_list *l = &c->desc->list;

	for (uint64_t i = 0; i < l->fixed; i++) {
		uint32_t handle = get32(c->arg, l->at + i * l->stride);
		struct buffer *b = handle ? record_buffer(c->fd, handle) : NULL;

		if (b)
			visit(b);
	}
}

int do_frame(const struct ioctl_call *c)
{
	int ret = call(c);

	if (ret >= 0 && list_readable(c))
		each_listed(c, sync_framed);
	return ret;
}

static void show(struct buffer *b)
{
	sync_device(b, ON_READ, GIVEN, NULL);
}

int do_scanout(const struct ioctl_call *c)
{
	int ret;

	if (!c->desc->list.fixed)
		sync_shown();
	else if (list_readable(c) && meant(c))
		each_listed(c, show);
	else
		return call(c);
	ret = call(c);
	if (ret < 0)
		sync_waited(false, NULL);
	return ret;
}
