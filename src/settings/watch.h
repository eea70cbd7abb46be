/* SPDX-License-Identifier: MIT */
/*
 * Which ioctls may matter to the shim, and when. Type and number of a request select a word of
 * bits. The entry points compare these bits with the bits of the present state (watch_now). The
 * same number means something else with each driver, so a driver's ioctls count once the shim has a
 * record of one of the driver's files.
 */
#ifndef PRIMESHIM_WATCH_H
#define PRIMESHIM_WATCH_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "drivers/drivers.h"

enum {
	WATCH_ALWAYS = 1,
	WATCH_EXPORTS = 2,	/* an export without imports; not if ioctl_idle() */
	WATCH_IMPORTS = 4,	/* while there are imports */
	WATCH_BRACKETS = 8,	/* while a buffer can be handed over */
	WATCH_OWED = 16,	/* while a wait may begin one */
	WATCH_DIRECT = 32,	/* PRIMESHIM_DIRECT: mmap() of any file */

	WATCH_MMAP = WATCH_IMPORTS | WATCH_DIRECT,
};

/*
 * The array has words for all types, so that no instruction asks for DRM's type. Untouched pages
 * cost no memory. The elements are words because riscv64 would call libatomic to change a byte.
 * Relaxed: a thread that makes a call on an import has synchronised with the thread that made the
 * import.
 */
extern atomic_uint ioctl_watch[1 << 16];	/* by (uint16_t)request */
extern atomic_uint watch_now;

/* Watches the ioctls that the DRM core answers. After settings_init(). */
void watch_init(void);

/* Watches the ioctls of @d, whose first file is being recorded. */
void watch_driver(const struct driver *d);

/*
 * The number of objects that @bit stands for has become @n. Every caller with the same bit holds
 * the same lock.
 */
void watch_count(unsigned int bit, unsigned int n);

#endif
