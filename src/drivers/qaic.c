// SPDX-License-Identifier: MIT
/* Qualcomm Cloud AI: qaic_accel.h, 6.4 and later. */
#include "config.h"

#include <drm.h>

#include "drivers.h"

struct qaic_mmap_bo {
	__u32 handle;
	__u32 pad;
	__u64 offset;
};

struct qaic_wait {
	__u32 handle;
	__u32 timeout;
	__u32 dbc_id;
	__u32 pad;
};

struct qaic_execute {
	__u64 data;
	__u32 count;
	__u32 dbc_id;
};

#define DRM_IOCTL_QAIC_MMAP_BO			DRM_IOWR(DRM_COMMAND_BASE + 2, struct qaic_mmap_bo)
#define DRM_IOCTL_QAIC_EXECUTE_BO		DRM_IOW(DRM_COMMAND_BASE + 4, struct qaic_execute)
#define DRM_IOCTL_QAIC_PARTIAL_EXECUTE_BO	DRM_IOW(DRM_COMMAND_BASE + 5, struct qaic_execute)
#define DRM_IOCTL_QAIC_WAIT_BO			DRM_IOW(DRM_COMMAND_BASE + 6, struct qaic_wait)

static const struct drv_ioctl ioctls[] = {
	{
		IOCTL(QAIC_MMAP_BO), .role = ROLE_MAP_OFFSET,
		.handle = AT(qaic_mmap_bo, handle),
		.value = AT(qaic_mmap_bo, offset),
	}, {
		IOCTL(QAIC_WAIT_BO), .role = ROLE_WAIT,
		.handle = AT(qaic_wait, handle),
	}, {
		IOCTL(QAIC_EXECUTE_BO), .role = ROLE_SUBMIT_ANY,
	}, {
		IOCTL(QAIC_PARTIAL_EXECUTE_BO), .role = ROLE_SUBMIT_ANY,
	},
};

const struct driver qaic_driver = {
	.name = "qaic",
	.exports_as = { "drm" },
	.natively = NATIVELY_NO_MMAP,
	IOCTLS(ioctls),
};
