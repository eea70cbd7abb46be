// SPDX-License-Identifier: MIT
/* Intel GPUs up to the twelfth generation. */
#include "config.h"

#include <drm.h>
#include <i915_drm.h>

#include "drivers.h"

#define I915_CPU (I915_GEM_DOMAIN_CPU | I915_GEM_DOMAIN_GTT | I915_GEM_DOMAIN_WC)

static const struct drv_ioctl ioctls[] = {
	{
		/*
		 * One number, and the size says which: without flags it is a map through the GTT.
		 * That works with an import; all others are ENODEV.
		 */
		IOCTL(I915_GEM_MMAP_OFFSET), .role = ROLE_MAP_OFFSET,
		.handle = AT(drm_i915_gem_mmap_offset, handle),
		.value = AT(drm_i915_gem_mmap_offset, offset),
	}, {
		IOCTL(I915_GEM_MMAP_GTT), .role = ROLE_MAP_OFFSET,
		.handle = AT(drm_i915_gem_mmap_gtt, handle),
		.value = AT(drm_i915_gem_mmap_gtt, offset),
	}, {
		IOCTL(I915_GEM_MMAP), .role = ROLE_MAP_ADDRESS,
		.handle = AT(drm_i915_gem_mmap, handle),
		.start = AT(drm_i915_gem_mmap, offset),
		.length = AT(drm_i915_gem_mmap, size),
		.value = AT(drm_i915_gem_mmap, addr_ptr),
	}, {
		IOCTL(I915_GEM_SET_DOMAIN), .role = ROLE_CPU_BEGIN,
		.handle = AT(drm_i915_gem_set_domain, handle),
		.reads = { AT(drm_i915_gem_set_domain, read_domains), I915_CPU },
		.writes = { AT(drm_i915_gem_set_domain, write_domain), I915_CPU },
	}, {
		IOCTL(I915_GEM_SW_FINISH), .role = ROLE_CPU_END,
		.handle = AT(drm_i915_gem_sw_finish, handle),
	}, {
		IOCTL(I915_GEM_WAIT), .role = ROLE_WAIT,
		.handle = AT(drm_i915_gem_wait, bo_handle),
		.timeout = AT(drm_i915_gem_wait, timeout_ns),
	}, {
		IOCTL(I915_GEM_BUSY), .role = ROLE_WAIT, .asks = true,
		.handle = AT(drm_i915_gem_busy, handle),
		.busy = { AT(drm_i915_gem_busy, busy), ~0U },
	}, {
		IOCTL(I915_GEM_EXECBUFFER2), .role = ROLE_SUBMIT,
		.list = {
			.at = AT(drm_i915_gem_execbuffer2, buffers_ptr),
			.count = AT(drm_i915_gem_execbuffer2, buffer_count),
			.stride = sizeof(struct drm_i915_gem_exec_object2),
			.handle = AT(drm_i915_gem_exec_object2, handle),
			/*
			 * An asynchronous one says nothing of writes (Mesa's anv), and a relocation
			 * may have a domain to be written.
			 */
			.writes = { AT(drm_i915_gem_exec_object2, flags),
				    EXEC_OBJECT_WRITE | EXEC_OBJECT_ASYNC },
			.or_writes = { AT(drm_i915_gem_exec_object2, relocation_count), ~0U },
		},
	},
};

const struct driver i915_driver = {
	.name = "i915",
	.exports_as = { "i915" },
	.natively = NATIVELY_REFUSED,
	/*
	 * i915_gem_mmap(): its own search by range, so that offsets within a buffer are legal. The
	 * aperture undoes the tiling of a buffer; i915_gem_dmabuf_mmap() maps the tiles.
	 */
	.quirks = QUIRK_OWN_MMAP | QUIRK_UNTILES,
	.note = "ENODEV, GEM_MMAP ENXIO; a GTT map works, slowly and write-combined, and deny "
		"leaves it",
	IOCTLS(ioctls),
};
