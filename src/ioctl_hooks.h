/* SPDX-License-Identifier: MIT */
/* What happens around an ioctl on a DRM descriptor. */
#ifndef PRIMESHIM_IOCTL_HOOKS_H
#define PRIMESHIM_IOCTL_HOOKS_H

#include <stdint.h>

#include "next.h"

/* By _IOC_NR, of requests of DRM's type: may it matter to us? 0 until ioctl_hooks_init(). */
enum { WATCH_ALWAYS = 1, WATCH_IMPORTS = 2 };	/* the latter: while there are any */
extern uint8_t ioctl_watch[256] __attribute__((visibility("hidden")));

void ioctl_hooks_init(void);

typedef int ioctl_fn(int fd, ioctl_request request, ...);

/* Does the ioctl by @native and what belongs to it. Its result or a negative errno. */
int ioctl_hook(ioctl_fn *native, int fd, unsigned long request, void *arg);

#endif
