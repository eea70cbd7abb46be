/* SPDX-License-Identifier: MIT */
/*
 * Memory for the tables of what is remembered, in whole pages, straight from the kernel (range.h
 * has the reason). It lies in a reservation of its own: a MAP_FIXED of the program's that a driver
 * refuses leaves a gap, which the program may map again, and a table that the kernel had put there
 * would be replaced.
 */
#ifndef PRIMESHIM_PAGES_H
#define PRIMESHIM_PAGES_H

#include <stddef.h>

/* @len bytes, zeroed, or NULL. Part of a longer block that was put back will do. */
void *pages_get(size_t len);

/* What pages_get() gave for @len, to be used again. */
void pages_put(void *p, size_t len);

#endif
