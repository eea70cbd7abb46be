// SPDX-License-Identifier: MIT
/* Loongson's displays (6.6 and later), on TTM: MODE_MAP_DUMB does not refuse imports. */
#include "config.h"

#include "drivers.h"

const struct driver loongson_driver = {
	.name = "loongson",
	.exports_as = { "drm" },
	.natively = NATIVELY_SIGBUS,
};
