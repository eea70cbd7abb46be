// SPDX-License-Identifier: MIT
/* Which addresses of this process show which buffer; see mapping.h. */
#include "config.h"

#include "mapping.h"
#include "page.h"

static struct ranges mappings;	/* by address -> struct buffer; the tag: mapped for writing */

/* By address -> where its mapping begins; the tag: pages of that mapping. */
static struct ranges heads;

atomic_uint mappings_live;

static void count(struct buffer *b, unsigned int write, int by)
{
	b->mapped[write] += by;
	b->refs += by;
	atomic_fetch_add_explicit(&mappings_live, by, memory_order_relaxed);
}

int mapping_add(uint64_t addr, uint64_t len, uint64_t head, struct buffer *b, bool write)
{
	int ret = ranges_insert(&mappings, addr, addr + len, b, write);

	if (ret < 0)
		return ret;
	/* Without memory for this the head stays mapped: a leak of addresses and nothing worse. */
	if (head)
		ranges_insert(&heads, addr - head, addr, (void *)(uintptr_t)addr,
			      len / page_size());
	count(b, write, 1);
	return 0;
}

struct buffer *mapping_cut(uint64_t addr, uint64_t len)
{
	struct range old;
	struct buffer *b;
	int left = ranges_cut(&mappings, addr, addr + len, &old);

	if (left < 0) {
		/* The program may put something of its own where it does not know of a head. */
		while (ranges_cut(&heads, addr, addr + len, &old) >= 0)
			;
		return NULL;
	}
	b = old.obj;
	b->refs++;
	count(b, old.tag, left - 1);
	return b;
}

uint64_t mapping_widow(uint64_t *start)
{
	for (size_t i = 0; i < heads.n; i++) {
		struct range h = heads.v[i];
		uint64_t from = (uintptr_t)h.obj, to = from + h.tag * page_size();
		size_t left = ranges_after(&mappings, from);

		if (left < mappings.n && mappings.v[left].start < to)
			continue;
		ranges_remove(&heads, i);
		*start = h.start;
		return h.end - h.start;
	}
	return 0;
}
