// SPDX-License-Identifier: MIT
/*
 * VMware's virtual GPU. An import of one of its own surfaces gives the handle of a surface, from
 * another range than buffers' (above VMWGFX_NUM_MOB); exported again that is a dma-buf without
 * mmap (vmw_prime_dmabuf_ops), and so takes the native way.
 */
#include "config.h"

#include <stdint.h>	/* libdrm's header of Debian 12 wants it */

#include <drm.h>
#include <vmwgfx_drm.h>

#include "drivers.h"

/* The header has the numbers and leaves the rest to its users. */
#define DRM_IOCTL_VMW_ALLOC_BO \
	DRM_IOWR(DRM_COMMAND_BASE + DRM_VMW_ALLOC_DMABUF, union drm_vmw_alloc_dmabuf_arg)
#define DRM_IOCTL_VMW_HANDLE_CLOSE \
	DRM_IOW(DRM_COMMAND_BASE + DRM_VMW_UNREF_DMABUF, struct drm_vmw_unref_dmabuf_arg)
#define DRM_IOCTL_VMW_SYNCCPU \
	DRM_IOW(DRM_COMMAND_BASE + DRM_VMW_SYNCCPU, struct drm_vmw_synccpu_arg)
#define DRM_IOCTL_VMW_FENCE_WAIT \
	DRM_IOWR(DRM_COMMAND_BASE + DRM_VMW_FENCE_WAIT, struct drm_vmw_fence_wait_arg)
#define DRM_IOCTL_VMW_FENCE_SIGNALED \
	DRM_IOWR(DRM_COMMAND_BASE + DRM_VMW_FENCE_SIGNALED, struct drm_vmw_fence_signaled_arg)
#define DRM_IOCTL_VMW_EXECBUF \
	DRM_IOW(DRM_COMMAND_BASE + DRM_VMW_EXECBUF, struct drm_vmw_execbuf_arg)

static const struct drv_ioctl ioctls[] = {
	{
		IOCTL(VMW_ALLOC_BO), .role = ROLE_CREATE,
		.handle = offsetof(union drm_vmw_alloc_dmabuf_arg, rep.handle),
	}, {
		IOCTL(VMW_HANDLE_CLOSE), .role = ROLE_CLOSE,
		.handle = AT(drm_vmw_unref_dmabuf_arg, handle),
	}, {
		IOCTL(VMW_SYNCCPU), .role = ROLE_CPU_BEGIN,
		.when = { AT(drm_vmw_synccpu_arg, op), ~0U }, .is = drm_vmw_synccpu_grab,
		.handle = AT(drm_vmw_synccpu_arg, handle),
		.reads = { AT(drm_vmw_synccpu_arg, flags), drm_vmw_synccpu_read },
		.writes = { AT(drm_vmw_synccpu_arg, flags), drm_vmw_synccpu_write },
		.nowait = { AT(drm_vmw_synccpu_arg, flags), drm_vmw_synccpu_dontblock },
	}, {
		IOCTL(VMW_SYNCCPU), .role = ROLE_CPU_END,
		.when = { AT(drm_vmw_synccpu_arg, op), ~0U }, .is = drm_vmw_synccpu_release,
		.handle = AT(drm_vmw_synccpu_arg, handle),
	}, {
		IOCTL(VMW_FENCE_WAIT), .role = ROLE_WAIT_ANY,
	}, {
		IOCTL(VMW_FENCE_SIGNALED), .role = ROLE_WAIT_ANY,
		.done = { AT(drm_vmw_fence_signaled_arg, signaled), ~0U },
	}, {
		IOCTL(VMW_EXECBUF), .role = ROLE_SUBMIT_ANY,
	},
};

const struct driver vmwgfx_driver = {
	.name = "vmwgfx",
	.exports_as = { "drm", "vmwgfx" },	/* buffers; surfaces (ttm_prime_handle_to_fd()) */
	.natively = NATIVELY_FORWARDED,
	.note = "6.1: the import is refused (EINVAL)",
	IOCTLS(ioctls),
};
