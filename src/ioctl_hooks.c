// SPDX-License-Identifier: MIT
/*
 * What happens around an ioctl on a DRM descriptor.
 *
 * Rules: the program's call is made once, and libdrm repeats it on EINTR and EAGAIN; we act on its
 * outcome only. The argument is the program's memory and may be rubbish: it is read only after the
 * kernel has read it, or when the kernel has said that it can be.
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

#include "drivers/drivers.h"
#include "dmabuf.h"
#include "file.h"
#include "ioctl_hooks.h"
#include "record.h"
#include "redirect.h"
#include "settings.h"
#include "stats.h"

#ifndef SYS_futex
#define SYS_futex SYS_futex_time64	/* 32-bit ports since 5.1 have no other */
#endif

struct call {
	ioctl_fn *native;	/* the next definition of what the program called */
	const struct drv_ioctl *desc;
	int fd;
	unsigned long request;
	void *arg;
};

static uint32_t get32(const struct call *c, uint8_t at)
{
	uint32_t v;

	memcpy(&v, (char *)c->arg + at, sizeof(v));
	return v;
}

static uint64_t get64(const struct call *c, uint8_t at)
{
	uint64_t v;

	memcpy(&v, (char *)c->arg + at, sizeof(v));
	return v;
}

static int call(const struct call *c)
{
	int ret = c->native(c->fd, c->request, c->arg);

	return ret == -1 ? -errno : ret;
}

static int do_import(const struct call *c)
{
	int ret = call(c);

	if (ret >= 0)
		record_imported(c->fd, get32(c, c->desc->handle), get32(c, c->desc->value));
	return ret;
}

static int do_close(const struct call *c)
{
	uint32_t clock = import_clock();
	int ret = call(c);

	if (ret >= 0)
		record_closed(c->fd, get32(c, c->desc->handle), clock);
	return ret;
}

static int do_rename(const struct call *c)
{
	uint32_t clock = import_clock();
	int ret = call(c);

	if (ret >= 0)
		record_renamed(c->fd, get32(c, c->desc->handle), get32(c, c->desc->value), clock);
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

/* Can the @size bytes of the argument, all u32, be read before the kernel has? */
static bool readable(const void *arg, size_t size)
{
	uintptr_t first = (uintptr_t)arg, last = first + size - sizeof(uint32_t);

	return on_our_page(arg, size) ||
	       (word_readable(first) && ((first ^ last) < 4096 || word_readable(last)));
}

/*
 * The first export of a buffer fixes for ever whether it may be written through its dma-buf
 * (dma_buf_getfile()), and importers map it for writing whatever it says.
 */
static int export_writable(const struct call *c)
{
	struct drm_prime_handle p;
	struct call with = *c;
	int ret;

	if (!settings.rdwr || (uint32_t)c->request != DRM_IOCTL_PRIME_HANDLE_TO_FD ||
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

static int do_export(const struct call *c)
{
	int ret = export_writable(c);

	if (ret >= 0)
		record_exported(c->fd, get32(c, c->desc->handle), get32(c, c->desc->value));
	return ret;
}

/* Is this what the entry is about? To be asked once the kernel has read the argument. */
static bool meant(const struct call *c)
{
	const struct drv_bits *when = &c->desc->when;

	return !when->mask || (get32(c, when->at) & when->mask) == c->desc->is;
}

static int do_map_offset(const struct call *c)
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
		handle = get32(c, d->handle);
	}
	ret = call(c);
	if (ret < 0 && (d->role == ROLE_TELL_OFFSET ||
			!redirect_may_rescue(c->fd, ret, c->arg, size)))
		return ret;
	if (!meant(c))
		return ret;
	if (!overwritten)
		handle = get32(c, d->handle);
	if (ret >= 0) {
		record_offset(c->fd, handle, get64(c, d->value));
		return ret;
	}
	ret = redirect_refused(c->fd, handle, d->proof, ret, &offset);
	if (!ret)
		memcpy((char *)c->arg + d->value, &offset, sizeof(offset));
	return ret;
}

static int do_map_address(const struct call *c)
{
	const struct drv_ioctl *d = c->desc;
	int ret = call(c);
	uint64_t address;
	void *p;

	if (ret >= 0 || !redirect_may_rescue(c->fd, ret, c->arg, driver_ioctl_need(d)))
		return ret;
	ret = redirect_address(c->fd, get32(c, d->handle), get64(c, d->start),
			       get64(c, d->length), ret, &p);
	if (!ret) {
		address = (uintptr_t)p;
		memcpy((char *)c->arg + d->value, &address, sizeof(address));
	}
	return ret;
}

static int (*const hooks[ROLE_COUNT])(const struct call *c) = {
	[ROLE_IMPORT] = do_import,
	[ROLE_EXPORT] = do_export,
	[ROLE_CLOSE] = do_close,
	[ROLE_RENAME] = do_rename,
	[ROLE_CREATE] = do_close,	/* the number was free: what is remembered of it is stale */
	[ROLE_MAP_OFFSET] = do_map_offset,
	[ROLE_TELL_OFFSET] = do_map_offset,
	[ROLE_MAP_ADDRESS] = do_map_address,
};

uint8_t ioctl_watch[256];

static void watch(const struct driver *d)
{
	for (unsigned int i = 0; i < d->n; i++) {
		const struct drv_ioctl *desc = &d->ioctls[i];
		uint8_t *w = &ioctl_watch[_IOC_NR(desc->request)];

		if (desc->role == ROLE_EXPORT && settings.rdwr)
			*w = WATCH_EXPORTS;
		else if (desc->role == ROLE_IMPORT ||
		    (desc->role == ROLE_EXPORT && settings.mode == MODE_DENY) ||
		    /* An import made where we could not see it is learned here. */
		    (d == &generic_driver && desc->role == ROLE_MAP_OFFSET))
			*w = WATCH_ALWAYS;
		else if (hooks[desc->role] && !*w)
			*w = WATCH_IMPORTS;
	}
}

void ioctl_hooks_init(void)
{
	if (!settings.active)
		return;
	watch(&generic_driver);
	for (unsigned int i = 0; i < drivers_count; i++)
		watch(drivers[i]);
}

int ioctl_hook(ioctl_fn *native, int fd, unsigned long request, void *arg)
{
	const struct drv_ioctl *desc = record_ioctl(fd, request);
	struct call c = { native, desc, fd, request, arg };

	if (!desc || !hooks[desc->role])
		return call(&c);
	/* What is not copied back is none of ours. */
	if (_IOC_DIR(desc->request) & _IOC_READ && !(_IOC_DIR(request) & _IOC_READ))
		return call(&c);
	return hooks[desc->role](&c);
}
