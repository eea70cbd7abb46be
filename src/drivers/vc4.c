// SPDX-License-Identifier: MIT
/* Broadcom displays, and the GPUs up to the Raspberry Pi 3. */
#include "config.h"

#include <drm.h>
#include <vc4_drm.h>

#include "drivers.h"

static const struct drv_ioctl ioctls[] = {
	{
		IOCTL(VC4_MMAP_BO), .role = ROLE_MAP_OFFSET,
		.handle = AT(drm_vc4_mmap_bo, handle),
		.value = AT(drm_vc4_mmap_bo, offset),
	}, {
		/* Knows of the fences of its own work only. */
		IOCTL(VC4_WAIT_BO), .role = ROLE_WAIT,
		.handle = AT(drm_vc4_wait_bo, handle),
		.timeout = AT(drm_vc4_wait_bo, timeout_ns),
	}, {
		IOCTL(VC4_WAIT_SEQNO), .role = ROLE_WAIT_ANY,
	}, {
		IOCTL(VC4_SUBMIT_CL), .role = ROLE_SUBMIT,
		.list = {
			.at = AT(drm_vc4_submit_cl, bo_handles),
			.count = AT(drm_vc4_submit_cl, bo_handle_count),
			.stride = sizeof(__u32),
		},
	},
};

const struct driver vc4_driver = {
	.name = "vc4",
	.exports_as = { "drm" },
	.natively = NATIVELY_PAGES,
	/* drm_gem_dma_mmap() takes the device's address for the memory's: bounced, it is not. */
	.quirks = QUIRK_MAPS_WRONG,
	.note = "by the device's address, write-combined; MODE_MAP_DUMB EINVAL; GEM ioctls ENODEV "
		"from the Raspberry Pi 4 on",
	IOCTLS(ioctls),
};
