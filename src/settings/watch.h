/* SPDX-License-Identifier: MIT */
/*
 * Which ioctls may matter to us, and when: by the type and number of the request, as bits, which
 * the entry points compare with those that stand for what there is now. Numbers mean something else
 * with each driver, so a driver's count once a file of it has an import.
 */
#ifndef PRIMESHIM_WATCH_H
#define PRIMESHIM_WATCH_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "drivers/drivers.h"

enum {
	WATCH_ALWAYS = 1,
	WATCH_EXPORTS = 2,	/* unless ioctl_idle() */
	WATCH_IMPORTS = 4,	/* while there are imports */
	WATCH_BRACKETS = 8,	/* while a bracket is open */
	WATCH_OWED = 16,	/* while one is not, of a buffer that is mapped */
};

/*
 * Of all types, so that no instruction is spent on asking for DRM's; untouched pages cost nothing.
 * Words, as riscv64 would call libatomic to change a byte.
 * Relaxed: a thread that makes a call on an import has synchronised with who made that.
 */
extern atomic_uint ioctl_watch[1 << 16];	/* by (uint16_t)request */
extern atomic_uint watch_now;

/* Once the settings are known: what the DRM core answers. */
void watch_init(void);

/* There is a file of that driver. */
void watch_driver(const struct driver *d);

/* The number of what @bit stands for has become @n. With a lock held that all who change it take.
 */
void watch_count(unsigned int bit, unsigned int n);

#endif
