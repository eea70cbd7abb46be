/* SPDX-License-Identifier: MIT */
/*
 * The dma-bufs that a device has exported in this process. They distinguish an import of the
 * device's own buffer, which stays with the driver, from an import of another device's. An export
 * counts if the shim has not heard of the dma-buf before: a program can also export an import,
 * under a handle that the shim does not know (GEM_OPEN). All functions take buffers_lock().
 */
#ifndef PRIMESHIM_OWN_H
#define PRIMESHIM_OWN_H

#include <stdbool.h>
#include <sys/types.h>

#include "kernel/dmabuf.h"

/*
 * The device @rdev has exported @id under a handle that is no known import. A collision replaces
 * the older entry.
 */
void own_exported(const struct dmabuf_id *id, dev_t rdev);

/*
 * The program has imported @id. @proof: the buffer surely is not the importing device's own,
 * whatever was recorded.
 */
void own_imported(const struct dmabuf_id *id, bool proof);

/* Did the device @rdev export @id? False where that is not known. */
bool own_knows(const struct dmabuf_id *id, dev_t rdev);

#endif
