// SPDX-License-Identifier: MIT
/* Marvell Armada's displays: armada_drm.h, 3.12 and later. */
#include "config.h"

#include <drm.h>

#include "drivers.h"

struct drm_armada_gem_mmap {
	__u32 handle;
	__u32 pad;
	__u64 offset;
	__u64 size;
	__u64 addr;
};

#define DRM_IOCTL_ARMADA_GEM_MMAP	DRM_IOWR(DRM_COMMAND_BASE + 2, struct drm_armada_gem_mmap)

static const struct drv_ioctl ioctls[] = {
	{
		IOCTL(ARMADA_GEM_MMAP), .role = ROLE_MAP_ADDRESS,
		.handle = AT(drm_armada_gem_mmap, handle),
		.start = AT(drm_armada_gem_mmap, offset),
		.length = AT(drm_armada_gem_mmap, size),
		.value = AT(drm_armada_gem_mmap, addr),
	},
};

const struct driver armada_driver = {
	.name = "armada-drm",
	.module = "armada",
	.exports_as = { "armada" },
	.natively = NATIVELY_REFUSED,
	IOCTLS(ioctls),
};
