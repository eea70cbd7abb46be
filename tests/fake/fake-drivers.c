// SPDX-License-Identifier: MIT
/* The table of fake-drivers.h. */
#include <errno.h>

#include "fake-drivers.h"

/* An ioctl that gives an offset: its number and size, where the handle and the offset lie. */
#define OFFSET(what, number, bytes, from, to) \
	.name = what, .nr = number, .size = bytes, .handle = from, .value = to

#define BEGIN(what, number, bytes, where) \
	.name = what, .kind = TURN_BEGIN, .nr = number, .size = bytes, .handle = where
#define END(what, number, bytes, where) \
	.name = what, .kind = TURN_END, .nr = number, .size = bytes, .handle = where
#define WAIT(what, number, bytes, where) \
	.name = what, .kind = TURN_WAIT, .nr = number, .size = bytes, .handle = where
#define ASK(what, number, bytes, where) \
	.name = what, .kind = TURN_ASK, .nr = number, .size = bytes, .handle = where
#define WAIT_ANY(what, number, bytes) \
	.name = what, .kind = TURN_WAIT_ANY, .nr = number, .size = bytes
#define SUBMIT(what, number, bytes, at, n, each, where) \
	.name = what, .kind = TURN_SUBMIT, .nr = number, .size = bytes, .list = at, .count = n, \
	.stride = each, .element = where
#define SUBMIT_ANY(what, number, bytes) \
	.name = what, .kind = TURN_SUBMIT_ANY, .nr = number, .size = bytes

/* The first four are the classes by MODE_MAP_DUMB; see enum fake_device. */
const struct fake_driver fake_drivers[FAKE_DRIVERS] = {
	{ "vgem", "drm", .dumb_err = EINVAL },
	{ "powervr", "drm", .import_map = MAPS_NOTHING, .ways = {
		{ OFFSET("PVR_GET_BO_MMAP_OFFSET", 0x42, 16, 0, 8) },
	}, .turns = {
		{ SUBMIT_ANY("PVR_SUBMIT_JOBS", 0x4d, 16) },
	} },
	{ "radeon", "drm", .import_map = MAPS_SIGBUS, .ways = {
		{ OFFSET("RADEON_GEM_MMAP", 0x5e, 32, 0, 24) },
		{ OFFSET("MODE_MAP_DUMB", 0xb3, 16, 0, 8) },
	}, .turns = {
		{ BEGIN("RADEON_GEM_SET_DOMAIN", 0x63, 12, 0), .op = 4, .write_op = 8, .reads = 1,
		  .writes = 1 },
		{ WAIT("RADEON_GEM_WAIT_IDLE", 0x64, 8, 0) },
		{ ASK("RADEON_GEM_BUSY", 0x6a, 8, 0) },
		{ SUBMIT("RADEON_CS", 0x66, 32, 8, 0, 16, 0), .chunk = 1, .op = 8, .writes = 2 },
	} },
	{ "vmwgfx", "drm", .surfaces = true, .turns = {
		{ BEGIN("VMW_SYNCCPU, grab", 0x59, 16, 8), .op = 4, .reads = 1, .writes = 2,
		  .nowait = 4, .selects = true, .select = 0, .selected = 0 },
		{ END("VMW_SYNCCPU, release", 0x59, 16, 8), .selects = true, .select = 0,
		  .selected = 1 },
		{ SUBMIT_ANY("VMW_EXECBUF", 0x4c, 40) },
		{ WAIT_ANY("VMW_FENCE_WAIT", 0x4e, 40) },
		{ WAIT_ANY("VMW_FENCE_SIGNALED", 0x4f, 24), .fence = true, .result = 8 },
	} },

	{ "i915", "i915", .dumb_err = ENODEV, .ranges = true, .own_mmap = true, .ways = {
		{ OFFSET("I915_GEM_MMAP_OFFSET, GTT", 0x64, 32, 0, 8), .selects = true,
		  .select = 16, .selected = 0 },
		{ OFFSET("I915_GEM_MMAP_OFFSET, WC", 0x64, 32, 0, 8), .selects = true,
		  .select = 16, .selected = 1, .err = ENODEV },
		{ OFFSET("I915_GEM_MMAP_GTT", 0x64, 16, 0, 8) },
		{ .name = "I915_GEM_MMAP", .nr = 0x5e, .size = 40, .address = true, .handle = 0,
		  .start = 8, .length = 16, .value = 24, .err = ENXIO },
	}, .turns = {
		{ BEGIN("I915_GEM_SET_DOMAIN", 0x5f, 12, 0), .op = 4, .write_op = 8, .reads = 1,
		  .writes = 0x40 },
		{ END("I915_GEM_SW_FINISH", 0x60, 4, 0) },
		{ WAIT("I915_GEM_WAIT", 0x6c, 16, 0), .timeout = 8 },
		{ ASK("I915_GEM_BUSY", 0x57, 8, 0), .status = true, .result = 4 },
		{ SUBMIT("I915_GEM_EXECBUFFER2", 0x69, 64, 0, 8, 56, 0), .op = 32, .writes = 4 },
	} },
	{ "xe", "drm", .import_map = MAPS_SIGBUS, .dumb_err = EINVAL, .hides = true, .ways = {
		{ OFFSET("XE_GEM_MMAP_OFFSET", 0x42, 40, 8, 16) },
	}, .turns = {
		{ SUBMIT_ANY("XE_EXEC", 0x49, 56) },
		{ WAIT_ANY("XE_WAIT_USER_FENCE", 0x4a, 72) },
	} },
	{ "amdgpu", "drm", .import_map = MAPS_SIGBUS, .ways = {
		{ OFFSET("AMDGPU_GEM_MMAP", 0x41, 8, 0, 0) },
	}, .turns = {
		{ WAIT("AMDGPU_GEM_WAIT_IDLE", 0x47, 16, 0), .status = true },
		{ SUBMIT("AMDGPU_CS", 0x44, 24, 16, 8, 8, 0), .chunk = 6, .boxed = true },
		{ WAIT_ANY("AMDGPU_WAIT_CS", 0x49, 32) },
	} },
	{ "nouveau", "drm", .import_map = MAPS_SIGBUS, .ways = {
		{ OFFSET("NOUVEAU_GEM_INFO", 0x84, 40, 0, 24) },
	}, .turns = {
		{ BEGIN("NOUVEAU_GEM_CPU_PREP", 0x82, 8, 0), .op = 4, .writes = 4, .nowait = 1 },
		{ END("NOUVEAU_GEM_CPU_FINI", 0x83, 4, 0) },
		{ SUBMIT("NOUVEAU_GEM_PUSHBUF", 0x81, 64, 8, 4, 40, 8), .op = 16, .writes = 2 },
		{ SUBMIT_ANY("NOUVEAU_EXEC", 0x52, 40) },
	} },
	{ "nvidia-drm", "nvidia_drm", .dumb_err = EINVAL, .ways = {
		{ OFFSET("NVIDIA_GEM_MAP_OFFSET", 0x4a, 16, 0, 8) },
		{ OFFSET("MODE_MAP_DUMB", 0xb3, 16, 0, 8), .err = EINVAL },
	}, .turns = {
		{ SUBMIT("NVIDIA_GEM_FENCE_ATTACH", 0x46, 12, 0, 0, 4, 0), .fixed = 1 },
	} },
	{ "qxl", "drm", .import_err = ENOSYS, .ways = {
		{ OFFSET("QXL_MAP", 0x41, 16, 8, 0) },
	} },
	{ "msm", "drm", .hides = true, .ways = {
		{ OFFSET("MSM_GEM_INFO", 0x43, 24, 0, 8), .selects = true, .select = 4,
		  .selected = 0 },
	}, .turns = {
		{ BEGIN("MSM_GEM_CPU_PREP", 0x44, 24, 0), .op = 4, .reads = 1, .writes = 2,
		  .nowait = 4 },
		{ END("MSM_GEM_CPU_FINI", 0x45, 4, 0) },
		{ SUBMIT("MSM_GEM_SUBMIT", 0x46, 72, 16, 8, 16, 4), .op = 0, .writes = 2 },
		{ WAIT_ANY("MSM_WAIT_FENCE", 0x47, 32) },
	} },
	{ "etnaviv", "drm", .dumb_err = ENOSYS, .ways = {
		{ OFFSET("ETNAVIV_GEM_INFO", 0x43, 16, 0, 8) },
	}, .turns = {
		{ BEGIN("ETNAVIV_GEM_CPU_PREP", 0x44, 24, 0), .op = 4, .reads = 1, .writes = 2,
		  .nowait = 4 },
		{ END("ETNAVIV_GEM_CPU_FINI", 0x45, 8, 0) },
		{ SUBMIT("ETNAVIV_GEM_SUBMIT", 0x46, 72, 24, 12, 16, 4), .op = 0, .writes = 2 },
		{ WAIT_ANY("ETNAVIV_WAIT_FENCE", 0x47, 32), .op = 8, .nowait = 1 },
		{ WAIT("ETNAVIV_GEM_WAIT", 0x49, 32, 4), .op = 8, .nowait = 1 },
	} },
	{ "panfrost", "drm", .ways = { { OFFSET("PANFROST_MMAP_BO", 0x43, 16, 0, 8) } }, .turns = {
		{ WAIT("PANFROST_WAIT_BO", 0x41, 16, 0), .timeout = 8 },
		{ SUBMIT("PANFROST_SUBMIT", 0x40, 40, 24, 32, 4, 0), .partial = true },
	} },
	{ "panthor", "panthor", .hides = true, .ways = {
		{ OFFSET("PANTHOR_BO_MMAP_OFFSET", 0x46, 16, 0, 8) },
	}, .turns = {
		{ SUBMIT_ANY("PANTHOR_GROUP_SUBMIT", 0x49, 24) },
	} },
	{ "lima", "drm", .ways = { { OFFSET("LIMA_GEM_INFO", 0x42, 16, 0, 8) } }, .turns = {
		{ BEGIN("LIMA_GEM_WAIT", 0x44, 16, 0), .op = 4, .reads = 1, .writes = 2,
		  .timeout = 8 },
		{ SUBMIT("LIMA_GEM_SUBMIT", 0x43, 48, 16, 8, 8, 0), .op = 4, .writes = 2 },
	} },
	{ "v3d", "drm", .ways = { { OFFSET("V3D_MMAP_BO", 0x43, 16, 0, 8) } }, .turns = {
		{ WAIT("V3D_WAIT_BO", 0x41, 16, 0), .timeout = 8 },
		{ SUBMIT("V3D_SUBMIT_CL", 0x40, 72, 40, 48, 4, 0) },
		{ SUBMIT("V3D_SUBMIT_TFU", 0x46, 80, 44, 0, 4, 0), .fixed = 4 },
		{ SUBMIT("V3D_SUBMIT_CSD", 0x47, 80, 48, 56, 4, 0) },
		{ SUBMIT("V3D_SUBMIT_CPU", 0x4b, 24, 0, 8, 4, 0) },
	} },
	/* vc4 and omapdrm: as where the device's addresses are not the memory's. */
	{ "vc4", "drm", .import_map = MAPS_OTHER, .dumb_err = EINVAL, .ways = {
		{ OFFSET("VC4_MMAP_BO", 0x44, 16, 0, 8) },
		{ OFFSET("MODE_MAP_DUMB", 0xb3, 16, 0, 8), .err = EINVAL },
	}, .turns = {
		{ WAIT("VC4_WAIT_BO", 0x42, 16, 0), .timeout = 8 },
		{ SUBMIT("VC4_SUBMIT_CL", 0x40, 176, 24, 48, 4, 0) },
	} },
	{ "virtio_gpu", "virtio_gpu", .dumb_err = EINVAL, .ways = {
		{ OFFSET("VIRTGPU_MAP", 0x41, 16, 8, 0), .err = EINVAL },
	}, .turns = {
		{ WAIT("VIRTGPU_WAIT", 0x48, 8, 0), .op = 4, .nowait = 1 },
		{ SUBMIT("VIRTGPU_EXECBUFFER", 0x42, 64, 16, 24, 4, 0) },
	} },
	{ "tegra", "tegra_drm", .import_map = MAPS_OTHER, .ways = {
		{ OFFSET("TEGRA_GEM_MMAP", 0x41, 16, 0, 8) },
	}, .turns = {
		{ SUBMIT_ANY("TEGRA_SUBMIT", 0x48, 88) },
		{ SUBMIT_ANY("TEGRA_CHANNEL_SUBMIT", 0x54, 64) },
		{ WAIT_ANY("TEGRA_SYNCPT_READ", 0x42, 8) },
	} },
	{ "omapdrm", "omapdrm", .import_map = MAPS_OTHER, .ways = {
		{ OFFSET("OMAP_GEM_INFO", 0x46, 24, 0, 8) },
	}, .turns = {
		{ BEGIN("OMAP_GEM_CPU_PREP", 0x44, 8, 0), .op = 4, .reads = 1, .writes = 2 },
		{ END("OMAP_GEM_CPU_FINI", 0x45, 16, 0) },
	} },
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
	}, .turns = {
		{ WAIT("QAIC_WAIT_BO", 0x46, 16, 0) },
		{ SUBMIT_ANY("QAIC_EXECUTE_BO", 0x44, 16) },
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
