// SPDX-License-Identifier: MIT
/* Apple GPUs: asahi_drm.h, 6.16; the driver itself is not in the kernel's tree. */
#include "config.h"

#include <drm.h>

#include "drivers.h"

struct drm_asahi_gem_mmap_offset {
	__u32 handle;
	__u32 flags;
	__u64 offset;
};

#define DRM_IOCTL_ASAHI_GEM_MMAP_OFFSET \
	DRM_IOWR(DRM_COMMAND_BASE + 6, struct drm_asahi_gem_mmap_offset)

static const struct drv_ioctl ioctls[] = {
	{
		IOCTL(ASAHI_GEM_MMAP_OFFSET), .role = ROLE_MAP_OFFSET,
		.handle = AT(drm_asahi_gem_mmap_offset, handle),
		.value = AT(drm_asahi_gem_mmap_offset, offset),
	},
};

const struct driver asahi_driver = {
	.name = "asahi",
	.exports_as = { "drm", "asahi" },
	.natively = NATIVELY_FORWARDED,		/* by the shmem helpers; not seen */
	.note = "not seen",
	IOCTLS(ioctls),
};
