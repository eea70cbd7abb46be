/* SPDX-License-Identifier: MIT */
/*
 * Small objects of one size without malloc (range.h gives the reason). A pool has its own lock,
 * since objects of different files come from it. A caller holds one of the locks of lock.h, so no
 * other thread is inside a pool once fork() has taken those locks. A pool never shrinks.
 */
#ifndef PRIMESHIM_POOL_H
#define PRIMESHIM_POOL_H

#include <stddef.h>

#include "lock.h"

struct pool {
	struct lock lock;
	size_t size;	/* bytes of an object; at least the size of a pointer */
	size_t clear;	/* bytes at its start that pool_get() sets to zero */
	void *free;
};

#define POOL(type) { .size = sizeof(type), .clear = sizeof(type) }

/* What is zero of an object with an array at its end, @rest, is what lies before the array. */
#define POOL_TO(type, rest) { .size = sizeof(type), .clear = offsetof(type, rest) }

/* A zeroed object, or NULL. */
void *pool_get(struct pool *p);
void pool_put(struct pool *p, void *obj);

#endif
