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

/*
 * While there are no imports: is @request an export, of which the shim makes a writable one and
 * does no more?
 */
static inline bool ioctl_exports(unsigned int request)
{
	return atomic_load_explicit(&ioctl_watch[(uint16_t)request], memory_order_relaxed) &
	       WATCH_EXPORTS;
}

/* Is it known, without a system call, that the program asks for a writable export already? */
static inline bool ioctl_idle(const void *arg)
{
	const struct drm_prime_handle *p = arg;

	return on_our_page(p, sizeof(*p)) && p->flags & DRM_RDWR;
}

/* Makes such an export without a hook: it touches no records. The result or a negative errno. */
int ioctl_export(ioctl_fn *native, int fd, unsigned long request, void *arg);

/*
 * While there are no imports: is @request one whose refusal alone matters? Only the map ioctl that
 * every driver has is such a request.
 */
static inline bool ioctl_first(unsigned int request)
{
	return (uint16_t)request == (uint16_t)DRM_IOCTL_MODE_MAP_DUMB;
}

/*
 * The program has made such a request, and the driver has refused it with @ret, a negative errno.
 * Returns the result for the program, or a negative errno.
 */
int ioctl_refused_hook(int fd, unsigned long request, void *arg, int ret);

/* Makes the ioctl by @native, and acts on it. Its result or a negative errno. */
int ioctl_hook(ioctl_fn *native, int fd, unsigned long request, void *arg);

#endif
