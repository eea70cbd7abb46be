// SPDX-License-Identifier: MIT
/* Mali Utgard GPUs: lima_drm.h, 5.2 and later. */
#include "config.h"

#include <drm.h>

#include "drivers.h"

struct drm_lima_gem_info {
	__u32 handle;
	__u32 va;
	__u64 offset;
};

#define LIMA_SUBMIT_BO_WRITE	0x02

struct drm_lima_gem_submit_bo {
	__u32 handle;
	__u32 flags;
};

struct drm_lima_gem_submit {
	__u32 ctx;
	__u32 pipe;
	__u32 nr_bos;
	__u32 frame_size;
	__u64 bos;
	__u64 frame;
	__u32 flags;
	__u32 out_sync;
	__u32 in_sync[2];
};

#define LIMA_GEM_WAIT_READ	0x01
#define LIMA_GEM_WAIT_WRITE	0x02

struct drm_lima_gem_wait {
	__u32 handle;
	__u32 op;
	__s64 timeout_ns;
};

#define DRM_IOCTL_LIMA_GEM_INFO		DRM_IOWR(DRM_COMMAND_BASE + 2, struct drm_lima_gem_info)
#define DRM_IOCTL_LIMA_GEM_SUBMIT	DRM_IOW(DRM_COMMAND_BASE + 3, struct drm_lima_gem_submit)
#define DRM_IOCTL_LIMA_GEM_WAIT		DRM_IOW(DRM_COMMAND_BASE + 4, struct drm_lima_gem_wait)

static const struct drv_ioctl ioctls[] = {
	{
		/* Mesa asks when it imports, for the address in the GPU, and maps later. */
		IOCTL(LIMA_GEM_INFO), .role = ROLE_TELL_OFFSET,
		.handle = AT(drm_lima_gem_info, handle),
		.value = AT(drm_lima_gem_info, offset),
	}, {
		IOCTL(LIMA_GEM_WAIT), .role = ROLE_CPU_BEGIN,
		.handle = AT(drm_lima_gem_wait, handle),
		.reads = { AT(drm_lima_gem_wait, op), LIMA_GEM_WAIT_READ },
		.writes = { AT(drm_lima_gem_wait, op), LIMA_GEM_WAIT_WRITE },
		.timeout = AT(drm_lima_gem_wait, timeout_ns),
	}, {
		/*
		 * All that has a handle is mapped (lima_gem_object_open()), and the list is for
		 * fences. Mesa lists what a job uses (lima_job_add_bo()), and there is no Vulkan.
		 */
		IOCTL(LIMA_GEM_SUBMIT), .role = ROLE_SUBMIT,
		.list = {
			.at = AT(drm_lima_gem_submit, bos),
			.count = AT(drm_lima_gem_submit, nr_bos),
			.stride = sizeof(struct drm_lima_gem_submit_bo),
			.handle = AT(drm_lima_gem_submit_bo, handle),
			.writes = { AT(drm_lima_gem_submit_bo, flags), LIMA_SUBMIT_BO_WRITE },
		},
	},
};

const struct driver lima_driver = {
	.name = "lima",
	.exports_as = { "drm" },
	.natively = NATIVELY_FORWARDED,
	IOCTLS(ioctls),
};
