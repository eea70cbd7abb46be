// SPDX-License-Identifier: MIT
/* Mali Midgard and Bifrost GPUs: panfrost_drm.h, 5.2 and later. */
#include "config.h"

#include <drm.h>

#include "drivers.h"

struct drm_panfrost_submit {
	__u64 jc;
	__u64 in_syncs;
	__u32 in_sync_count;
	__u32 out_sync;
	__u64 bo_handles;
	__u32 bo_handle_count;
	__u32 requirements;
	__u32 jm_ctx_handle;	/* 6.18 */
	__u32 pad;
};

struct drm_panfrost_wait_bo {
	__u32 handle;
	__u32 pad;
	__s64 timeout_ns;
};

struct drm_panfrost_mmap_bo {
	__u32 handle;
	__u32 flags;
	__u64 offset;
};

#define DRM_IOCTL_PANFROST_SUBMIT	DRM_IOW(DRM_COMMAND_BASE + 0, struct drm_panfrost_submit)
#define DRM_IOCTL_PANFROST_WAIT_BO	DRM_IOW(DRM_COMMAND_BASE + 1, struct drm_panfrost_wait_bo)
#define DRM_IOCTL_PANFROST_MMAP_BO	DRM_IOWR(DRM_COMMAND_BASE + 3, struct drm_panfrost_mmap_bo)

static const struct drv_ioctl ioctls[] = {
	{
		IOCTL(PANFROST_MMAP_BO), .role = ROLE_MAP_OFFSET,
		.handle = AT(drm_panfrost_mmap_bo, handle),
		.value = AT(drm_panfrost_mmap_bo, offset),
	}, {
		IOCTL(PANFROST_WAIT_BO), .role = ROLE_WAIT,
		.handle = AT(drm_panfrost_wait_bo, handle),
		.timeout = AT(drm_panfrost_wait_bo, timeout_ns),
	}, {
		/*
		 * All that has a handle is mapped (panfrost_gem_open()), and the list is for
		 * fences. Mesa's GL lists what a batch uses (panfrost_batch_submit_ioctl()); panvk,
		 * 25.0, its own pools and the attachments.
		 */
		IOCTL(PANFROST_SUBMIT), .role = ROLE_SUBMIT,
		.list = {
			.partial = true,
			.at = AT(drm_panfrost_submit, bo_handles),
			.count = AT(drm_panfrost_submit, bo_handle_count),
			.stride = sizeof(__u32),
		},
	},
};

const struct driver panfrost_driver = {
	.name = "panfrost",
	.exports_as = { "panfrost", "drm" },	/* since 7.2; before */
	.natively = NATIVELY_FORWARDED,
	IOCTLS(ioctls),
};
