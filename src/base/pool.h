/* SPDX-License-Identifier: MIT */
/*
 * Small objects of one size without malloc (see range.h for the reason). A pool has a lock of its
 * own, as objects of different files come from it; it is used only with one of lock.h's held, so
 * that no other thread is inside when fork() has taken those. A pool never shrinks.
 */
#ifndef PRIMESHIM_POOL_H
#define PRIMESHIM_POOL_H

#include <stddef.h>

#include "lock.h"

struct pool {
	struct lock lock;
	size_t size;	/* of one object; at least a pointer's */
	void *free;
};

#define POOL(type) { .size = sizeof(type) }

/* A zeroed object, or NULL. */
void *pool_get(struct pool *p);
void pool_put(struct pool *p, void *obj);

#endif
