/* SPDX-License-Identifier: MIT */
/*
 * The ioctls that matter, as data: a table for each driver, by ioctl number. drm_ioctl() tells
 * them apart by _IOC_NR alone and takes any _IOC_SIZE, so the tables do the same and give the size
 * below which a field would be missing.
 */
#ifndef PRIMESHIM_DRIVERS_H
#define PRIMESHIM_DRIVERS_H

#include <stdint.h>

enum role {
	ROLE_NONE,
	ROLE_IMPORT,		/* handle (out), value: the dma-buf's descriptor */
	ROLE_EXPORT,		/* handle, value: the dma-buf's descriptor (out) */
	ROLE_CLOSE,		/* handle */
	ROLE_RENAME,		/* handle, value: the new handle */
	ROLE_MAP_OFFSET,	/* handle, value: the offset for mmap, u64 (out) */
	ROLE_COUNT,
};

struct drv_ioctl {
	uint8_t role;
	uint8_t size;	/* bytes of the argument that we read or write */
	uint8_t handle;	/* where the u32 handle lies, in bytes */
	uint8_t value;	/* where the other thing lies, in bytes */
};

struct driver {
	const char *name;
	struct drv_ioctl ioctls[256];	/* by _IOC_NR */
};

/* What the DRM core itself answers, for every driver. */
extern const struct driver generic_driver;

#endif
