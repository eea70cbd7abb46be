/* SPDX-License-Identifier: MIT */
/*
 * The dma-bufs that a device here has exported, so that an import back into it is told from
 * another's: its own buffer, which stays with the driver. What is heard first of a dma-buf counts,
 * as an import can be exported again under a handle that nobody saw (GEM_OPEN). All take
 * buffers_lock().
 */
#ifndef PRIMESHIM_OWN_H
#define PRIMESHIM_OWN_H

#include <stdbool.h>
#include <sys/types.h>

#include "dmabuf.h"

/* The device @rdev exported @id, if nothing is known of it. Of many the oldest are forgotten. */
void own_exported(const struct dmabuf_id *id, dev_t rdev);

/* It was imported, and nothing says that the device exported it; or with @proof it did not. */
void own_imported(const struct dmabuf_id *id, bool proof);

/* Did the device export it? False where that is not known. */
bool own_knows(const struct dmabuf_id *id, dev_t rdev);

#endif
