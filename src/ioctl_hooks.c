// SPDX-License-Identifier: MIT
/*
 * What happens around an ioctl on a DRM descriptor.
 *
 * Rules: the program's call is made once, and libdrm repeats it on EINTR and EAGAIN; we act on its
 * outcome only. The argument is the program's memory and may be rubbish: it is read only after the
 * kernel has read it.
 */
#include "config.h"

#include <stdatomic.h>
#include <stdint.h>
#include <string.h>

#include <drm.h>

#include "drivers/drivers.h"
#include "file.h"
#include "ioctl_hooks.h"
#include "next.h"
#include "record.h"
#include "redirect.h"
#include "settings.h"

struct call {
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

static int native(const struct call *c)
{
	return next_ioctl(c->fd, c->request, c->arg);
}

static bool none_imported(void)
{
	return !atomic_load_explicit(&imports_live, memory_order_relaxed);
}

static int do_import(const struct call *c)
{
	int ret = native(c);

	if (ret >= 0)
		record_imported(c->fd, get32(c, c->desc->handle), get32(c, c->desc->value));
	return ret;
}

static int do_export(const struct call *c)
{
	int ret = native(c);

	if (ret >= 0 && !none_imported())
		record_exported(c->fd, get32(c, c->desc->handle), get32(c, c->desc->value));
	return ret;
}

static int do_close(const struct call *c)
{
	uint64_t clock;
	int ret;

	if (none_imported())
		return native(c);
	clock = record_closing();
	ret = native(c);
	if (ret >= 0)
		record_closed(c->fd, get32(c, c->desc->handle), clock);
	return ret;
}

static int do_rename(const struct call *c)
{
	int ret = native(c);

	if (ret >= 0 && !none_imported())
		record_renamed(c->fd, get32(c, c->desc->handle), get32(c, c->desc->value));
	return ret;
}

static int do_map_offset(const struct call *c)
{
	uint64_t offset;
	int ret = native(c);

	if (ret >= 0) {
		if (!none_imported())
			record_offset(c->fd, get32(c, c->desc->handle), get64(c, c->desc->value));
		return ret;
	}
	if (!redirect_may_rescue(c->fd, ret))
		return ret;
	ret = redirect_refused(c->fd, get32(c, c->desc->handle), ret, &offset);
	if (!ret)
		memcpy((char *)c->arg + c->desc->value, &offset, sizeof(offset));
	return ret;
}

static int (*const hooks[ROLE_COUNT])(const struct call *c) = {
	[ROLE_IMPORT] = do_import,
	[ROLE_EXPORT] = do_export,
	[ROLE_CLOSE] = do_close,
	[ROLE_RENAME] = do_rename,
	[ROLE_MAP_OFFSET] = do_map_offset,
};

static const struct drv_ioctl *find(unsigned long request)
{
	return &generic_driver.ioctls[_IOC_NR(request)];
}

bool ioctl_watched(unsigned long request)
{
	return settings.active && _IOC_TYPE(request) == DRM_IOCTL_BASE && find(request)->role;
}

int ioctl_hook(int fd, unsigned long request, void *arg)
{
	struct call c = { find(request), fd, request, arg };

	/* A field cut off, or not copied back, is none of ours. */
	if (_IOC_SIZE(request) < c.desc->size ||
	    (c.desc->role == ROLE_MAP_OFFSET && !(_IOC_DIR(request) & _IOC_READ)))
		return native(&c);
	return hooks[c.desc->role](&c);
}
