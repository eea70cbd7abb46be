// SPDX-License-Identifier: MIT
/* Small objects of one size without malloc; see pool.h. */
#include "config.h"

#include <string.h>

#include "kernel/page.h"
#include "pages.h"
#include "pool.h"

/* With AddressSanitizer, a use of an object that was put back is reported. */
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(addr, size)	((void)(addr), (void)(size))
#define ASAN_UNPOISON_MEMORY_REGION(addr, size)	((void)(addr), (void)(size))
#endif

/* Bytes that are cut into objects at a time; a page where a page is longer. */
#define CHUNK 16384

static void link_in(struct pool *p, void *obj)
{
	*(void **)obj = p->free;
	p->free = obj;
	ASAN_POISON_MEMORY_REGION(obj, p->size);
}

static void refill(struct pool *p)
{
	size_t step = (p->size + 7) & ~(size_t)7;
	size_t len = page_size() > CHUNK ? page_size() : CHUNK;
	char *chunk = pages_get(len);

	/* From the back, so that pool_get() returns neighbours in ascending order. */
	for (size_t at = chunk ? len / step * step : 0; at; at -= step)
		link_in(p, chunk + at - step);
}

void *pool_get(struct pool *p)
{
	void *obj;

	lock_take(&p->lock);
	if (!p->free)
		refill(p);
	obj = p->free;
	if (obj) {
		ASAN_UNPOISON_MEMORY_REGION(obj, p->size);
		p->free = *(void **)obj;
	}
	lock_release(&p->lock);
	return obj ? memset(obj, 0, p->clear) : NULL;
}

void pool_put(struct pool *p, void *obj)
{
	lock_take(&p->lock);
	link_in(p, obj);
	lock_release(&p->lock);
}
