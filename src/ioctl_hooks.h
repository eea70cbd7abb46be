/* SPDX-License-Identifier: MIT */
/* What happens around an ioctl on a DRM descriptor. */
#ifndef PRIMESHIM_IOCTL_HOOKS_H
#define PRIMESHIM_IOCTL_HOOKS_H

#include <fcntl.h>	/* for DRM_RDWR */
#include <stdbool.h>
#include <stdint.h>

#include <drm.h>
#include <drm_mode.h>

#include "kernel/next.h"
#include "kernel/readable.h"
#include "settings/watch.h"

/* Without an import, is there no more to do for it than to make an export one for writing? */
static inline bool ioctl_exports(unsigned int request)
{
	return atomic_load_explicit(&ioctl_watch[(uint16_t)request], memory_order_relaxed) &
	       WATCH_EXPORTS;
}

/* Can it be told for nothing that such an export is for writing already? */
static inline bool ioctl_idle(const void *arg)
{
	const struct drm_prime_handle *p = arg;

	return on_our_page(p, sizeof(*p)) && p->flags & DRM_RDWR;
}

/* Makes such an export. No records are touched: this is no hook. Result or a negative errno. */
int ioctl_export(ioctl_fn *native, int fd, unsigned long request, void *arg);

/*
 * Without an import, is its refusal all that there may be something to do for? So for the map ioctl
 * that every driver has.
 */
static inline bool ioctl_first(unsigned int request)
{
	return (uint16_t)request == (uint16_t)DRM_IOCTL_MODE_MAP_DUMB;
}

/* The same, which has been refused with @ret, a negative errno: what it comes to. */
int ioctl_refused_hook(int fd, unsigned long request, void *arg, int ret);

/* Does the ioctl by @native and what belongs to it. Its result or a negative errno. */
int ioctl_hook(ioctl_fn *native, int fd, unsigned long request, void *arg);

#endif
