// SPDX-License-Identifier: MIT
/*
 * Intel NPUs: ivpu_accel.h, 6.3 and later. Since 7.2 an imported handle cannot be exported
 * (EOPNOTSUPP), so the dma-buf cannot be had, and the driver's own mapping is taken.
 */
#include "config.h"

#include <drm.h>

#include "drivers.h"

struct drm_ivpu_bo_info {
	__u32 handle;
	__u32 flags;
	__u64 vpu_addr;
	__u64 mmap_offset;
	__u64 size;
};

struct drm_ivpu_submit {
	__u64 buffers_ptr;
	__u32 buffer_count;
	__u32 engine;
	__u32 flags;
	__u32 commands_offset;
	__u32 priority;
	__u32 preempt_buffer_index;
};

struct drm_ivpu_cmdq_submit {
	__u64 buffers_ptr;
	__u32 buffer_count;
	__u32 cmdq_id;
	__u32 flags;
	__u32 commands_offset;
	__u32 preempt_buffer_index;
	__u32 reserved;
};

struct drm_ivpu_bo_wait {
	__u32 handle;
	__u32 flags;
	__s64 timeout_ns;
	__u32 job_status;
	__u32 pad;
};

#define DRM_IOCTL_IVPU_BO_INFO		DRM_IOWR(DRM_COMMAND_BASE + 3, struct drm_ivpu_bo_info)
#define DRM_IOCTL_IVPU_SUBMIT		DRM_IOW(DRM_COMMAND_BASE + 5, struct drm_ivpu_submit)
#define DRM_IOCTL_IVPU_BO_WAIT		DRM_IOWR(DRM_COMMAND_BASE + 6, struct drm_ivpu_bo_wait)
#define DRM_IOCTL_IVPU_CMDQ_SUBMIT	DRM_IOW(DRM_COMMAND_BASE + 13, struct drm_ivpu_cmdq_submit)

static const struct drv_ioctl ioctls[] = {
	{
		IOCTL(IVPU_BO_INFO), .role = ROLE_TELL_OFFSET,
		.handle = AT(drm_ivpu_bo_info, handle),
		.value = AT(drm_ivpu_bo_info, mmap_offset),
	}, {
		IOCTL(IVPU_BO_WAIT), .role = ROLE_WAIT,
		.handle = AT(drm_ivpu_bo_wait, handle),
		.timeout = AT(drm_ivpu_bo_wait, timeout_ns),
	}, {
		IOCTL(IVPU_SUBMIT), .role = ROLE_SUBMIT,
		.list = {
			.at = AT(drm_ivpu_submit, buffers_ptr),
			.count = AT(drm_ivpu_submit, buffer_count),
			.stride = sizeof(__u32),
		},
	}, {
		IOCTL(IVPU_CMDQ_SUBMIT), .role = ROLE_SUBMIT,
		.list = {
			.at = AT(drm_ivpu_cmdq_submit, buffers_ptr),
			.count = AT(drm_ivpu_cmdq_submit, buffer_count),
			.stride = sizeof(__u32),
		},
	},
};

const struct driver ivpu_driver = {
	.name = "intel_vpu",
	.module = "ivpu",
	.exports_as = { "drm" },
	.natively = NATIVELY_FORWARDED,
	.note = "no re-export since 7.2: taken natively there",
	IOCTLS(ioctls),
};
