// SPDX-License-Identifier: MIT
/* NVIDIA GPUs. */
#include "config.h"

#include <stdint.h>	/* libdrm's header of Debian 12 wants it */

#include <drm.h>
#include <nouveau_drm.h>

#include "drivers.h"

#ifndef DRM_IOCTL_NOUVEAU_VM_BIND
/* 6.6: nouveau_drm.h. */
struct drm_nouveau_vm_bind_op {
	__u32 op;
	__u32 flags;
	__u32 handle;
	__u32 pad;
	__u64 addr;
	__u64 bo_offset;
	__u64 range;
};

struct drm_nouveau_vm_bind {
	__u32 op_count;
	__u32 flags;
	__u32 wait_count;
	__u32 sig_count;
	__u64 wait_ptr;
	__u64 sig_ptr;
	__u64 op_ptr;
};

struct drm_nouveau_exec {
	__u32 channel;
	__u32 push_count;
	__u32 wait_count;
	__u32 sig_count;
	__u64 wait_ptr;
	__u64 sig_ptr;
	__u64 push_ptr;
};

#define DRM_IOCTL_NOUVEAU_VM_BIND	DRM_IOWR(DRM_COMMAND_BASE + 0x11, \
						 struct drm_nouveau_vm_bind)
#define DRM_IOCTL_NOUVEAU_EXEC		DRM_IOWR(DRM_COMMAND_BASE + 0x12, struct drm_nouveau_exec)
#endif

/* Headers of before 6.6 have these numbers as macros without the argument's type. */
#ifndef DRM_IOCTL_NOUVEAU_GEM_NEW
#define DRM_IOCTL_NOUVEAU_GEM_NEW \
	DRM_IOWR(DRM_COMMAND_BASE + DRM_NOUVEAU_GEM_NEW, struct drm_nouveau_gem_new)
#define DRM_IOCTL_NOUVEAU_GEM_PUSHBUF \
	DRM_IOWR(DRM_COMMAND_BASE + DRM_NOUVEAU_GEM_PUSHBUF, struct drm_nouveau_gem_pushbuf)
#define DRM_IOCTL_NOUVEAU_GEM_CPU_PREP \
	DRM_IOW(DRM_COMMAND_BASE + DRM_NOUVEAU_GEM_CPU_PREP, struct drm_nouveau_gem_cpu_prep)
#define DRM_IOCTL_NOUVEAU_GEM_CPU_FINI \
	DRM_IOW(DRM_COMMAND_BASE + DRM_NOUVEAU_GEM_CPU_FINI, struct drm_nouveau_gem_cpu_fini)
#define DRM_IOCTL_NOUVEAU_GEM_INFO \
	DRM_IOWR(DRM_COMMAND_BASE + DRM_NOUVEAU_GEM_INFO, struct drm_nouveau_gem_info)
#endif

static const struct drv_ioctl ioctls[] = {
	{
		/* Mesa asks when it imports, and maps with the offset later. */
		IOCTL(NOUVEAU_GEM_INFO), .role = ROLE_TELL_OFFSET,
		.handle = AT(drm_nouveau_gem_info, handle),
		.value = AT(drm_nouveau_gem_info, map_handle),
	}, {
		IOCTL(NOUVEAU_GEM_NEW), .role = ROLE_CREATE,
		.handle = AT(drm_nouveau_gem_new, info.handle),
	}, {
		IOCTL(NOUVEAU_GEM_CPU_PREP), .role = ROLE_CPU_BEGIN,
		.handle = AT(drm_nouveau_gem_cpu_prep, handle),
		.writes = { AT(drm_nouveau_gem_cpu_prep, flags), NOUVEAU_GEM_CPU_PREP_WRITE },
		.nowait = { AT(drm_nouveau_gem_cpu_prep, flags), NOUVEAU_GEM_CPU_PREP_NOWAIT },
	}, {
		IOCTL(NOUVEAU_GEM_CPU_FINI), .role = ROLE_CPU_END,
		.handle = AT(drm_nouveau_gem_cpu_fini, handle),
	}, {
		IOCTL(NOUVEAU_GEM_PUSHBUF), .role = ROLE_SUBMIT,
		.list = {
			.at = AT(drm_nouveau_gem_pushbuf, buffers),
			.count = AT(drm_nouveau_gem_pushbuf, nr_buffers),
			.stride = sizeof(struct drm_nouveau_gem_pushbuf_bo),
			.handle = AT(drm_nouveau_gem_pushbuf_bo, handle),
			.writes = { AT(drm_nouveau_gem_pushbuf_bo, write_domains), ~0U },
		},
	}, {
		IOCTL(NOUVEAU_VM_BIND), .role = ROLE_BIND,
		.list = {
			.at = AT(drm_nouveau_vm_bind, op_ptr),
			.count = AT(drm_nouveau_vm_bind, op_count),
			.stride = sizeof(struct drm_nouveau_vm_bind_op),
			.handle = AT(drm_nouveau_vm_bind_op, handle),
		},
	}, {
		IOCTL(NOUVEAU_EXEC), .role = ROLE_SUBMIT_ANY,
	},
};

const struct driver nouveau_driver = {
	.name = "nouveau",
	.exports_as = { "drm" },
	.natively = NATIVELY_SIGBUS,
	IOCTLS(ioctls),
};
