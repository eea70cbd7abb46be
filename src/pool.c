// SPDX-License-Identifier: MIT
/* Small objects of one size without malloc; see pool.h. */
#include "config.h"

#include <string.h>

#include "next.h"
#include "pool.h"

#define CHUNK 16384

static void refill(struct pool *p)
{
	size_t step = (p->size + 15) & ~(size_t)15;
	char *chunk = next_pages(CHUNK);

	for (size_t at = 0; chunk && at + step <= CHUNK; at += step)
		pool_put(p, chunk + at);
}

void *pool_get(struct pool *p)
{
	void *obj;

	if (!p->free)
		refill(p);
	obj = p->free;
	if (!obj)
		return NULL;
	p->free = *(void **)obj;
	return memset(obj, 0, p->size);
}

void pool_put(struct pool *p, void *obj)
{
	*(void **)obj = p->free;
	p->free = obj;
}
