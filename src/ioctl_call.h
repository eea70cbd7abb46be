/* SPDX-License-Identifier: MIT */
/*
 * A program's ioctl on a DRM descriptor, as the hooks hand it on. The argument is the program's
 * memory and may be rubbish: it is read only after the kernel has read it, or when the kernel has
 * said that it can be (readable()).
 */
#ifndef PRIMESHIM_IOCTL_CALL_H
#define PRIMESHIM_IOCTL_CALL_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "drivers/drivers.h"
#include "ioctl_hooks.h"
#include "lock.h"

struct ioctl_call {
	ioctl_fn *native;	/* the next definition of what the program called */
	const struct driver *driver;	/* whose table it is */
	const struct drv_ioctl *desc;
	int fd;
	unsigned long request;
	void *arg;
};

static inline uint32_t get32(const void *at, size_t offset)
{
	uint32_t v;

	memcpy(&v, (const char *)at + offset, sizeof(v));
	return v;
}

static inline uint64_t get64(const void *at, size_t offset)
{
	uint64_t v;

	memcpy(&v, (const char *)at + offset, sizeof(v));
	return v;
}

static inline bool get_bits(const void *at, struct drv_bits bits)
{
	return bits.mask && get32(at, bits.at) & bits.mask;
}

/* Makes it: the result or a negative errno. */
static inline int call(const struct ioctl_call *c)
{
	struct outside out = outside_begin();
	int ret = c->native(c->fd, c->request, c->arg);

	ret = ret == -1 ? -errno : ret;
	outside_end(&out);
	return ret;
}

/*
 * Can the @size bytes at @arg, all u32, be read? One call for each page of them, or none where
 * that is certain.
 */
bool readable(const void *arg, size_t size);

/* Is this what the entry is about? To be asked once the argument can be read. */
bool meant(const struct ioctl_call *c);

/* sync_hooks.c: the roles that say whose turn it is. Each makes the call. */
int do_cpu(const struct ioctl_call *c);
int do_wait(const struct ioctl_call *c);
int do_wait_any(const struct ioctl_call *c);
int do_submit(const struct ioctl_call *c);
int do_submit_any(const struct ioctl_call *c);
int do_frame(const struct ioctl_call *c);
int do_scanout(const struct ioctl_call *c);

#endif
