/* SPDX-License-Identifier: MIT */
/* The offsets under which the imports of an open file may be mapped. With the file's lock held. */
#ifndef PRIMESHIM_OFFSETS_H
#define PRIMESHIM_OFFSETS_H

#include <stdint.h>

#include "import.h"

/*
 * Synthetic offsets lie in [2^41, 2^43): above every node of drm_vma_manager (1028 GiB, 6.1 to
 * 7.3), below panthor's MMIO window (2^43 for a 32-bit process), and within what a 32-bit mmap2
 * can say.
 */
#define SYNTHETIC_FIRST	(1ULL << 41)
#define SYNTHETIC_END	(1ULL << 43)

/*
 * The import's own offset, given on first use: never 0, the same at every call, and for every
 * handle of the same buffer in the file, as it is the object's natively. 0 if none is left.
 */
uint64_t offset_synthetic(struct file *f, struct import *imp);

/* The driver handed out @offset for the import. */
void offset_native(struct file *f, struct import *imp, uint64_t offset);

/*
 * @imp, no longer in its buffer's chain, is going. The program may still use its offsets, where
 * they are another handle's as well: ours always are, the driver's if it said so for that handle
 * (it may have been noted here for a record that was stale). With buffers_lock() held as well.
 */
void offsets_leave(struct file *f, struct import *imp);

/* The import that @offset lies in, with the distance from its start in @delta; or NULL. */
struct import *offset_find(struct file *f, uint64_t offset, uint64_t *delta);

#endif
