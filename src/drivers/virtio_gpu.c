// SPDX-License-Identifier: MIT
/* QEMU's and crosvm's virtio-gpu. */
#include "config.h"

#include <drm.h>
#include <virtgpu_drm.h>

#include "drivers.h"

static const struct drv_ioctl ioctls[] = {
	{
		/* By drm_gem_dumb_map_offset() in 7.2; in 6.12 there are no foreign imports. */
		IOCTL(VIRTGPU_MAP), .role = ROLE_MAP_OFFSET, .proof = true,
		.handle = AT(drm_virtgpu_map, handle),
		.value = AT(drm_virtgpu_map, offset),
	}, {
		IOCTL(VIRTGPU_WAIT), .role = ROLE_WAIT,
		.handle = AT(drm_virtgpu_3d_wait, handle),
		.nowait = { AT(drm_virtgpu_3d_wait, flags), VIRTGPU_WAIT_NOWAIT },
	}, {
		/* Mesa's virgl lists what is used; venus nothing. */
		IOCTL(VIRTGPU_EXECBUFFER), .role = ROLE_SUBMIT,
		.list = {
			.at = AT(drm_virtgpu_execbuffer, bo_handles),
			.count = AT(drm_virtgpu_execbuffer, num_bo_handles),
			.stride = sizeof(__u32),
		},
	}, {
		IOCTL(VIRTGPU_TRANSFER_TO_HOST), .role = ROLE_CPU_END,
		.handle = AT(drm_virtgpu_3d_transfer_to_host, bo_handle),
	},
};

const struct driver virtio_gpu_driver = {
	.name = "virtio_gpu",
	.module = "virtio-gpu",
	.exports_as = { "virtio_gpu" },
	.natively = NATIVELY_REFUSED,
	.note = "6.12, and without blobs or with virgl: the import is refused (ENODEV)",
	IOCTLS(ioctls),
};
