// SPDX-License-Identifier: MIT
/* Broadcom GPUs from the Raspberry Pi 4 on: v3d_drm.h, 4.18 and later (SUBMIT_CPU: 6.8). */
#include "config.h"

#include <drm.h>

#include "drivers.h"

struct drm_v3d_submit_cl {
	__u32 bcl_start;
	__u32 bcl_end;
	__u32 rcl_start;
	__u32 rcl_end;
	__u32 in_sync_bcl;
	__u32 in_sync_rcl;
	__u32 out_sync;
	__u32 qma;
	__u32 qms;
	__u32 qts;
	__u64 bo_handles;
	__u32 bo_handle_count;
	__u32 flags;
	__u32 perfmon_id;
	__u32 pad;
	__u64 extensions;
};

struct drm_v3d_wait_bo {
	__u32 handle;
	__u32 pad;
	__u64 timeout_ns;
};

struct drm_v3d_mmap_bo {
	__u32 handle;
	__u32 flags;
	__u64 offset;
};

struct drm_v3d_submit_tfu {
	__u32 icfg;
	__u32 iia;
	__u32 iis;
	__u32 ica;
	__u32 iua;
	__u32 ioa;
	__u32 ios;
	__u32 coef[4];
	__u32 bo_handles[4];
	__u32 in_sync;
	__u32 out_sync;
	__u32 flags;
	__u64 extensions;
	struct {
		__u32 ioc;
		__u32 pad;
	} v71;
};

struct drm_v3d_submit_csd {
	__u32 cfg[7];
	__u32 coef[4];
	__u64 bo_handles;
	__u32 bo_handle_count;
	__u32 in_sync;
	__u32 out_sync;
	__u32 perfmon_id;
	__u64 extensions;
	__u32 flags;
	__u32 pad;
};

struct drm_v3d_submit_cpu {
	__u64 bo_handles;
	__u32 bo_handle_count;
	__u32 flags;
	__u64 extensions;
};

#define DRM_IOCTL_V3D_SUBMIT_CL		DRM_IOWR(DRM_COMMAND_BASE + 0, struct drm_v3d_submit_cl)
#define DRM_IOCTL_V3D_WAIT_BO		DRM_IOWR(DRM_COMMAND_BASE + 1, struct drm_v3d_wait_bo)
#define DRM_IOCTL_V3D_MMAP_BO		DRM_IOWR(DRM_COMMAND_BASE + 3, struct drm_v3d_mmap_bo)
#define DRM_IOCTL_V3D_SUBMIT_TFU	DRM_IOW(DRM_COMMAND_BASE + 6, struct drm_v3d_submit_tfu)
#define DRM_IOCTL_V3D_SUBMIT_CSD	DRM_IOW(DRM_COMMAND_BASE + 7, struct drm_v3d_submit_csd)
#define DRM_IOCTL_V3D_SUBMIT_CPU	DRM_IOW(DRM_COMMAND_BASE + 11, struct drm_v3d_submit_cpu)

static const struct drv_ioctl ioctls[] = {
	{
		IOCTL(V3D_MMAP_BO), .role = ROLE_MAP_OFFSET,
		.handle = AT(drm_v3d_mmap_bo, handle),
		.value = AT(drm_v3d_mmap_bo, offset),
	}, {
		IOCTL(V3D_WAIT_BO), .role = ROLE_WAIT,
		.handle = AT(drm_v3d_wait_bo, handle),
		.timeout = AT(drm_v3d_wait_bo, timeout_ns),
	}, {
		/*
		 * All that has a handle is mapped (v3d_mmu_insert_ptes()), and the lists are for
		 * fences. Mesa's v3d and v3dv list what a job uses (v3d_job_add_bo(),
		 * v3dv_job_add_bo()).
		 */
		IOCTL(V3D_SUBMIT_CL), .role = ROLE_SUBMIT,
		.list = {
			.at = AT(drm_v3d_submit_cl, bo_handles),
			.count = AT(drm_v3d_submit_cl, bo_handle_count),
			.stride = sizeof(__u32),
		},
	}, {
		/* The first is written, zeros are none. */
		IOCTL(V3D_SUBMIT_TFU), .role = ROLE_SUBMIT,
		.list = {
			.at = AT(drm_v3d_submit_tfu, bo_handles),
			.fixed = 4,
			.stride = sizeof(__u32),
		},
	}, {
		IOCTL(V3D_SUBMIT_CSD), .role = ROLE_SUBMIT,
		.list = {
			.at = AT(drm_v3d_submit_csd, bo_handles),
			.count = AT(drm_v3d_submit_csd, bo_handle_count),
			.stride = sizeof(__u32),
		},
	}, {
		IOCTL(V3D_SUBMIT_CPU), .role = ROLE_SUBMIT,
		.list = {
			.at = AT(drm_v3d_submit_cpu, bo_handles),
			.count = AT(drm_v3d_submit_cpu, bo_handle_count),
			.stride = sizeof(__u32),
		},
	},
};

const struct driver v3d_driver = {
	.name = "v3d",
	.exports_as = { "drm" },
	.natively = NATIVELY_FORWARDED,
	IOCTLS(ioctls),
};
