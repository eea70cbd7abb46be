/* SPDX-License-Identifier: MIT */
/*
 * Which dma-bufs the program has mapped by their own descriptors, and which it has synced by its
 * own DMA_BUF_IOCTL_SYNC. Kept by inode number, as long as the process lives: a program may map and
 * unmap a dma-buf for each frame, and may sync it before it maps it.
 */
#ifndef PRIMESHIM_SYNCED_H
#define PRIMESHIM_SYNCED_H

#include "kernel/dmabuf.h"

enum { SYNCED_MAPS = 1, SYNCED_SYNCS = 2 };

/*
 * Adds @bits to what is known of @id, and returns what was known before. A collision of two numbers
 * replaces the older one, which is then new once more. With buffers_lock() held.
 */
unsigned int synced_add(const struct dmabuf_id *id, unsigned int bits);

#endif
