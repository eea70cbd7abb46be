// SPDX-License-Identifier: MIT
/*
 * What happens around an ioctl on a DRM descriptor.
 *
 * Rules: the program's call is made once, and libdrm repeats it on EINTR and EAGAIN; we act on its
 * outcome only. The argument is the program's memory and may be rubbish: it is read only after the
 * kernel has read it.
 */
#include "config.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include <drm.h>

#include "drivers/drivers.h"
#include "file.h"
#include "ioctl_hooks.h"
#include "record.h"
#include "redirect.h"
#include "settings.h"

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

static int do_export(const struct call *c)
{
	int ret = call(c);

	if (ret >= 0)
		record_exported(c->fd, get32(c, c->desc->handle), get32(c, c->desc->value));
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

static int do_map_offset(const struct call *c)
{
	uint64_t offset;
	int ret = call(c);

	if (ret >= 0) {
		record_offset(c->fd, get32(c, c->desc->handle), get64(c, c->desc->value));
		return ret;
	}
	if (!redirect_may_rescue(c->fd, ret, c->arg, c->desc->size))
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

uint8_t ioctl_watch[256];

void ioctl_hooks_init(void)
{
	for (int nr = 0; nr < 256 && settings.active; nr++) {
		switch (generic_driver.ioctls[nr].role) {
		case ROLE_NONE:
			break;
		case ROLE_IMPORT:
		case ROLE_MAP_OFFSET:	/* an import made where we could not see it is learned here */
			ioctl_watch[nr] = WATCH_ALWAYS;
			break;
		default:
			ioctl_watch[nr] = WATCH_IMPORTS;
		}
	}
}

int ioctl_hook(ioctl_fn *native, int fd, unsigned long request, void *arg)
{
	struct call c = {
		native, &generic_driver.ioctls[_IOC_NR(request)], fd, request, arg
	};

	/* A field cut off, or not copied back, is none of ours. */
	if (_IOC_SIZE(request) < c.desc->size ||
	    (c.desc->role == ROLE_MAP_OFFSET && !(_IOC_DIR(request) & _IOC_READ)))
		return call(&c);
	return hooks[c.desc->role](&c);
}
