// SPDX-License-Identifier: MIT
/* QEMU's display for SPICE. */
#include "config.h"

#include <drm.h>
#include <qxl_drm.h>

#include "drivers.h"

static const struct drv_ioctl ioctls[] = {
	{
		IOCTL(QXL_MAP), .role = ROLE_MAP_OFFSET,
		.handle = AT(drm_qxl_map, handle),
		.value = AT(drm_qxl_map, offset),
	}, {
		IOCTL(QXL_EXECBUFFER), .role = ROLE_SUBMIT_ANY,
	},
};

const struct driver qxl_driver = {
	.name = "qxl",
	.exports_as = { "drm" },
	.natively = NATIVELY_NO_IMPORT,
	.note = "ENOSYS",
	IOCTLS(ioctls),
};
