// SPDX-License-Identifier: MIT
/* Which addresses of this process show which buffer; see mapping.h. */
#include "config.h"

#include "mapping.h"

static struct ranges mappings;	/* by address -> struct buffer; the tag: mapped for writing */

atomic_uint mappings_live;

static void count(struct buffer *b, unsigned int write, int by)
{
	b->mapped[write] += by;
	b->refs += by;
	atomic_fetch_add_explicit(&mappings_live, by, memory_order_relaxed);
}

int mapping_add(uint64_t addr, uint64_t len, struct buffer *b, bool write)
{
	int ret = ranges_insert(&mappings, addr, addr + len, b, write);

	if (!ret)
		count(b, write, 1);
	return ret;
}

struct buffer *mapping_cut(uint64_t addr, uint64_t len)
{
	uint64_t end = addr + len;
	size_t i = ranges_after(&mappings, addr);
	struct range r;
	struct buffer *b;

	if (i == mappings.n || mappings.v[i].start >= end)
		return NULL;
	r = mappings.v[i];
	b = r.obj;
	b->refs++;
	ranges_remove(&mappings, i);
	/* The front goes back into the place just freed; only the back of a split may lack memory. */
	if (r.start < addr)
		ranges_insert(&mappings, r.start, addr, b, r.tag);
	else
		count(b, r.tag, -1);
	if (r.end > end && !ranges_insert(&mappings, end, r.end, b, r.tag))
		count(b, r.tag, 1);
	return b;
}
