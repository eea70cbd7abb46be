/* SPDX-License-Identifier: MIT */
/*
 * Dma-bufs that the program maps by their own descriptors (PRIMESHIM_DIRECT): Mesa's llvmpipe and
 * lavapipe, wlroots, PipeWire's clients, GStreamer and cameras do. The program has to make
 * DMA_BUF_IOCTL_SYNC around its accesses, and many programs do not.
 *
 *   observe  counts these mappings, and the program's own calls of DMA_BUF_IOCTL_SYNC
 *   sync     brackets them as mappings of imports are bracketed (sync.h). From the program's first
 *            own DMA_BUF_IOCTL_SYNC of a dma-buf on, the shim leaves its mappings of that dma-buf
 *            alone; mappings of imports of it keep their brackets
 *
 * The caller holds no lock, and asks only where settings.direct is not DIRECT_OFF.
 */
#ifndef PRIMESHIM_DIRECT_H
#define PRIMESHIM_DIRECT_H

#include <stdbool.h>
#include <stdint.h>

#include "records/request.h"

/* Is that an mmap() which may be of a dma-buf? Without a system call. */
bool direct_may_be(int flags);

/* The program's mmap() of a file that is no DRM device has returned @ret, and @p if @ret is 0. */
void direct_mapped(const struct mmap_call *c, int ret, void *p);

/*
 * The program is about to make DMA_BUF_IOCTL_SYNC with @flags, which the kernel has not checked.
 * The shim ends a bracket of its own first. True: it is a START of a dma-buf that the program maps.
 */
bool direct_syncs(int fd, uint64_t flags);

#endif
