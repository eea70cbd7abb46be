// SPDX-License-Identifier: MIT
/* The table of fake-drivers.h. */
#include <errno.h>

#include "fake-drivers.h"

/* An ioctl that gives an offset: its number and size, where the handle and the offset lie. */
#define OFFSET(what, number, bytes, from, to) \
	.name = what, .nr = number, .size = bytes, .handle = from, .value = to

/* The first four are the classes by MODE_MAP_DUMB; see enum fake_device. */
const struct fake_driver fake_drivers[FAKE_DRIVERS] = {
	{ "vgem", "drm", .dumb_err = EINVAL },
	{ "powervr", "drm", .import_map = MAPS_NOTHING, .ways = {
		{ OFFSET("PVR_GET_BO_MMAP_OFFSET", 0x42, 16, 0, 8) },
	} },
	{ "radeon", "drm", .import_map = MAPS_SIGBUS, .ways = {
		{ OFFSET("RADEON_GEM_MMAP", 0x5e, 32, 0, 24) },
		{ OFFSET("MODE_MAP_DUMB", 0xb3, 16, 0, 8) },
	} },
	{ "vmwgfx", "drm", .surfaces = true },

	{ "i915", "i915", .dumb_err = ENODEV, .ranges = true, .own_mmap = true, .ways = {
		{ OFFSET("I915_GEM_MMAP_OFFSET, GTT", 0x64, 32, 0, 8), .selects = true,
		  .select = 16, .selected = 0 },
		{ OFFSET("I915_GEM_MMAP_OFFSET, WC", 0x64, 32, 0, 8), .selects = true,
		  .select = 16, .selected = 1, .err = ENODEV },
		{ OFFSET("I915_GEM_MMAP_GTT", 0x64, 16, 0, 8) },
		{ .name = "I915_GEM_MMAP", .nr = 0x5e, .size = 40, .address = true, .handle = 0,
		  .start = 8, .length = 16, .value = 24, .err = ENXIO },
	} },
	{ "xe", "drm", .import_map = MAPS_SIGBUS, .dumb_err = EINVAL, .ways = {
		{ OFFSET("XE_GEM_MMAP_OFFSET", 0x42, 40, 8, 16) },
	} },
	{ "amdgpu", "drm", .import_map = MAPS_SIGBUS, .ways = {
		{ OFFSET("AMDGPU_GEM_MMAP", 0x41, 8, 0, 0) },
	} },
	{ "nouveau", "drm", .import_map = MAPS_SIGBUS, .ways = {
		{ OFFSET("NOUVEAU_GEM_INFO", 0x84, 40, 0, 24) },
	} },
	{ "qxl", "drm", .import_err = ENOSYS, .ways = {
		{ OFFSET("QXL_MAP", 0x41, 16, 8, 0) },
	} },
	{ "msm", "drm", .ways = {
		{ OFFSET("MSM_GEM_INFO", 0x43, 24, 0, 8), .selects = true, .select = 4,
		  .selected = 0 },
	} },
	{ "etnaviv", "drm", .dumb_err = ENOSYS, .ways = {
		{ OFFSET("ETNAVIV_GEM_INFO", 0x43, 16, 0, 8) },
	} },
	{ "panfrost", "drm", .ways = { { OFFSET("PANFROST_MMAP_BO", 0x43, 16, 0, 8) } } },
	{ "panthor", "panthor", .ways = {
		{ OFFSET("PANTHOR_BO_MMAP_OFFSET", 0x46, 16, 0, 8) },
	} },
	{ "lima", "drm", .ways = { { OFFSET("LIMA_GEM_INFO", 0x42, 16, 0, 8) } } },
	{ "v3d", "drm", .ways = { { OFFSET("V3D_MMAP_BO", 0x43, 16, 0, 8) } } },
	{ "vc4", "drm", .dumb_err = EINVAL, .ways = {
		{ OFFSET("VC4_MMAP_BO", 0x44, 16, 0, 8) },
		{ OFFSET("MODE_MAP_DUMB", 0xb3, 16, 0, 8), .err = EINVAL },
	} },
	{ "virtio_gpu", "virtio_gpu", .dumb_err = EINVAL, .ways = {
		{ OFFSET("VIRTGPU_MAP", 0x41, 16, 8, 0), .err = EINVAL },
	} },
	{ "tegra", "tegra_drm", .import_map = MAPS_OTHER, .ways = {
		{ OFFSET("TEGRA_GEM_MMAP", 0x41, 16, 0, 8) },
	} },
	{ "omapdrm", "omapdrm", .ways = { { OFFSET("OMAP_GEM_INFO", 0x46, 24, 0, 8) } } },
	{ "exynos", "drm", .dumb_err = EINVAL, .ways = {
		{ OFFSET("EXYNOS_GEM_MAP", 0x41, 16, 0, 8), .err = EINVAL },
	} },
	{ "armada-drm", "armada", .dumb_err = EINVAL, .ways = {
		{ .name = "ARMADA_GEM_MMAP", .nr = 0x42, .size = 32, .address = true, .handle = 0,
		  .start = 8, .length = 16, .value = 24, .err = EINVAL },
	} },
	{ "rockchip", "drm", .dumb_err = EINVAL },
	{ "asahi", "drm", .ways = { { OFFSET("ASAHI_GEM_MMAP_OFFSET", 0x46, 16, 0, 8) } } },
	{ "intel_vpu", "drm", .no_reexport = true, .ways = {
		{ OFFSET("IVPU_BO_INFO", 0x43, 32, 0, 16) },
	} },
	{ "qaic", "drm", .import_map = MAPS_NOTHING, .ways = {
		{ OFFSET("QAIC_MMAP_BO", 0x42, 16, 0, 8) },
	} },
	{ "amdxdna_accel_driver", "amdxdna", .keeps_address = true, .ways = {
		{ OFFSET("AMDXDNA_GET_BO_INFO", 0x44, 48, 16, 24) },
	} },
	{ "rocket", "drm", .import_err = EINVAL },
	{ "ethosu", "drm", .import_err = EINVAL, .ways = {
		{ OFFSET("ETHOSU_BO_MMAP_OFFSET", 0x43, 16, 0, 8) },
	} },
	{ "evdi", "drm", .dumb_err = EINVAL },
	{ "loongson", "drm", .import_map = MAPS_SIGBUS },
	{ "cirrus-qemu", "drm", .dumb_err = EINVAL },
	{ "udl", "drm", .dumb_err = EINVAL },
	{ "gud", "drm", .dumb_err = EINVAL },
	{ "unheard", "drm", .dumb_err = EINVAL },	/* of by anybody */
};
