// SPDX-License-Identifier: MIT
/* The DRM core's own ioctls on handles, which every driver has. */
#include "config.h"

#include <stddef.h>

#include <drm.h>
#include <drm_mode.h>

#include "drivers.h"

#ifndef DRM_IOCTL_GEM_CHANGE_HANDLE
/* 6.18 (drm_gem_change_handle_ioctl()); answers EINVAL again since 7.2. */
struct drm_gem_change_handle {
	__u32 handle;
	__u32 new_handle;
};
#define DRM_IOCTL_GEM_CHANGE_HANDLE DRM_IOWR(0xD2, struct drm_gem_change_handle)
#endif

#define END_OF(type, field) (offsetof(type, field) + sizeof(((type *)0)->field))

const struct driver generic_driver = {
	.name = "generic",
	.ioctls = {
		[_IOC_NR(DRM_IOCTL_PRIME_FD_TO_HANDLE)] = {
			.role = ROLE_IMPORT,
			.size = END_OF(struct drm_prime_handle, fd),
			.handle = offsetof(struct drm_prime_handle, handle),
			.value = offsetof(struct drm_prime_handle, fd),
		},
		[_IOC_NR(DRM_IOCTL_PRIME_HANDLE_TO_FD)] = {
			.role = ROLE_EXPORT,
			.size = END_OF(struct drm_prime_handle, fd),
			.handle = offsetof(struct drm_prime_handle, handle),
			.value = offsetof(struct drm_prime_handle, fd),
		},
		[_IOC_NR(DRM_IOCTL_GEM_CLOSE)] = {
			.role = ROLE_CLOSE,
			.size = END_OF(struct drm_gem_close, handle),
			.handle = offsetof(struct drm_gem_close, handle),
		},
		[_IOC_NR(DRM_IOCTL_MODE_DESTROY_DUMB)] = {
			.role = ROLE_CLOSE,
			.size = END_OF(struct drm_mode_destroy_dumb, handle),
			.handle = offsetof(struct drm_mode_destroy_dumb, handle),
		},
		[_IOC_NR(DRM_IOCTL_GEM_CHANGE_HANDLE)] = {
			.role = ROLE_RENAME,
			.size = END_OF(struct drm_gem_change_handle, new_handle),
			.handle = offsetof(struct drm_gem_change_handle, handle),
			.value = offsetof(struct drm_gem_change_handle, new_handle),
		},
		[_IOC_NR(DRM_IOCTL_MODE_MAP_DUMB)] = {
			.role = ROLE_MAP_OFFSET,
			.size = END_OF(struct drm_mode_map_dumb, offset),
			.handle = offsetof(struct drm_mode_map_dumb, handle),
			.value = offsetof(struct drm_mode_map_dumb, offset),
		},
	},
};
