// SPDX-License-Identifier: MIT
/* TI OMAP's displays: omap_drm.h, 3.4 and later. CPU_PREP and CPU_FINI do nothing there. */
#include "config.h"

#include <drm.h>

#include "drivers.h"

#define OMAP_GEM_READ	0x01
#define OMAP_GEM_WRITE	0x02

struct drm_omap_gem_cpu_prep {
	__u32 handle;
	__u32 op;
};

struct drm_omap_gem_cpu_fini {
	__u32 handle;
	__u32 op;
	__u32 nregions;
	__u32 pad;
};

struct drm_omap_gem_info {
	__u32 handle;
	__u32 pad;
	__u64 offset;
	__u32 size;
	__u32 pad2;
};

#define DRM_IOCTL_OMAP_GEM_CPU_PREP	DRM_IOW(DRM_COMMAND_BASE + 4, struct drm_omap_gem_cpu_prep)
#define DRM_IOCTL_OMAP_GEM_CPU_FINI	DRM_IOW(DRM_COMMAND_BASE + 5, struct drm_omap_gem_cpu_fini)
#define DRM_IOCTL_OMAP_GEM_INFO		DRM_IOWR(DRM_COMMAND_BASE + 6, struct drm_omap_gem_info)

static const struct drv_ioctl ioctls[] = {
	{
		IOCTL(OMAP_GEM_INFO), .role = ROLE_MAP_OFFSET,
		.handle = AT(drm_omap_gem_info, handle),
		.value = AT(drm_omap_gem_info, offset),
	}, {
		IOCTL(OMAP_GEM_CPU_PREP), .role = ROLE_CPU_BEGIN,
		.handle = AT(drm_omap_gem_cpu_prep, handle),
		.reads = { AT(drm_omap_gem_cpu_prep, op), OMAP_GEM_READ },
		.writes = { AT(drm_omap_gem_cpu_prep, op), OMAP_GEM_WRITE },
		.at_once = true,
	}, {
		IOCTL(OMAP_GEM_CPU_FINI), .role = ROLE_CPU_END,
		.handle = AT(drm_omap_gem_cpu_fini, handle),
	},
};

const struct driver omapdrm_driver = {
	.name = "omapdrm",
	.exports_as = { "omapdrm" },
	.natively = NATIVELY_PAGES,
	/*
	 * COUNTS: omap_gem_dmabuf_begin_cpu_access() and _end_cpu_access(). MAPS_WRONG, by reading:
	 * of an import that is of one piece to the device, omap_gem_fault_1d() takes the device's
	 * address for the memory's. With bounce buffers (a DRA7 with memory above 4 GiB) it is not.
	 */
	.quirks = QUIRK_COUNTS | QUIRK_MAPS_WRONG,
	.note = "write-combined; what is of one piece by the device's address",
	IOCTLS(ioctls),
};
