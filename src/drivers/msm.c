// SPDX-License-Identifier: MIT
/*
 * Qualcomm GPUs and displays. libdrm's header of Debian 12 has the GEM_INFO of before 4.20 and
 * lacks VM_BIND: msm_drm.h, 6.17.
 */
#include "config.h"

#include <drm.h>

#include "drivers.h"

struct drm_msm_timespec {
	__s64 tv_sec;
	__s64 tv_nsec;
};

#define MSM_INFO_GET_OFFSET	0x00

struct drm_msm_gem_info {
	__u32 handle;
	__u32 info;
	__u64 value;
	__u32 len;
	__u32 pad;
};

#define MSM_PREP_READ	0x01
#define MSM_PREP_WRITE	0x02
#define MSM_PREP_NOSYNC	0x04

struct drm_msm_gem_cpu_prep {
	__u32 handle;
	__u32 op;
	struct drm_msm_timespec timeout;
};

struct drm_msm_gem_cpu_fini {
	__u32 handle;
};

#define MSM_SUBMIT_BO_WRITE	0x0002

struct drm_msm_gem_submit_bo {
	__u32 flags;
	__u32 handle;
	__u64 presumed;
};

struct drm_msm_gem_submit {
	__u32 flags;
	__u32 fence;
	__u32 nr_bos;
	__u32 nr_cmds;
	__u64 bos;
	__u64 cmds;
	__s32 fence_fd;
	__u32 queueid;
	__u64 in_syncobjs;
	__u64 out_syncobjs;
	__u32 nr_in_syncobjs;
	__u32 nr_out_syncobjs;
	__u32 syncobj_stride;
	__u32 pad;
};

struct drm_msm_wait_fence {
	__u32 fence;
	__u32 flags;
	struct drm_msm_timespec timeout;
	__u32 queueid;
};

struct drm_msm_vm_bind_op {
	__u32 op;
	__u32 handle;
	__u64 obj_offset;
	__u64 iova;
	__u64 range;
	__u32 flags;
	__u32 pad;
};

struct drm_msm_vm_bind {
	__u32 flags;
	__u32 nr_ops;
	__s32 fence_fd;
	__u32 queue_id;
	__u64 in_syncobjs;
	__u64 out_syncobjs;
	__u32 nr_in_syncobjs;
	__u32 nr_out_syncobjs;
	__u32 syncobj_stride;
	__u32 op_stride;
	union {
		struct drm_msm_vm_bind_op op;	/* where there is one */
		__u64 ops;
	};
};

#define DRM_IOCTL_MSM_GEM_INFO		DRM_IOWR(DRM_COMMAND_BASE + 3, struct drm_msm_gem_info)
#define DRM_IOCTL_MSM_GEM_CPU_PREP	DRM_IOW(DRM_COMMAND_BASE + 4, struct drm_msm_gem_cpu_prep)
#define DRM_IOCTL_MSM_GEM_CPU_FINI	DRM_IOW(DRM_COMMAND_BASE + 5, struct drm_msm_gem_cpu_fini)
#define DRM_IOCTL_MSM_GEM_SUBMIT	DRM_IOWR(DRM_COMMAND_BASE + 6, struct drm_msm_gem_submit)
#define DRM_IOCTL_MSM_WAIT_FENCE	DRM_IOW(DRM_COMMAND_BASE + 7, struct drm_msm_wait_fence)
#define DRM_IOCTL_MSM_VM_BIND		DRM_IOWR(DRM_COMMAND_BASE + 13, struct drm_msm_vm_bind)

static const struct drv_ioctl ioctls[] = {
	{
		/* One of several questions. */
		IOCTL(MSM_GEM_INFO), .role = ROLE_MAP_OFFSET,
		.when = { AT(drm_msm_gem_info, info), ~0U }, .is = MSM_INFO_GET_OFFSET,
		.handle = AT(drm_msm_gem_info, handle),
		.value = AT(drm_msm_gem_info, value),
	}, {
		IOCTL(MSM_GEM_CPU_PREP), .role = ROLE_CPU_BEGIN,
		.handle = AT(drm_msm_gem_cpu_prep, handle),
		.reads = { AT(drm_msm_gem_cpu_prep, op), MSM_PREP_READ },
		.writes = { AT(drm_msm_gem_cpu_prep, op), MSM_PREP_WRITE },
		.nowait = { AT(drm_msm_gem_cpu_prep, op), MSM_PREP_NOSYNC },
	}, {
		IOCTL(MSM_GEM_CPU_FINI), .role = ROLE_CPU_END,
		.handle = AT(drm_msm_gem_cpu_fini, handle),
	}, {
		/*
		 * After MSM_VM_BIND without a list; then any may be used. Else Mesa's turnip lists
		 * all that it has, for writing.
		 */
		IOCTL(MSM_GEM_SUBMIT), .role = ROLE_SUBMIT,
		.list = {
			.at = AT(drm_msm_gem_submit, bos),
			.count = AT(drm_msm_gem_submit, nr_bos),
			.stride = sizeof(struct drm_msm_gem_submit_bo),
			.handle = AT(drm_msm_gem_submit_bo, handle),
			.writes = { AT(drm_msm_gem_submit_bo, flags), MSM_SUBMIT_BO_WRITE },
		},
	}, {
		IOCTL(MSM_WAIT_FENCE), .role = ROLE_WAIT_ANY,
	}, {
		IOCTL(MSM_VM_BIND), .role = ROLE_BIND,
		.when = { AT(drm_msm_vm_bind, nr_ops), ~0U }, .is = 1,
		.handle = AT(drm_msm_vm_bind, op.handle),
	}, {
		IOCTL(MSM_VM_BIND), .role = ROLE_BIND,
		.list = {
			.at = AT(drm_msm_vm_bind, ops),
			.count = AT(drm_msm_vm_bind, nr_ops),
			.stride = sizeof(struct drm_msm_vm_bind_op),
			.handle = AT(drm_msm_vm_bind_op, handle),
		},
	},
};

const struct driver msm_driver = {
	.name = "msm",
	.exports_as = { "msm", "drm" },		/* since 7.2; before */
	.natively = NATIVELY_PAGES,
	.quirks = QUIRK_HIDES,		/* after VM_BIND, since 6.17: then there is no list */
	.note = "write-combined; MODE_MAP_DUMB EINVAL since 7.2",
	IOCTLS(ioctls),
};
