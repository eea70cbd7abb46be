/* SPDX-License-Identifier: MIT */
/*
 * The policy of mappings: which imports the shim maps through their dma-buf, and how. Results are
 * negative errnos. Where the shim cannot map the dma-buf, the program gets the kernel's native
 * result. The caller holds no lock.
 */
#ifndef PRIMESHIM_REDIRECT_H
#define PRIMESHIM_REDIRECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "records/request.h"

/*
 * mmap() of an import that record_find() has found. Consumes @v and its reference. 0 and *@out; or
 * the native call's negative errno.
 */
int redirect_map(struct view *v, const struct mmap_call *c, void **out);

#endif
