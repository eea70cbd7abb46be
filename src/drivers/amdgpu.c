// SPDX-License-Identifier: MIT
/* AMD GPUs from Sea Islands on. */
#include "config.h"

#include <drm.h>
#include <amdgpu_drm.h>

#include "drivers.h"

/* User queues, 6.16: amdgpu_drm.h. */
#ifndef DRM_IOCTL_AMDGPU_USERQ_SIGNAL
struct drm_amdgpu_userq_signal {
	__u32 queue_id;
	__u32 pad;
	__u64 syncobj_handles;
	__u64 num_syncobj_handles;
	__u64 bo_read_handles;
	__u64 bo_write_handles;
	__u32 num_bo_read_handles;
	__u32 num_bo_write_handles;
};
#define DRM_IOCTL_AMDGPU_USERQ_SIGNAL \
	DRM_IOWR(DRM_COMMAND_BASE + 0x17, struct drm_amdgpu_userq_signal)
#endif

static const struct drv_ioctl ioctls[] = {
	{
		/* A union: where the handle was the offset is afterwards. */
		IOCTL(AMDGPU_GEM_MMAP), .role = ROLE_MAP_OFFSET,
		.handle = offsetof(union drm_amdgpu_gem_mmap, in.handle),
		.value = offsetof(union drm_amdgpu_gem_mmap, out.addr_ptr),
	}, {
		IOCTL(AMDGPU_GEM_WAIT_IDLE), .role = ROLE_WAIT,
		.handle = offsetof(union drm_amdgpu_gem_wait_idle, in.handle),
		.busy = { offsetof(union drm_amdgpu_gem_wait_idle, out.status), ~0U },
	}, {
		IOCTL(AMDGPU_CS), .role = ROLE_SUBMIT,
		.list = {
			.at = offsetof(union drm_amdgpu_cs, in.chunks),
			.count = offsetof(union drm_amdgpu_cs, in.num_chunks),
			.chunk = AMDGPU_CHUNK_ID_BO_HANDLES,
			.boxed = true,
			.stride = sizeof(struct drm_amdgpu_bo_list_entry),
			.handle = AT(drm_amdgpu_bo_list_entry, bo_handle),
		},
	}, {
		IOCTL(AMDGPU_BO_LIST), .role = ROLE_BIND,
		.list = {
			.at = offsetof(union drm_amdgpu_bo_list, in.bo_info_ptr),
			.count = offsetof(union drm_amdgpu_bo_list, in.bo_number),
			.stride = sizeof(struct drm_amdgpu_bo_list_entry),
			.handle = AT(drm_amdgpu_bo_list_entry, bo_handle),
		},
	}, {
		IOCTL(AMDGPU_GEM_VA), .role = ROLE_BIND,
		.handle = AT(drm_amdgpu_gem_va, handle),
	}, {
		IOCTL(AMDGPU_USERQ_SIGNAL), .role = ROLE_SUBMIT_ANY,
	}, {
		IOCTL(AMDGPU_WAIT_CS), .role = ROLE_WAIT_ANY,
		.busy = { offsetof(union drm_amdgpu_wait_cs, out.status), ~0U },
	}, {
		IOCTL(AMDGPU_WAIT_FENCES), .role = ROLE_WAIT_ANY,
		.done = { offsetof(union drm_amdgpu_wait_fences, out.status), ~0U },
	},
};

const struct driver amdgpu_driver = {
	.name = "amdgpu",
	.exports_as = { "drm" },	/* drm_gem_prime_export() */
	.natively = NATIVELY_SIGBUS,
	IOCTLS(ioctls),
};
