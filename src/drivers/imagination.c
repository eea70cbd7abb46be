// SPDX-License-Identifier: MIT
/* Imagination's PowerVR GPUs: pvr_drm.h, 6.8 and later. */
#include "config.h"

#include <drm.h>

#include "drivers.h"

struct drm_pvr_obj_array {
	__u32 stride;
	__u32 count;
	__u64 array;
};

struct drm_pvr_ioctl_get_bo_mmap_offset_args {
	__u32 handle;
	__u32 pad;
	__u64 offset;
};

struct drm_pvr_ioctl_vm_map_args {
	__u32 vm_context_handle;
	__u32 flags;
	__u64 device_addr;
	__u32 handle;
	__u32 pad;
	__u64 offset;
	__u64 size;
};

struct drm_pvr_ioctl_submit_jobs_args {
	struct drm_pvr_obj_array jobs;
};

#define DRM_IOCTL_PVR_GET_BO_MMAP_OFFSET \
	DRM_IOWR(DRM_COMMAND_BASE + 2, struct drm_pvr_ioctl_get_bo_mmap_offset_args)
#define DRM_IOCTL_PVR_VM_MAP \
	DRM_IOW(DRM_COMMAND_BASE + 5, struct drm_pvr_ioctl_vm_map_args)
#define DRM_IOCTL_PVR_SUBMIT_JOBS \
	DRM_IOW(DRM_COMMAND_BASE + 13, struct drm_pvr_ioctl_submit_jobs_args)

static const struct drv_ioctl ioctls[] = {
	{
		IOCTL(PVR_GET_BO_MMAP_OFFSET), .role = ROLE_MAP_OFFSET,
		.handle = AT(drm_pvr_ioctl_get_bo_mmap_offset_args, handle),
		.value = AT(drm_pvr_ioctl_get_bo_mmap_offset_args, offset),
	}, {
		IOCTL(PVR_VM_MAP), .role = ROLE_BIND,
		.handle = AT(drm_pvr_ioctl_vm_map_args, handle),
	}, {
		IOCTL(PVR_SUBMIT_JOBS), .role = ROLE_SUBMIT_ANY,
	},
};

const struct driver imagination_driver = {
	.name = "powervr",
	.module = "imagination",
	.exports_as = { "drm" },
	.natively = NATIVELY_NO_MMAP,
	IOCTLS(ioctls),
};
