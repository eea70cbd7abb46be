// SPDX-License-Identifier: MIT
/* Arm Ethos-U NPUs: ethosu_accel.h, 6.19 and later. */
#include "config.h"

#include <drm.h>

#include "drivers.h"

struct drm_ethosu_bo_wait {
	__u32 handle;
	__u32 pad;
	__s64 timeout_ns;
};

struct drm_ethosu_bo_mmap_offset {
	__u32 handle;
	__u32 pad;
	__u64 offset;
};

#define DRM_IOCTL_ETHOSU_BO_WAIT	DRM_IOWR(DRM_COMMAND_BASE + 2, struct drm_ethosu_bo_wait)
#define DRM_IOCTL_ETHOSU_BO_MMAP_OFFSET	\
	DRM_IOWR(DRM_COMMAND_BASE + 3, struct drm_ethosu_bo_mmap_offset)

static const struct drv_ioctl ioctls[] = {
	{
		IOCTL(ETHOSU_BO_MMAP_OFFSET), .role = ROLE_MAP_OFFSET,
		.handle = AT(drm_ethosu_bo_mmap_offset, handle),
		.value = AT(drm_ethosu_bo_mmap_offset, offset),
	}, {
		IOCTL(ETHOSU_BO_WAIT), .role = ROLE_WAIT,
		.handle = AT(drm_ethosu_bo_wait, handle),
		.timeout = AT(drm_ethosu_bo_wait, timeout_ns),
	},
};

const struct driver ethosu_driver = {
	.name = "ethosu",
	.exports_as = { "drm" },
	.natively = NATIVELY_NO_IMPORT,
	.note = "EINVAL",
	IOCTLS(ioctls),
};
