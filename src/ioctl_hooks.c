// SPDX-License-Identifier: MIT
/*
 * What happens around an ioctl on a DRM descriptor.
 *
 * Rules: the program's call is made once, and libdrm repeats it on EINTR and EAGAIN; we act on its
 * outcome only. ioctl_call.h says when the argument may be read.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <linux/futex.h>

#include <drm.h>
#include <linux/dma-buf.h>

#include "drivers/drivers.h"
#include "dmabuf.h"
#include "file.h"
#include "ioctl_call.h"
#include "ioctl_hooks.h"
#include "record.h"
#include "redirect.h"
#include "settings.h"
#include "stats.h"
#include "sync.h"

#ifndef SYS_futex
#define SYS_futex SYS_futex_time64	/* 32-bit ports since 5.1 have no other */
#endif

static int do_import(const struct ioctl_call *c)
{
	int ret = call(c);

	if (ret >= 0)
		record_imported(c->fd, get32(c->arg, c->desc->handle), get32(c->arg, c->desc->value));
	return ret;
}

static int do_close(const struct ioctl_call *c)
{
	uint32_t clock = import_clock();
	int ret = call(c);

	if (ret >= 0)
		record_closed(c->fd, get32(c->arg, c->desc->handle), clock);
	return ret;
}

static int do_rename(const struct ioctl_call *c)
{
	uint32_t clock = import_clock();
	int ret = call(c);

	if (ret >= 0)
		record_renamed(c->fd, get32(c->arg, c->desc->handle), get32(c->arg, c->desc->value), clock);
	return ret;
}

/*
 * Can the u32 be read? A wait that does not begin: futex_wait_setup() reads it first, and says
 * EFAULT (2.6.22 to 7.3). One call, which every program with threads makes.
 */
static bool word_readable(uintptr_t at)
{
	static const struct timespec now;

	return syscall(SYS_futex, at, FUTEX_WAIT_PRIVATE, 0, &now, NULL, 0) == 0 ||
	       (errno != EFAULT && errno != EINVAL && errno != ENOSYS);
}

bool readable(const void *arg, size_t size)
{
	uintptr_t first = (uintptr_t)arg, last = first + size - sizeof(uint32_t);

	if (!size || on_our_page(arg, size))
		return true;
	for (uintptr_t at = first; at < last; at = (at | 4095) + 1)
		if (!word_readable(at))
			return false;
	return last >= first && word_readable(last);
}

/*
 * The first export of a buffer fixes for ever whether it may be written through its dma-buf
 * (dma_buf_getfile()), and importers map it for writing whatever it says.
 */
static int export_writable(const struct ioctl_call *c)
{
	struct drm_prime_handle p;
	struct ioctl_call with = *c;
	int ret;

	if (!exports_writable() || (uint32_t)c->request != DRM_IOCTL_PRIME_HANDLE_TO_FD ||
	    !readable(c->arg, sizeof(p)))
		return call(c);
	memcpy(&p, c->arg, sizeof(p));
	if (p.flags & DRM_RDWR)
		return call(c);
	p.flags |= DRM_RDWR;
	with.arg = &p;
	ret = call(&with);
	/* Before 4.1 the kernel did not know the flag. */
	if (ret == -EINVAL)
		return call(c);
	if (ret < 0)
		return ret;
	stat_inc(STAT_EXPORT);
	memcpy((char *)c->arg + offsetof(struct drm_prime_handle, fd), &p.fd, sizeof(p.fd));
	return ret;
}

static int do_export(const struct ioctl_call *c)
{
	int ret = export_writable(c);

	if (ret < 0)
		return ret;
	record_exported(c->fd, get32(c->arg, c->desc->handle), get32(c->arg, c->desc->value));
	if (sync_turns()) {
		struct buffer *b = record_buffer(c->fd, get32(c->arg, c->desc->handle));

		if (b)
			sync_device(b);
	}
	return ret;
}

bool meant(const struct ioctl_call *c)
{
	const struct drv_bits *when = &c->desc->when;

	return !when->mask || (get32(c->arg, when->at) & when->mask) == c->desc->is;
}

static int do_map_offset(const struct ioctl_call *c)
{
	const struct drv_ioctl *d = c->desc;
	size_t size = driver_ioctl_need(d);
	bool overwritten = d->value < d->handle + sizeof(uint32_t) &&
			   d->handle < d->value + sizeof(uint64_t);
	uint32_t handle = 0;
	uint64_t offset;
	int ret;

	/* AMDGPU_GEM_MMAP: a union. */
	if (overwritten) {
		if (!readable(c->arg, size))
			return call(c);
		handle = get32(c->arg, d->handle);
	}
	ret = call(c);
	if (ret < 0 && (d->role == ROLE_TELL_OFFSET ||
			!redirect_may_rescue(c->fd, ret, c->arg, size)))
		return ret;
	if (!meant(c))
		return ret;
	if (!overwritten)
		handle = get32(c->arg, d->handle);
	if (ret >= 0) {
		record_offset(c->fd, handle, get64(c->arg, d->value));
		return ret;
	}
	ret = redirect_refused(c->fd, handle, d->proof, ret, &offset);
	if (!ret)
		memcpy((char *)c->arg + d->value, &offset, sizeof(offset));
	return ret;
}

static int do_map_address(const struct ioctl_call *c)
{
	const struct drv_ioctl *d = c->desc;
	int ret = call(c);
	uint64_t address;
	void *p;

	if (ret >= 0 || !redirect_may_rescue(c->fd, ret, c->arg, driver_ioctl_need(d)))
		return ret;
	ret = redirect_address(c->fd, get32(c->arg, d->handle), get64(c->arg, d->start),
			       get64(c->arg, d->length), ret, &p);
	if (!ret) {
		address = (uintptr_t)p;
		memcpy((char *)c->arg + d->value, &address, sizeof(address));
	}
	return ret;
}

static int (*const hooks[ROLE_COUNT])(const struct ioctl_call *c) = {
	[ROLE_IMPORT] = do_import,
	[ROLE_EXPORT] = do_export,
	[ROLE_CLOSE] = do_close,
	[ROLE_RENAME] = do_rename,
	[ROLE_CREATE] = do_close,	/* the number was free: what is remembered of it is stale */
	[ROLE_MAP_OFFSET] = do_map_offset,
	[ROLE_TELL_OFFSET] = do_map_offset,
	[ROLE_MAP_ADDRESS] = do_map_address,
	[ROLE_CPU_BEGIN] = do_cpu,
	[ROLE_CPU_END] = do_cpu,
	[ROLE_WAIT] = do_wait,
	[ROLE_WAIT_ANY] = do_wait_any,
	[ROLE_SUBMIT] = do_submit,
	[ROLE_SUBMIT_ANY] = do_submit_any,
	[ROLE_FRAME] = do_frame,
	[ROLE_SCANOUT] = do_scanout,
};

static int do_own_sync(const struct ioctl_call *c)
{
	int ret = call(c);

	/* What is synced before or after is another mapping of the dma-buf. */
	if (ret >= 0 && !(get64(c->arg, 0) & DMA_BUF_SYNC_END) &&
	    atomic_load_explicit(&imports_live, memory_order_relaxed))
		stat_inc(STAT_OWN);
	return ret;
}

int ioctl_hook(ioctl_fn *native, int fd, unsigned long request, void *arg)
{
	struct ioctl_call c = { native, NULL, NULL, fd, request, arg };

	if ((uint32_t)request == DMA_BUF_IOCTL_SYNC)
		return do_own_sync(&c);
	c.desc = record_ioctl(fd, request, &c.driver);
	if (!c.desc || !hooks[c.desc->role] ||
	    (c.desc->role >= ROLE_CPU_BEGIN && !sync_turns()))
		return call(&c);
	/* What is not copied back is none of ours. */
	if (_IOC_DIR(c.desc->request) & _IOC_READ && !(_IOC_DIR(request) & _IOC_READ))
		return call(&c);
	return hooks[c.desc->role](&c);
}
