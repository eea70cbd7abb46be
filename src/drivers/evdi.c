// SPDX-License-Identifier: MIT
/*
 * DisplayLink's virtual displays; not in the kernel's tree. Its ioctls grab pictures; programs draw
 * into dumb buffers.
 */
#include "config.h"

#include "drivers.h"

const struct driver evdi_driver = {
	.name = "evdi",
	.exports_as = { "drm", "evdi" },	/* with drm_gem_prime_export(); before */
	.natively = NATIVELY_REFUSED,
	/* Before: evdi_gem_fault() says SIGBUS if another thread was first (vm_insert_page()). */
	.quirks = QUIRK_MAPS_WRONG,
	.note = "evdi 1.14.3 and later; before it maps the pages",
};
