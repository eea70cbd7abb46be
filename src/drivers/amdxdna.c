// SPDX-License-Identifier: MIT
/* AMD NPUs: amdxdna_accel.h, 6.14 and later. */
#include "config.h"

#include <drm.h>

#include "drivers.h"

struct amdxdna_drm_get_bo_info {
	__u64 ext;
	__u64 ext_flags;
	__u32 handle;
	__u32 pad;
	__u64 map_offset;
	__u64 vaddr;
	__u64 xdna_addr;
};

#define SYNC_DIRECT_TO_DEVICE	0U
#define SYNC_DIRECT_FROM_DEVICE	1U

struct amdxdna_drm_sync_bo {
	__u32 handle;
	__u32 direction;
	__u64 offset;
	__u64 size;
};

struct amdxdna_drm_exec_cmd {
	__u64 ext;
	__u64 ext_flags;
	__u32 hwctx;
	__u32 type;
	__u64 cmd_handles;
	__u64 args;
	__u32 cmd_count;
	__u32 arg_count;
	__u64 seq;
};

#define DRM_IOCTL_AMDXDNA_GET_BO_INFO	DRM_IOWR(DRM_COMMAND_BASE + 4, \
						 struct amdxdna_drm_get_bo_info)
#define DRM_IOCTL_AMDXDNA_SYNC_BO	DRM_IOWR(DRM_COMMAND_BASE + 5, struct amdxdna_drm_sync_bo)
#define DRM_IOCTL_AMDXDNA_EXEC_CMD	DRM_IOWR(DRM_COMMAND_BASE + 6, struct amdxdna_drm_exec_cmd)

static const struct drv_ioctl ioctls[] = {
	{
		IOCTL(AMDXDNA_GET_BO_INFO), .role = ROLE_TELL_OFFSET,
		.handle = AT(amdxdna_drm_get_bo_info, handle),
		.value = AT(amdxdna_drm_get_bo_info, map_offset),
	}, {
		IOCTL(AMDXDNA_SYNC_BO), .role = ROLE_CPU_BEGIN,
		.when = { AT(amdxdna_drm_sync_bo, direction), ~0U }, .is = SYNC_DIRECT_FROM_DEVICE,
		.handle = AT(amdxdna_drm_sync_bo, handle),
		.at_once = true,	/* it flushes caches */
	}, {
		IOCTL(AMDXDNA_SYNC_BO), .role = ROLE_CPU_END,
		.when = { AT(amdxdna_drm_sync_bo, direction), ~0U }, .is = SYNC_DIRECT_TO_DEVICE,
		.handle = AT(amdxdna_drm_sync_bo, handle),
	}, {
		IOCTL(AMDXDNA_EXEC_CMD), .role = ROLE_SUBMIT_ANY,
	},
};

const struct driver amdxdna_driver = {
	.name = "amdxdna_accel_driver",
	.module = "amdxdna",
	.exports_as = { "amdxdna", "drm" },
	.natively = NATIVELY_FORWARDED,
	/* amdxdna_gem_obj_mmap() registers the range, and the NPU uses the process's addresses. */
	.quirks = QUIRK_KEEPS_ADDRESS,
	IOCTLS(ioctls),
};
