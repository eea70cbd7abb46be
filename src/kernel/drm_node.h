/* SPDX-License-Identifier: MIT */
/*
 * The DRM uAPI as the shim uses it. Every function returns 0 (or a descriptor) or a negative
 * errno, and takes no lock.
 */
#ifndef PRIMESHIM_DRM_NODE_H
#define PRIMESHIM_DRM_NODE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * 0 and the device number in *@rdev, if @fd is a DRM or accel node (character majors 226 and 261);
 * else -ENOTTY.
 */
int drm_node(int fd, dev_t *rdev);

/* The driver's name by DRM_IOCTL_VERSION, cut to @len bytes with its NUL. */
int drm_driver(int fd, char *name, size_t len);

/*
 * The dma-buf behind @handle as a new descriptor (O_CLOEXEC) that the caller owns. For an import
 * the kernel gives the original dma-buf: the same file, with the access mode of its first export
 * (drm_gem_prime_handle_to_dmabuf(), 6.1 to 7.3). -ENOENT where the handle does not exist; -EBADF;
 * -EMFILE.
 */
int drm_export(int fd, uint32_t handle);

#endif
