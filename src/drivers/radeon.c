// SPDX-License-Identifier: MIT
/* AMD GPUs up to Sea Islands. */
#include "config.h"

#include <drm.h>
#include <radeon_drm.h>

#include "drivers.h"

static const struct drv_ioctl ioctls[] = {
	{
		IOCTL(RADEON_GEM_MMAP), .role = ROLE_MAP_OFFSET,
		.handle = AT(drm_radeon_gem_mmap, handle),
		.value = AT(drm_radeon_gem_mmap, addr_ptr),	/* it is an offset */
	}, {
		IOCTL(RADEON_GEM_SET_DOMAIN), .role = ROLE_CPU_BEGIN,
		.handle = AT(drm_radeon_gem_set_domain, handle),
		.reads = { AT(drm_radeon_gem_set_domain, read_domains), RADEON_GEM_DOMAIN_CPU },
		.writes = { AT(drm_radeon_gem_set_domain, write_domain), RADEON_GEM_DOMAIN_CPU },
	}, {
		IOCTL(RADEON_GEM_WAIT_IDLE), .role = ROLE_WAIT,
		.handle = AT(drm_radeon_gem_wait_idle, handle),
	}, {
		IOCTL(RADEON_GEM_BUSY), .role = ROLE_WAIT, .asks = true,
		.handle = AT(drm_radeon_gem_busy, handle),
	}, {
		IOCTL(RADEON_CS), .role = ROLE_SUBMIT,
		.list = {
			.at = AT(drm_radeon_cs, chunks),
			.count = AT(drm_radeon_cs, num_chunks),
			.chunk = RADEON_CHUNK_ID_RELOCS,
			.stride = sizeof(struct drm_radeon_cs_reloc),
			.handle = AT(drm_radeon_cs_reloc, handle),
			.writes = { AT(drm_radeon_cs_reloc, write_domain), ~0U },
		},
	},
};

const struct driver radeon_driver = {
	.name = "radeon",
	.exports_as = { "drm" },
	.natively = NATIVELY_SIGBUS,
	IOCTLS(ioctls),
};
