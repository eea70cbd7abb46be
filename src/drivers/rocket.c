// SPDX-License-Identifier: MIT
/* Rockchip NPUs: rocket_accel.h, 6.18 and later. */
#include "config.h"

#include <drm.h>

#include "drivers.h"

struct drm_rocket_create_bo {
	__u32 size;
	__u32 handle;
	__u64 dma_address;
	__u64 offset;
};

struct drm_rocket_prep_bo {
	__u32 handle;
	__u32 reserved;
	__s64 timeout_ns;
};

struct drm_rocket_fini_bo {
	__u32 handle;
	__u32 reserved;
};

struct drm_rocket_submit {
	__u64 jobs;
	__u32 job_count;
	__u32 job_struct_size;
	__u64 reserved;
};

#define DRM_IOCTL_ROCKET_CREATE_BO	DRM_IOWR(DRM_COMMAND_BASE + 0, struct drm_rocket_create_bo)
#define DRM_IOCTL_ROCKET_SUBMIT		DRM_IOW(DRM_COMMAND_BASE + 1, struct drm_rocket_submit)
#define DRM_IOCTL_ROCKET_PREP_BO	DRM_IOW(DRM_COMMAND_BASE + 2, struct drm_rocket_prep_bo)
#define DRM_IOCTL_ROCKET_FINI_BO	DRM_IOW(DRM_COMMAND_BASE + 3, struct drm_rocket_fini_bo)

static const struct drv_ioctl ioctls[] = {
	{
		/* Tells the offset; there is no other way to it. */
		IOCTL(ROCKET_CREATE_BO), .role = ROLE_CREATE,
		.handle = AT(drm_rocket_create_bo, handle),
	}, {
		IOCTL(ROCKET_PREP_BO), .role = ROLE_CPU_BEGIN,
		.handle = AT(drm_rocket_prep_bo, handle),
		.timeout = AT(drm_rocket_prep_bo, timeout_ns),
	}, {
		IOCTL(ROCKET_FINI_BO), .role = ROLE_CPU_END,
		.handle = AT(drm_rocket_fini_bo, handle),
	}, {
		IOCTL(ROCKET_SUBMIT), .role = ROLE_SUBMIT_ANY,
	},
};

const struct driver rocket_driver = {
	.name = "rocket",
	.exports_as = { "drm" },
	.natively = NATIVELY_NO_IMPORT,
	.note = "EINVAL",
	IOCTLS(ioctls),
};
