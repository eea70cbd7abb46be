// SPDX-License-Identifier: MIT
/* Samsung Exynos' displays: exynos_drm.h, 4.7 and later. */
#include "config.h"

#include <drm.h>

#include "drivers.h"

struct drm_exynos_gem_map {
	__u32 handle;
	__u32 reserved;
	__u64 offset;
};

#define DRM_IOCTL_EXYNOS_GEM_MAP	DRM_IOWR(DRM_COMMAND_BASE + 1, struct drm_exynos_gem_map)

static const struct drv_ioctl ioctls[] = {
	{
		IOCTL(EXYNOS_GEM_MAP), .role = ROLE_MAP_OFFSET, .proof = true,
		.handle = AT(drm_exynos_gem_map, handle),
		.value = AT(drm_exynos_gem_map, offset),
	},
};

const struct driver exynos_driver = {
	.name = "exynos",
	.module = "exynosdrm",
	.exports_as = { "drm" },
	.natively = NATIVELY_REFUSED,
	IOCTLS(ioctls),
};
