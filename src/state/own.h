/* SPDX-License-Identifier: MIT */
/*
 * The dma-bufs that a device here has exported, so that an import back into it is told from
 * another's: its own buffer, which stays with the driver. An export counts if it is the first that
 * is heard of the dma-buf: an import can be exported again, too, under a handle that nobody knows
 * (GEM_OPEN). All take buffers_lock().
 */
#ifndef PRIMESHIM_OWN_H
#define PRIMESHIM_OWN_H

#include <stdbool.h>
#include <sys/types.h>

#include "kernel/dmabuf.h"

/* The device @rdev exported @id under a handle that is no import's. The oldest are forgotten. */
void own_exported(const struct dmabuf_id *id, dev_t rdev);

/* @id was imported; with @proof it is not the importing device's own, whatever we had thought. */
void own_imported(const struct dmabuf_id *id, bool proof);

/* Did the device export it? False where that is not known. */
bool own_knows(const struct dmabuf_id *id, dev_t rdev);

#endif
