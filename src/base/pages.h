/* SPDX-License-Identifier: MIT */
/*
 * Memory for the tables of the records, in whole pages, straight from the kernel (range.h gives the
 * reason). The tables lie in a reservation of their own. When a driver refuses a MAP_FIXED, the
 * kernel leaves a gap that the program may map again. A table in that gap would be replaced.
 */
#ifndef PRIMESHIM_PAGES_H
#define PRIMESHIM_PAGES_H

#include <stddef.h>

/* @len zeroed bytes, or NULL. The block may be a part of a longer block that was put back. */
void *pages_get(size_t len);

/* Puts back the block that pages_get() gave for @len; pages_get() will use it again. */
void pages_put(void *p, size_t len);

#endif
