// SPDX-License-Identifier: MIT
/*
 * The DRM core's own ioctls on handles, which every driver has; and the names of the drivers that
 * have no others that matter. Most of those are for displays only, and programs draw into dumb
 * buffers there (Mesa's kms_swrast).
 */
#include "config.h"

#include <string.h>

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

static const struct drv_ioctl ioctls[] = {
	{
		IOCTL(PRIME_FD_TO_HANDLE), .role = ROLE_IMPORT,
		.handle = AT(drm_prime_handle, handle),
		.value = AT(drm_prime_handle, fd),
	}, {
		IOCTL(PRIME_HANDLE_TO_FD), .role = ROLE_EXPORT,
		.handle = AT(drm_prime_handle, handle),
		.value = AT(drm_prime_handle, fd),
	}, {
		IOCTL(GEM_CLOSE), .role = ROLE_CLOSE,
		.handle = AT(drm_gem_close, handle),
	}, {
		IOCTL(MODE_DESTROY_DUMB), .role = ROLE_CLOSE,
		.handle = AT(drm_mode_destroy_dumb, handle),
	}, {
		IOCTL(GEM_CHANGE_HANDLE), .role = ROLE_RENAME,
		.handle = AT(drm_gem_change_handle, handle),
		.value = AT(drm_gem_change_handle, new_handle),
	}, {
		IOCTL(GEM_OPEN), .role = ROLE_CREATE,
		.handle = AT(drm_gem_open, handle),
	}, {
		IOCTL(MODE_CREATE_DUMB), .role = ROLE_CREATE,
		.handle = AT(drm_mode_create_dumb, handle),
	}, {
		IOCTL(MODE_ADDFB), .role = ROLE_FRAME,
		.list = {
			.at = AT(drm_mode_fb_cmd, handle),
			.fixed = 1,
			.stride = sizeof(__u32),
		},
	}, {
		IOCTL(MODE_ADDFB2), .role = ROLE_FRAME,
		.list = {
			.at = AT(drm_mode_fb_cmd2, handles),
			.fixed = 4,
			.stride = sizeof(__u32),
		},
	}, {
		IOCTL(MODE_SETCRTC), .role = ROLE_SCANOUT,
	}, {
		IOCTL(MODE_PAGE_FLIP), .role = ROLE_SCANOUT,
	}, {
		IOCTL(MODE_DIRTYFB), .role = ROLE_SCANOUT,
	}, {
		IOCTL(MODE_SETPLANE), .role = ROLE_SCANOUT,
	}, {
		IOCTL(MODE_ATOMIC), .role = ROLE_SCANOUT,
	}, {
		/* Some drivers copy the picture here, others scan it out from now on. */
		IOCTL(MODE_CURSOR), .role = ROLE_SCANOUT,
		.when = { AT(drm_mode_cursor, flags), DRM_MODE_CURSOR_BO },
		.is = DRM_MODE_CURSOR_BO,
		.list = {
			.at = AT(drm_mode_cursor, handle),
			.fixed = 1,
			.stride = sizeof(__u32),
		},
	}, {
		IOCTL(MODE_CURSOR2), .role = ROLE_SCANOUT,
		.when = { AT(drm_mode_cursor2, flags), DRM_MODE_CURSOR_BO },
		.is = DRM_MODE_CURSOR_BO,
		.list = {
			.at = AT(drm_mode_cursor2, handle),
			.fixed = 1,
			.stride = sizeof(__u32),
		},
	}, {
		IOCTL(SYNCOBJ_WAIT), .role = ROLE_WAIT_ANY,
	}, {
		/* Available is what was submitted, and need not be done. */
		IOCTL(SYNCOBJ_TIMELINE_WAIT), .role = ROLE_WAIT_ANY,
		.nowait = { AT(drm_syncobj_timeline_wait, flags),
			    DRM_SYNCOBJ_WAIT_FLAGS_WAIT_AVAILABLE },
	}, {
		/* Mesa's vkGetSemaphoreCounterValue(); some programs ask in a loop. */
		IOCTL(SYNCOBJ_QUERY), .role = ROLE_WAIT_ANY, .asks = true,
		.nowait = { AT(drm_syncobj_timeline_array, flags),
			    DRM_SYNCOBJ_QUERY_FLAGS_LAST_SUBMITTED },
		.list = {
			.at = AT(drm_syncobj_timeline_array, handles),
			.count = AT(drm_syncobj_timeline_array, count_handles),
			.stride = sizeof(__u32),
		},
		.value = AT(drm_syncobj_timeline_array, points),
	}, {
		IOCTL(MODE_MAP_DUMB), .role = ROLE_MAP_OFFSET, .proof = true,
		.handle = AT(drm_mode_map_dumb, handle),
		.value = AT(drm_mode_map_dumb, offset),
	},
};

const struct driver generic_driver = {
	.name = "any other",
	.exports_as = { "drm" },
	.natively = NATIVELY_REFUSED,
	.note = "vgem, vkms, cirrus, udl, gud, simpledrm and every other driver for displays alone",
	IOCTLS(ioctls),
};

/* As of 6.1 to 7.3: the name in struct drm_driver. */
static const char *const names[] = {
	"vgem", "vkms", "cirrus", "cirrus-qemu", "udl", "gud", "simpledrm", "ofdrm", "efidrm",
	"vesadrm", "bochs-drm", "ast", "mgag200", "hyperv_drm", "gm12u320", "ssd130x", "appletbdrm",
	"hibmc", "vboxvideo", "gma500", "xendrm-du", "arcpgu", "aspeed-gfx-drm", "atmel-hlcdc",
	"fsl-dcu-drm", "hdlcd", "komeda", "mali-dp", "pl111", "imx-dcss", "imx-drm", "imx-lcdc",
	"imx-lcdif", "mxsfb-drm", "ingenic-drm", "kirin", "kmb-drm", "logicvc-drm", "mcde",
	"mediatek", "meson", "rcar-du", "rzg2l-du", "shmob-drm", "sprd", "sti", "stm", "sun4i-drm",
	"tidss", "tilcdc", "tve200", "zynqmp-dpsub", "adp", "hx8357d", "ili9163", "ili9225",
	"ili9341", "ili9486", "mi0283qt", "panel-mipi-dbi", "repaper", "st7586", "st7735r",
};

bool driver_is_generic(const char *name)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (!strcmp(names[i], name))
			return true;
	return false;
}
