/* SPDX-License-Identifier: MIT */
/* The mmap offsets of the imports of an open file. All functions: with the file's lock held. */
#ifndef PRIMESHIM_OFFSETS_H
#define PRIMESHIM_OFFSETS_H

#include <stdint.h>

#include "import.h"

/*
 * Synthetic offsets lie in [2^41, 2^43): above every node of drm_vma_manager (1028 GiB, 6.1 to
 * 7.3), below panthor's MMIO window (2^43 for a 32-bit process), and within the range of a 32-bit
 * mmap2.
 */
#define SYNTHETIC_FIRST	(1ULL << 41)
#define SYNTHETIC_END	(1ULL << 43)

/*
 * The synthetic offset of @imp, which the first call chooses. It is the same at every call and for
 * every handle of the same buffer in the file, as an object's offset natively is. 0 if no offset is
 * left.
 */
uint64_t offset_synthetic(struct file *f, struct import *imp);

/* The driver has given @offset for @imp. */
void offset_native(struct file *f, struct import *imp, uint64_t offset);

/*
 * @imp, which is no longer in its buffer's chain, is going. Its offsets pass to another handle of
 * the buffer that has them, since the program may still use them. Every handle has the synthetic
 * offset. A handle has the driver's offset if the driver gave it for that handle, too (@imp may
 * have it from a time when @imp's record was stale). With buffers_lock() held as well.
 */
void offsets_leave(struct file *f, struct import *imp);

/*
 * The import whose range contains @offset, and in *@delta the distance from the range's start; or
 * NULL.
 */
struct import *offset_find(struct file *f, uint64_t offset, uint64_t *delta);

#endif
