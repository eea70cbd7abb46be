// SPDX-License-Identifier: MIT
/* Mali Valhall GPUs: panthor_drm.h, 6.10 and later. */
#include "config.h"

#include <drm.h>

#include "drivers.h"

struct drm_panthor_obj_array {
	__u32 stride;
	__u32 count;
	__u64 array;
};

struct drm_panthor_vm_bind_op {
	__u32 flags;
	__u32 bo_handle;
	__u64 bo_offset;
	__u64 va;
	__u64 size;
	struct drm_panthor_obj_array syncs;
};

struct drm_panthor_vm_bind {
	__u32 vm_id;
	__u32 flags;
	struct drm_panthor_obj_array ops;
};

struct drm_panthor_bo_mmap_offset {
	__u32 handle;
	__u32 pad;
	__u64 offset;
};

struct drm_panthor_group_submit {
	__u32 group_handle;
	__u32 pad;
	struct drm_panthor_obj_array queue_submits;
};

#define DRM_IOCTL_PANTHOR_VM_BIND	DRM_IOWR(DRM_COMMAND_BASE + 3, struct drm_panthor_vm_bind)
#define DRM_IOCTL_PANTHOR_BO_MMAP_OFFSET \
	DRM_IOWR(DRM_COMMAND_BASE + 6, struct drm_panthor_bo_mmap_offset)
#define DRM_IOCTL_PANTHOR_GROUP_SUBMIT \
	DRM_IOWR(DRM_COMMAND_BASE + 9, struct drm_panthor_group_submit)

static const struct drv_ioctl ioctls[] = {
	{
		IOCTL(PANTHOR_BO_MMAP_OFFSET), .role = ROLE_MAP_OFFSET,
		.handle = AT(drm_panthor_bo_mmap_offset, handle),
		.value = AT(drm_panthor_bo_mmap_offset, offset),
	}, {
		IOCTL(PANTHOR_VM_BIND), .role = ROLE_BIND,
		.list = {
			.at = AT(drm_panthor_vm_bind, ops.array),
			.count = AT(drm_panthor_vm_bind, ops.count),
			.stride = sizeof(struct drm_panthor_vm_bind_op),
			.handle = AT(drm_panthor_vm_bind_op, bo_handle),
		},
	}, {
		IOCTL(PANTHOR_GROUP_SUBMIT), .role = ROLE_SUBMIT_ANY,
	},
};

const struct driver panthor_driver = {
	.name = "panthor",
	.exports_as = { "panthor", "drm" },	/* since 7.2; before */
	.natively = NATIVELY_FORWARDED,
	.quirks = QUIRK_HIDES,		/* since 6.12 */
	IOCTLS(ioctls),
};
