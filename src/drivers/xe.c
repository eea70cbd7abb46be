// SPDX-License-Identifier: MIT
/* Intel GPUs from the twelfth generation on: xe_drm.h, 6.8 and later. */
#include "config.h"

#include <drm.h>

#include "drivers.h"

struct drm_xe_gem_mmap_offset {
	__u64 extensions;
	__u32 handle;
	__u32 flags;
	__u64 offset;
	__u64 reserved[2];
};

struct drm_xe_vm_bind_op {
	__u64 extensions;
	__u32 obj;
	__u16 pat_index;
	__u16 pad;
	__u64 obj_offset;
	__u64 range;
	__u64 addr;
	__u32 op;
	__u32 flags;
	__u32 prefetch_mem_region_instance;
	__u32 pad2;
	__u64 reserved[3];
};

struct drm_xe_vm_bind {
	__u64 extensions;
	__u32 vm_id;
	__u32 exec_queue_id;
	__u32 pad;
	__u32 num_binds;
	union {
		struct drm_xe_vm_bind_op bind;	/* where there is one */
		__u64 vector_of_binds;
	};
	__u32 pad2;
	__u32 num_syncs;
	__u64 syncs;
	__u64 reserved[2];
};

struct drm_xe_exec {
	__u64 extensions;
	__u32 exec_queue_id;
	__u32 num_syncs;
	__u64 syncs;
	__u64 address;
	__u16 num_batch_buffer;
	__u16 pad[3];
	__u64 reserved[2];
};

struct drm_xe_wait_user_fence {
	__u64 extensions;
	__u64 addr;
	__u16 op;
	__u16 flags;
	__u32 pad;
	__u64 value;
	__u64 mask;
	__s64 timeout;
	__u32 exec_queue_id;
	__u32 pad2;
	__u64 reserved[2];
};

#define DRM_IOCTL_XE_GEM_MMAP_OFFSET	DRM_IOWR(DRM_COMMAND_BASE + 2, \
						 struct drm_xe_gem_mmap_offset)
#define DRM_IOCTL_XE_VM_BIND		DRM_IOW(DRM_COMMAND_BASE + 5, struct drm_xe_vm_bind)
#define DRM_IOCTL_XE_EXEC		DRM_IOW(DRM_COMMAND_BASE + 9, struct drm_xe_exec)
#define DRM_IOCTL_XE_WAIT_USER_FENCE	DRM_IOWR(DRM_COMMAND_BASE + 10, \
						 struct drm_xe_wait_user_fence)

static const struct drv_ioctl ioctls[] = {
	{
		IOCTL(XE_GEM_MMAP_OFFSET), .role = ROLE_MAP_OFFSET,
		.handle = AT(drm_xe_gem_mmap_offset, handle),
		.value = AT(drm_xe_gem_mmap_offset, offset),
	}, {
		IOCTL(XE_VM_BIND), .role = ROLE_BIND,
		.when = { AT(drm_xe_vm_bind, num_binds), ~0U }, .is = 1,
		.handle = AT(drm_xe_vm_bind, bind.obj),
	}, {
		IOCTL(XE_VM_BIND), .role = ROLE_BIND,
		.list = {
			.at = AT(drm_xe_vm_bind, vector_of_binds),
			.count = AT(drm_xe_vm_bind, num_binds),
			.stride = sizeof(struct drm_xe_vm_bind_op),
			.handle = AT(drm_xe_vm_bind_op, obj),
		},
	}, {
		IOCTL(XE_EXEC), .role = ROLE_SUBMIT_ANY,
	}, {
		IOCTL(XE_WAIT_USER_FENCE), .role = ROLE_WAIT_ANY,
	},
};

const struct driver xe_driver = {
	.name = "xe",
	.exports_as = { "drm" },	/* drm_gem_prime_export() */
	.natively = NATIVELY_SIGBUS,
	.quirks = QUIRK_HIDES,		/* since 6.12; stable 6.11 has it, too */
	IOCTLS(ioctls),
};
