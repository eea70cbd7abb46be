/* SPDX-License-Identifier: MIT */
/*
 * A program's ioctl on a DRM descriptor, as the hooks hand it on. The argument is the program's
 * memory, and may be rubbish. The shim reads it only after the call has succeeded, when the kernel
 * has read it, or after the kernel has said that it can be read (readable.h). The shim writes it
 * only after the kernel has said that it can be written. Of the argument the kernel reads _IOC_SIZE
 * bytes, and takes the rest for zeroes (drm_ioctl()): so do arg32() and arg64().
 */
#ifndef PRIMESHIM_IOCTL_CALL_H
#define PRIMESHIM_IOCTL_CALL_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <linux/ioctl.h>

#include "base/lock.h"
#include "drivers/drivers.h"
#include "kernel/next.h"
#include "kernel/readable.h"

struct ioctl_call {
	ioctl_fn *native;	/* the next definition of the function that the program called */
	const struct driver *driver;	/* the driver whose table has @desc */
	const struct drv_ioctl *desc;
	int fd;
	unsigned long request;
	void *arg;
	bool made;		/* the call was made already, with the result @ret */
	int ret;
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

/* Copies the @size bytes at @offset of the argument. */
static inline void arg_bytes(const struct ioctl_call *c, void *to, size_t offset, size_t size)
{
	size_t end = _IOC_SIZE(c->request), have = end > offset ? end - offset : 0;

	memset(to, 0, size);
	if (have)
		memcpy(to, (const char *)c->arg + offset, have < size ? have : size);
}

/* Can all of the argument be read? */
static inline bool arg_readable(const struct ioctl_call *c)
{
	return readable(c->arg, _IOC_SIZE(c->request));
}

static inline uint32_t arg32(const struct ioctl_call *c, size_t offset)
{
	uint32_t v;

	arg_bytes(c, &v, offset, sizeof(v));
	return v;
}

static inline uint64_t arg64(const struct ioctl_call *c, size_t offset)
{
	uint64_t v;

	arg_bytes(c, &v, offset, sizeof(v));
	return v;
}

static inline bool arg_bits(const struct ioctl_call *c, struct drv_bits bits)
{
	return bits.mask && arg32(c, bits.at) & bits.mask;
}

/* Makes the program's call: the result or a negative errno. */
static inline int call(const struct ioctl_call *c)
{
	struct outside out;
	int ret;

	if (c->made)
		return c->ret;
	out = outside_begin(true);
	ret = c->native(c->fd, c->request, c->arg);
	ret = ret == -1 ? -errno : ret;
	outside_end(&out);
	return ret;
}

/* Does the argument select this entry (drv_ioctl.when)? The caller knows that it can be read. */
static inline bool meant(const struct ioctl_call *c)
{
	const struct drv_bits *when = &c->desc->when;

	return !when->mask || (arg32(c, when->at) & when->mask) == c->desc->is;
}

#endif
