/* SPDX-License-Identifier: MIT */
/*
 * The program's own mmap(), and what it did to the mappings at its place. The caller holds no lock.
 */
#ifndef PRIMESHIM_NATIVE_MMAP_H
#define PRIMESHIM_NATIVE_MMAP_H

#include <stdbool.h>

#include "records/request.h"

/* Makes the program's call. 0 and *@out, or a negative errno. */
int mmap_native(const struct mmap_call *c, void **out);

/*
 * After a call that has returned @ret. With MAP_FIXED the kernel has removed the mappings at the
 * place, or may have: their records follow. @newest: mapped_newest() before the call.
 */
void mmap_placed(const struct mmap_call *c, int ret, unsigned int newest);

/* Does the call replace the mappings at its place? */
bool mmap_replaces(const struct mmap_call *c);

#endif
