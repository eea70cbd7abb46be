// SPDX-License-Identifier: MIT
/* NVIDIA Tegra's displays and 2D engines. */
#include "config.h"

#include <drm.h>
#include <tegra_drm.h>

#include "drivers.h"

static const struct drv_ioctl ioctls[] = {
	{
		IOCTL(TEGRA_GEM_MMAP), .role = ROLE_MAP_OFFSET,
		.handle = AT(drm_tegra_gem_mmap, handle),
		.value = AT(drm_tegra_gem_mmap, offset),
	}, {
		/* Its buffers are in relocations of several lists. */
		IOCTL(TEGRA_SUBMIT), .role = ROLE_SUBMIT_ANY,
	}, {
		IOCTL(TEGRA_CHANNEL_MAP), .role = ROLE_BIND,
		.handle = AT(drm_tegra_channel_map, handle),
	}, {
		IOCTL(TEGRA_CHANNEL_SUBMIT), .role = ROLE_SUBMIT_ANY,
	}, {
		/* The program compares the number itself. */
		IOCTL(TEGRA_SYNCPT_READ), .role = ROLE_WAIT_ANY, .asks = true,
	}, {
		IOCTL(TEGRA_SYNCPT_WAIT), .role = ROLE_WAIT_ANY,
	}, {
		IOCTL(TEGRA_SYNCPOINT_WAIT), .role = ROLE_WAIT_ANY,
	},
};

const struct driver tegra_driver = {
	.name = "tegra",
	.module = "tegra-drm",
	.exports_as = { "tegra_drm" },
	.natively = NATIVELY_WRONG,
	/* __tegra_gem_mmap() hands dma_mmap_wc() an address in the device's space. */
	.quirks = QUIRK_MAPS_WRONG,
	IOCTLS(ioctls),
};
