/* SPDX-License-Identifier: MIT */
/*
 * Small objects of one size without malloc (see range.h for the reason). The caller holds the
 * lock; see file.h. A pool never shrinks.
 */
#ifndef PRIMESHIM_POOL_H
#define PRIMESHIM_POOL_H

#include <stddef.h>

struct pool {
	size_t size;	/* of one object; at least a pointer's */
	void *free;
};

#define POOL(type) { .size = sizeof(type) }

/* A zeroed object, or NULL. */
void *pool_get(struct pool *p);
void pool_put(struct pool *p, void *obj);

#endif
