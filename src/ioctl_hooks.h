/* SPDX-License-Identifier: MIT */
/* What happens around an ioctl on a DRM descriptor. */
#ifndef PRIMESHIM_IOCTL_HOOKS_H
#define PRIMESHIM_IOCTL_HOOKS_H

#include <stdbool.h>

/* May this request matter to us? A few instructions; no to everything else goes straight on. */
bool ioctl_watched(unsigned long request);

/* Does the ioctl and what belongs to it. Its result or a negative errno. */
int ioctl_hook(int fd, unsigned long request, void *arg);

#endif
