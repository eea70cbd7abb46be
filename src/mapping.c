// SPDX-License-Identifier: MIT
/* Which addresses of this process show which buffer; see mapping.h. */
#include "config.h"

#include <sys/mman.h>

#include "mapping.h"
#include "page.h"
#include "publish.h"
#include "range.h"

/*
 * By address -> struct buffer; the tag: a serial number, and in bit 0 mapped for writing; the mark:
 * its protection, and above that its note.
 */
#define PROT_BITS	4
#define PROT_MASK	((1U << PROT_BITS) - 1)

static struct ranges mappings;

/* By address -> where its mapping begins; the tag: pages of that mapping; the mark: its serial. */
static struct ranges heads;

static unsigned int serials;
#define SERIAL_MASK (~0U >> 1)	/* what is left of one beside the bit */

atomic_uint mappings_live;

static void count(struct buffer *b, unsigned int write, int by)
{
	b->mapped[write] += by;
	b->refs += by;
	atomic_fetch_add_explicit(&mappings_live, by, memory_order_relaxed);
}

static unsigned int serial_of(const struct range *mapping)
{
	return mapping->tag >> 1;
}

/* The head right before @addr if it is that of the mapping @serial there, or NULL. */
static struct range *head_before(uint64_t addr, unsigned int serial)
{
	struct range *h = addr ? ranges_find(&heads, addr - 1) : NULL;

	return h && h->mark == serial && (uintptr_t)h->obj == addr ? h : NULL;
}

bool mapping_at(uint64_t addr, uint64_t len, struct mapping *m)
{
	const struct range *r = ranges_after(&mappings, addr), *h;

	if (!r || r->start >= addr + len)
		return false;
	h = head_before(r->start, serial_of(r));
	*m = (struct mapping){
		.buffer = r->obj,
		.start = r->start,
		.end = r->end,
		.head = h ? h->end - h->start : 0,
		.serial = serial_of(r),
		.prot = r->mark & PROT_MASK,
		.note = r->mark >> PROT_BITS,
	};
	return true;
}

/* Without memory for this the head stays mapped: a leak of addresses and nothing worse. */
static void add_head(uint64_t addr, uint64_t len, uint64_t head, unsigned int serial)
{
	if (head && !ranges_insert(&heads, addr - head, addr, (void *)(uintptr_t)addr,
				   len / page_size()))
		ranges_find(&heads, addr - 1)->mark = serial;
}

static unsigned int mark(int prot, unsigned int note)
{
	return (prot & PROT_MASK) | note << PROT_BITS;
}

int mapping_add(uint64_t addr, uint64_t len, uint64_t head, struct buffer *b, int prot,
		unsigned int note)
{
	unsigned int write = !!(prot & PROT_WRITE);
	int ret = ranges_insert(&mappings, addr, addr + len, b, ++serials << 1 | write);

	if (ret < 0)
		return ret;
	ranges_find(&mappings, addr)->mark = mark(prot, note);
	add_head(addr, len, head, serials & SERIAL_MASK);
	count(b, write, 1);
	publish_mapping(addr, addr + len);
	return 0;
}

struct buffer *mapping_cut(uint64_t addr, uint64_t len)
{
	uint64_t end = addr + len;
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
	count(b, old.tag & 1, left - 1);
	if (old.start > addr)
		addr = old.start;
	if (old.end < end)
		end = old.end;
	publish_event((struct shared_event){ .kind = EVENT_UNMAP, .exporter = b->exporter,
					     .ino = b->ino, .addr = addr, .len = end - addr });
	publish_unmapping(addr, end);
	return b;
}

struct buffer *mapping_protect(uint64_t addr, uint64_t len, int prot)
{
	unsigned int write = !!(prot & PROT_WRITE);
	const struct range *r;
	struct range old;
	struct buffer *b;

	for (uint64_t at = addr; (r = ranges_after(&mappings, at)) && r->start < addr + len;
	     at = r->end) {
		uint64_t start = r->start > addr ? r->start : addr;
		uint64_t end = r->end < addr + len ? r->end : addr + len;

		unsigned int marked = mark(prot, r->mark >> PROT_BITS);

		if (r->mark == marked)
			continue;
		b = r->obj;
		b->refs++;
		count(b, r->tag & 1, ranges_cut(&mappings, start, end, &old) - 1);
		/* Without memory for one more piece it is forgotten, as in ranges_cut(). */
		if (!ranges_insert(&mappings, start, end, b, (old.tag & ~1U) | write)) {
			ranges_find(&mappings, start)->mark = marked;
			count(b, write, 1);
		}
		publish_unmapping(start, end);
		return b;
	}
	return NULL;
}

/* Is anything left of the mapping that @h belongs to? */
static bool bereft(const struct range *h)
{
	uint64_t at = (uintptr_t)h->obj, to = at + h->tag * page_size();
	const struct range *r;

	for (; (r = ranges_after(&mappings, at)) && r->start < to; at = r->end)
		if (serial_of(r) == h->mark)
			return false;
	return true;
}

uint64_t mapping_widow(uint64_t *start)
{
	const struct range *h;

	for (uint64_t at = 0; (h = ranges_after(&heads, at)); at = h->end) {
		uint64_t len = h->end - h->start;

		if (!bereft(h))
			continue;
		*start = h->start;
		ranges_remove(&heads, h->start);
		return len;
	}
	return 0;
}

void mapping_behead(uint64_t addr, unsigned int serial)
{
	const struct range *h = head_before(addr, serial);

	if (h)
		ranges_remove(&heads, h->start);
}

void mapping_rehead(const struct mapping *m)
{
	const struct range *r = ranges_find(&mappings, m->start);

	if (r && serial_of(r) == m->serial)
		add_head(m->start, m->end - m->start, m->head, m->serial);
}
