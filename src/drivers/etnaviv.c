// SPDX-License-Identifier: MIT
/* Vivante GPUs. libdrm's own header of it is not installed: etnaviv_drm.h, 4.5 and later. */
#include "config.h"

#include <drm.h>

#include "drivers.h"

struct drm_etnaviv_timespec {
	__s64 tv_sec;
	__s64 tv_nsec;
};

struct drm_etnaviv_gem_info {
	__u32 handle;
	__u32 pad;
	__u64 offset;
};

struct drm_etnaviv_gem_cpu_prep {
	__u32 handle;
	__u32 op;
	struct drm_etnaviv_timespec timeout;
};

#define ETNA_PREP_READ		0x01
#define ETNA_PREP_WRITE		0x02
#define ETNA_PREP_NOSYNC	0x04

struct drm_etnaviv_gem_cpu_fini {
	__u32 handle;
	__u32 flags;
};

struct drm_etnaviv_gem_submit_bo {
	__u32 flags;
	__u32 handle;
	__u64 presumed;
};

#define ETNA_SUBMIT_BO_WRITE	0x0002

struct drm_etnaviv_gem_submit {
	__u32 fence;
	__u32 pipe;
	__u32 exec_state;
	__u32 nr_bos;
	__u32 nr_relocs;
	__u32 stream_size;
	__u64 bos;
	__u64 relocs;
	__u64 stream;
	__u32 flags;
	__s32 fence_fd;
	__u64 pmrs;
	__u32 nr_pmrs;
	__u32 pad;
};

struct drm_etnaviv_wait_fence {
	__u32 pipe;
	__u32 fence;
	__u32 flags;
	__u32 pad;
	struct drm_etnaviv_timespec timeout;
};

struct drm_etnaviv_gem_wait {
	__u32 pipe;
	__u32 handle;
	__u32 flags;
	__u32 pad;
	struct drm_etnaviv_timespec timeout;
};

#define ETNA_WAIT_NONBLOCK	0x01

#define DRM_IOCTL_ETNAVIV_GEM_INFO	DRM_IOWR(DRM_COMMAND_BASE + 3, struct drm_etnaviv_gem_info)
#define DRM_IOCTL_ETNAVIV_GEM_CPU_PREP \
	DRM_IOW(DRM_COMMAND_BASE + 4, struct drm_etnaviv_gem_cpu_prep)
#define DRM_IOCTL_ETNAVIV_GEM_CPU_FINI \
	DRM_IOW(DRM_COMMAND_BASE + 5, struct drm_etnaviv_gem_cpu_fini)
#define DRM_IOCTL_ETNAVIV_GEM_SUBMIT	DRM_IOWR(DRM_COMMAND_BASE + 6, \
						 struct drm_etnaviv_gem_submit)
#define DRM_IOCTL_ETNAVIV_WAIT_FENCE	DRM_IOW(DRM_COMMAND_BASE + 7, struct drm_etnaviv_wait_fence)
#define DRM_IOCTL_ETNAVIV_GEM_WAIT	DRM_IOW(DRM_COMMAND_BASE + 9, struct drm_etnaviv_gem_wait)

static const struct drv_ioctl ioctls[] = {
	{
		IOCTL(ETNAVIV_GEM_INFO), .role = ROLE_MAP_OFFSET,
		.handle = AT(drm_etnaviv_gem_info, handle),
		.value = AT(drm_etnaviv_gem_info, offset),
	}, {
		IOCTL(ETNAVIV_GEM_CPU_PREP), .role = ROLE_CPU_BEGIN,
		.handle = AT(drm_etnaviv_gem_cpu_prep, handle),
		.reads = { AT(drm_etnaviv_gem_cpu_prep, op), ETNA_PREP_READ },
		.writes = { AT(drm_etnaviv_gem_cpu_prep, op), ETNA_PREP_WRITE },
		.nowait = { AT(drm_etnaviv_gem_cpu_prep, op), ETNA_PREP_NOSYNC },
	}, {
		IOCTL(ETNAVIV_GEM_CPU_FINI), .role = ROLE_CPU_END,
		.handle = AT(drm_etnaviv_gem_cpu_fini, handle),
	}, {
		IOCTL(ETNAVIV_GEM_SUBMIT), .role = ROLE_SUBMIT,
		.list = {
			.at = AT(drm_etnaviv_gem_submit, bos),
			.count = AT(drm_etnaviv_gem_submit, nr_bos),
			.stride = sizeof(struct drm_etnaviv_gem_submit_bo),
			.handle = AT(drm_etnaviv_gem_submit_bo, handle),
			.writes = { AT(drm_etnaviv_gem_submit_bo, flags), ETNA_SUBMIT_BO_WRITE },
		},
	}, {
		/* A call that may not wait succeeds if the device is done. */
		IOCTL(ETNAVIV_WAIT_FENCE), .role = ROLE_WAIT_ANY,
	}, {
		IOCTL(ETNAVIV_GEM_WAIT), .role = ROLE_WAIT,
		.handle = AT(drm_etnaviv_gem_wait, handle),
		.nowait = { AT(drm_etnaviv_gem_wait, flags), ETNA_WAIT_NONBLOCK },
	},
};

const struct driver etnaviv_driver = {
	.name = "etnaviv",
	.exports_as = { "drm" },
	.natively = NATIVELY_FORWARDED,
	.quirks = QUIRK_LEAVES_OPS,
	.note = "munmap of a system heap's buffer breaks the kernel's count of the handle",
	IOCTLS(ioctls),
};
