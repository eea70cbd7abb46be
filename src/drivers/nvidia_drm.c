// SPDX-License-Identifier: MIT
/*
 * NVIDIA's own module nvidia-drm; not in the kernel's tree: nvidia-drm-ioctl.h of its open source,
 * 545 and later. By its source; nobody has seen it run under the shim.
 */
#include "config.h"

#include <drm.h>

#include "drivers.h"

struct drm_nvidia_gem_fence_attach_params {
	__u32 handle;
	__u32 fence_context_handle;
	__u32 sem_thresh;
};

struct drm_nvidia_gem_map_offset_params {
	__u32 handle;
	__u32 pad;
	__u64 offset;
};

struct drm_nvidia_gem_export_dmabuf_memory_params {
	__u32 handle;
	__u32 pad;
	__u64 nvkms_params_ptr;
	__u64 nvkms_params_size;
};

#define DRM_IOCTL_NVIDIA_GEM_FENCE_ATTACH \
	DRM_IOW(DRM_COMMAND_BASE + 6, struct drm_nvidia_gem_fence_attach_params)
#define DRM_IOCTL_NVIDIA_GEM_MAP_OFFSET \
	DRM_IOWR(DRM_COMMAND_BASE + 10, struct drm_nvidia_gem_map_offset_params)
#define DRM_IOCTL_NVIDIA_GEM_EXPORT_DMABUF_MEMORY \
	DRM_IOWR(DRM_COMMAND_BASE + 13, struct drm_nvidia_gem_export_dmabuf_memory_params)

static const struct drv_ioctl ioctls[] = {
	{
		IOCTL(NVIDIA_GEM_MAP_OFFSET), .role = ROLE_MAP_OFFSET,
		.handle = AT(drm_nvidia_gem_map_offset_params, handle),
		.value = AT(drm_nvidia_gem_map_offset_params, offset),
	}, {
		/* Work was given to the GPU, which signals the fence when it is done. */
		IOCTL(NVIDIA_GEM_FENCE_ATTACH), .role = ROLE_SUBMIT,
		.list = {
			.at = AT(drm_nvidia_gem_fence_attach_params, handle),
			.fixed = 1,
			.stride = sizeof(__u32),
		},
	}, {
		/* From here on GL and Vulkan use it by ways that are no DRM ioctl. */
		IOCTL(NVIDIA_GEM_EXPORT_DMABUF_MEMORY), .role = ROLE_BIND,
		.handle = AT(drm_nvidia_gem_export_dmabuf_memory_params, handle),
	},
};

const struct driver nvidia_drm_driver = {
	.name = "nvidia-drm",
	.module = "nvidia_drm",
	.exports_as = { "nvidia_drm", "drm" },	/* by the kernel that it is built for */
	.natively = NATIVELY_FORWARDED,
	/* MODE_MAP_DUMB: EINVAL of every buffer but its displays', imported or not. */
	.quirks = QUIRK_NO_PROOF,
	.note = "MODE_MAP_DUMB EINVAL",
	IOCTLS(ioctls),
};
