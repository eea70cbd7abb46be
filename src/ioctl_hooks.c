// SPDX-License-Identifier: MIT
/*
 * What happens around an ioctl on a DRM descriptor.
 *
 * Rules: the shim makes the program's call once, and leaves it to libdrm to repeat the call on
 * EINTR and EAGAIN. The shim acts on the outcome only. ioctl_call.h says when it may read the
 * argument.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>

#include <drm.h>
#include <linux/dma-buf.h>

#include "drivers/drivers.h"
#include "hooks/ioctl_call.h"
#include "hooks/sync_hooks.h"
#include "ioctl_hooks.h"
#include "kernel/dmabuf.h"
#include "kernel/drm_node.h"
#include "policy/direct.h"
#include "policy/mapped.h"
#include "policy/refused.h"
#include "policy/sync.h"
#include "publish/stats.h"
#include "records/record.h"
#include "settings/settings.h"
#include "state/descriptor.h"
#include "state/import.h"

/* Another device's ioctls may have the same numbers, and any argument. */
static bool is_drm(int fd)
{
	dev_t rdev;

	return descriptor_known(fd) || drm_node(fd, &rdev) == 0;
}

/*
 * May the driver have refused the dma-buf with @ret? The other errors are of a wrong argument or
 * descriptor, or passing.
 */
static bool import_refusal(int ret)
{
	return ret != -EFAULT && ret != -EBADF && ret != -EINTR && ret != -EAGAIN;
}

static int do_import(const struct ioctl_call *c)
{
	int ret = call(c);

	if (ret >= 0 && arg_readable(c))
		record_imported(c->fd, arg32(c, c->desc->handle), arg32(c, c->desc->value));
	else if (ret < 0 && import_refusal(ret) && is_drm(c->fd) && arg_readable(c))
		record_not_imported(c->fd, arg32(c, c->desc->value), ret);
	return ret;
}

/*
 * Has the kernel closed the handle although the call failed? drm_ioctl() makes the call, then
 * copies the argument back, and says EFAULT where the memory is read-only.
 */
static bool closed_with_fault(const struct ioctl_call *c, int ret)
{
	return ret == -EFAULT && c->desc->role == ROLE_CLOSE && _IOC_DIR(c->request) & _IOC_READ &&
	       arg_readable(c);
}

static int do_close(const struct ioctl_call *c)
{
	uint32_t clock = import_clock();
	int ret = call(c);

	if (descriptor_known(c->fd) && (ret >= 0 || closed_with_fault(c, ret)))
		record_closed(c->fd, arg32(c, c->desc->handle), clock);
	return ret;
}

static int do_rename(const struct ioctl_call *c)
{
	uint32_t clock = import_clock();
	int ret = call(c);

	if (ret >= 0 && descriptor_known(c->fd))
		record_renamed(c->fd, arg32(c, c->desc->handle), arg32(c, c->desc->value), clock);
	return ret;
}

/*
 * The first export of a buffer decides for ever whether the dma-buf may be mapped for writing
 * (dma_buf_getfile()); importers map it for writing either way. An argument that cannot be written
 * goes to the kernel as it is: the kernel makes the descriptor and then says EFAULT.
 */
static int export_writable(const struct ioctl_call *c)
{
	struct drm_prime_handle p;
	struct ioctl_call with = *c;
	int ret;

	if (!exports_writable() || (uint32_t)c->request != DRM_IOCTL_PRIME_HANDLE_TO_FD ||
	    !is_drm(c->fd) || !writable(c->arg, sizeof(p)))
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

	if (ret < 0 || !arg_readable(c))
		return ret;
	record_exported(c->fd, arg32(c, c->desc->handle), arg32(c, c->desc->value));
	if (sync_turns()) {
		struct buffer *b = record_buffer(c->fd, arg32(c, c->desc->handle));

		if (b)
			sync_device(b, ON_READ, GIVEN_ELSEWHERE, NULL);
	}
	return ret;
}

/*
 * May the shim answer the refusal @ret of a map ioctl? Only if it can write the argument: the
 * kernel refuses the ioctl of an unplugged device, and an ioctl that the driver lacks, before it
 * reads the argument (drm_ioctl(), vmw_generic_ioctl()).
 */
static bool may_rescue(const struct ioctl_call *c, int ret)
{
	return refused_as_import(ret) && is_drm(c->fd) &&
	       writable(c->arg, _IOC_SIZE(c->request));
}

/* Some programs map once, and make the map ioctl before each use (Mesa's kms_swrast). */
static void asked(int fd, uint32_t handle)
{
	struct buffer *b = mapped_any() ? record_buffer(fd, handle) : NULL;

	if (b)
		sync_asked(b);
}

static int do_map_offset(const struct ioctl_call *c)
{
	const struct drv_ioctl *d = c->desc;
	bool overwritten = d->value < d->handle + sizeof(uint32_t) &&
			   d->handle < d->value + sizeof(uint64_t);
	uint32_t handle = 0;
	uint64_t offset;
	int ret;

	/*
	 * The driver's offset overwrites the handle (AMDGPU_GEM_MMAP's union), so the shim reads
	 * the handle before the call.
	 */
	if (overwritten) {
		if (!arg_readable(c))
			return call(c);
		handle = arg32(c, d->handle);
	}
	ret = call(c);
	if (ret >= 0 && !descriptor_known(c->fd))
		return ret;
	if (ret < 0 && (d->role == ROLE_TELL_OFFSET || !may_rescue(c, ret)))
		return ret;
	if (!meant(c))
		return ret;
	if (!overwritten)
		handle = arg32(c, d->handle);
	if (ret >= 0) {
		record_offset(c->fd, handle, arg64(c, d->value));
	} else {
		ret = refused_offset(c->fd, handle, d->proof, ret, &offset);
		if (!ret)
			memcpy((char *)c->arg + d->value, &offset, sizeof(offset));
	}
	if (ret >= 0 && d->role == ROLE_MAP_OFFSET)
		asked(c->fd, handle);
	return ret;
}

static int do_map_address(const struct ioctl_call *c)
{
	const struct drv_ioctl *d = c->desc;
	int ret = call(c);
	uint64_t address;
	void *p;

	if (ret >= 0 || !may_rescue(c, ret))
		return ret;
	ret = refused_address(c->fd, arg32(c, d->handle), arg64(c, d->start),
			       arg64(c, d->length), ret, &p);
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
	[ROLE_CREATE] = do_close,	/* the number was free: its record is stale */
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
	bool direct = settings.direct && arg_readable(c) && direct_syncs(c->fd, arg64(c, 0));
	int ret = call(c);

	if (ret >= 0 && direct)
		stat_inc(STAT_DIRECT_SYNC);
	/* A sync before or after the time of imports is about another mapping of the dma-buf. */
	if (ret >= 0 && atomic_load_explicit(&imports_live, memory_order_relaxed) &&
	    arg_readable(c) && !(arg64(c, 0) & DMA_BUF_SYNC_END))
		stat_inc(STAT_OWN);
	return ret;
}

static int do_ioctl(struct ioctl_call *c)
{
	c->desc = record_ioctl(c->fd, c->request, &c->driver);
	if (!c->desc || !hooks[c->desc->role] ||
	    (c->desc->role >= ROLE_CPU_BEGIN && !sync_turns()))
		return call(c);
	/*
	 * The request lacks _IOC_WRITE or _IOC_READ: the kernel will not read the argument, or will
	 * not copy the results back (drm_ioctl()). The argument's bytes then are not those of the
	 * call.
	 */
	if (_IOC_DIR(c->desc->request) & ~_IOC_DIR(c->request))
		return call(c);
	return hooks[c->desc->role](c);
}

int ioctl_hook(ioctl_fn *native, int fd, unsigned long request, void *arg)
{
	struct ioctl_call c = { .native = native, .fd = fd, .request = request, .arg = arg };

	return (uint32_t)request == DMA_BUF_IOCTL_SYNC ? do_own_sync(&c) : do_ioctl(&c);
}

int ioctl_export(ioctl_fn *native, int fd, unsigned long request, void *arg)
{
	return export_writable(&(struct ioctl_call){
		.native = native, .fd = fd, .request = request, .arg = arg,
	});
}

int ioctl_refused_hook(int fd, unsigned long request, void *arg, int ret)
{
	struct ioctl_call c = {
		.fd = fd, .request = request, .arg = arg, .made = true, .ret = ret,
	};

	return do_ioctl(&c);
}
