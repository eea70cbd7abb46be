// SPDX-License-Identifier: MIT
/* Rockchip's displays. They have no ioctls of their own since 4.2. */
#include "config.h"

#include "drivers.h"

const struct driver rockchip_driver = {
	.name = "rockchip",
	.module = "rockchipdrm",
	.exports_as = { "drm" },
	.natively = NATIVELY_REFUSED,
};
