// SPDX-License-Identifier: MIT
/* Which addresses of this process show which buffer; see mapping.h. */
#include "config.h"

#include <sys/mman.h>

#include "base/hash.h"
#include "base/pool.h"
#include "base/range.h"
#include "kernel/page.h"
#include "mapping.h"

/*
 * By address -> struct buffer; the tag: a serial number, and in bit 0 mapped for writing; the mark:
 * its protection, and above that its note.
 */
#define PROT_BITS	4
#define PROT_MASK	((1U << PROT_BITS) - 1)

static struct ranges mappings;

/*
 * What was mapped before an interior map and goes with the last piece of it, wherever that is.
 *
 *   start ........ end ............
 *   |    lead      |  what the program was given: pieces with that serial
 */
struct lead {
	struct hash_link link;	/* by serial; in the chain "without" */
	unsigned int serial;
	unsigned int pieces;
	uint64_t start, end;
	bool moving;		/* it is nowhere for now */
};

static uint64_t number(const struct hash_link *l)
{
	return ((const struct lead *)l)->serial;
}

static struct hash leads = { .number = number };
static struct pool pool = POOL(struct lead);
static struct lead *without;		/* the leads without pieces */

/* By address -> struct lead; of one that was mapped over, what is left of it. */
static struct ranges places;

static unsigned int serials;
#define SERIAL_MASK (~0U >> 1)	/* what is left of one beside the bit */

atomic_uint mappings_live;
atomic_uintptr_t mappings_from = UINTPTR_MAX, mappings_to;

static void widen(uint64_t start, uint64_t end)
{
	if (start < atomic_load_explicit(&mappings_from, memory_order_relaxed))
		atomic_store_explicit(&mappings_from, start, memory_order_relaxed);
	if (end > atomic_load_explicit(&mappings_to, memory_order_relaxed))
		atomic_store_explicit(&mappings_to, end, memory_order_relaxed);
}

/* @by more pieces of the mapping @r, or fewer. */
static void count(const struct range *r, int by)
{
	struct buffer *b = r->obj;

	buffer_count_mapped(b, r->tag & 1, r->mark >> PROT_BITS & NOTE_DIRECT, by);
	b->refs += by;
	atomic_fetch_add_explicit(&mappings_live, by, memory_order_relaxed);
}

static unsigned int serial_of(const struct range *mapping)
{
	return mapping->tag >> 1;
}

/* So many more pieces of the mapping @serial, which may have a lead, or fewer. */
static void count_pieces(unsigned int serial, int by)
{
	struct lead *h = hash_find(&leads, serial);

	if (!h)
		return;
	h->pieces += by;
	if (h->pieces || h->moving)
		return;
	hash_remove(&leads, &h->link);
	h->link.next = without ? &without->link : NULL;
	without = h;
}

/* Of a mapping that @h belongs to: what is left of it right before @addr. */
static uint64_t lead_before(uint64_t addr, unsigned int serial)
{
	const struct range *r = leads.n && addr ? ranges_find(&places, addr - 1) : NULL;
	const struct lead *h = r ? r->obj : NULL;

	return h && h->serial == serial && h->end == addr ? r->end - r->start : 0;
}

bool mapping_at(uint64_t addr, uint64_t len, struct mapping *m)
{
	const struct range *r = ranges_after(&mappings, addr);

	if (!r || r->start >= addr + len)
		return false;
	*m = (struct mapping){
		.buffer = r->obj,
		.start = r->start,
		.end = r->end,
		.lead = lead_before(r->start, serial_of(r)),
		.serial = serial_of(r),
		.prot = r->mark & PROT_MASK,
		.note = r->mark >> PROT_BITS,
	};
	return true;
}

/* At [start, end). Without memory for this the lead stays mapped: a leak of addresses alone. */
static bool lead_place(struct lead *h, uint64_t start, uint64_t end)
{
	h->start = start;
	h->end = end;
	widen(start, end);
	return !ranges_insert(&places, start, end, h, 0);
}

static bool lead_add(unsigned int serial, uint64_t start, uint64_t end)
{
	struct lead *h = pool_get(&pool);

	if (!h)
		return false;
	h->serial = serial;
	h->pieces = 1;
	if (!hash_insert(&leads, &h->link))
		return lead_place(h, start, end);
	pool_put(&pool, h);
	return false;
}

/* Not that of a mapping with a lead, even where they have been used up once. */
static unsigned int new_serial(void)
{
	do
		serials = (serials + 1) & SERIAL_MASK;
	while (hash_find(&leads, serials));
	return serials;
}

static unsigned int mark(int prot, unsigned int note)
{
	return (prot & PROT_MASK) | note << PROT_BITS;
}

static int put(uint64_t addr, uint64_t len, struct buffer *b, unsigned int serial, int prot,
	       unsigned int note)
{
	unsigned int write = !!(prot & PROT_WRITE);
	int ret = ranges_insert(&mappings, addr, addr + len, b, serial << 1 | write);
	struct range *r;

	if (ret < 0)
		return ret;
	widen(addr, addr + len);
	r = ranges_find(&mappings, addr);
	r->mark = mark(prot, note);
	count(r, 1);
	return 0;
}

int mapping_add(uint64_t addr, uint64_t len, uint64_t lead, struct buffer *b, int prot,
		unsigned int note)
{
	unsigned int serial = new_serial();
	int ret = put(addr, len, b, serial, prot, note);

	/* A mapping whose lead is not known as a whole is not kept. */
	if (!ret && lead && !lead_add(serial, addr - lead, addr))
		mapping_unwhole(addr, len);
	return ret;
}

void mapping_move(const struct mapping *m, uint64_t from, uint64_t to, uint64_t addr, uint64_t len)
{
	const struct lead *h = hash_find(&leads, m->serial);
	unsigned int serial = m->serial;
	const struct range *r;
	struct range old;
	int more = 0, left;

	/* Another part, right behind a lead that stays, would be taken for the lead's neighbour. */
	if (h && !h->moving && addr == h->end && addr != from)
		serial = new_serial();
	for (uint64_t at = from; (r = ranges_after(&mappings, at)) && r->start < to; at = old.end) {
		old = *r;
		if (serial_of(r) != m->serial)
			continue;
		at = old.start > from ? old.start : from;
		left = ranges_cut(&mappings, at, to, &old);
		more += left - 1;
		count(&old, left - 1);
	}
	if (len && !put(addr, len, m->buffer, serial, m->prot, m->note & NOTE_REST) &&
	    serial == m->serial)
		more++;
	count_pieces(m->serial, more);
}

struct buffer *mapping_cut(uint64_t addr, uint64_t len)
{
	struct range old;
	struct buffer *b;
	int left = ranges_cut(&mappings, addr, addr + len, &old);

	if (left < 0) {
		/* The program may put something of its own where it does not know of a lead. */
		while (ranges_cut(&places, addr, addr + len, &old) >= 0)
			;
		return NULL;
	}
	b = old.obj;
	b->refs++;
	count(&old, left - 1);
	count_pieces(serial_of(&old), left - 1);
	return b;
}

struct buffer *mapping_protect(uint64_t addr, uint64_t len, int prot)
{
	unsigned int write = !!(prot & PROT_WRITE);
	struct range *r, old;
	struct buffer *b;

	for (uint64_t at = addr; (r = ranges_after(&mappings, at)) && r->start < addr + len;
	     at = r->end) {
		uint64_t start = r->start > addr ? r->start : addr;
		uint64_t end = r->end < addr + len ? r->end : addr + len;
		unsigned int marked = mark(prot, (r->mark >> PROT_BITS) & NOTE_REST);
		int more;

		if (((r->mark ^ marked) & PROT_MASK) == 0)
			continue;
		b = r->obj;
		b->refs++;
		more = ranges_cut(&mappings, start, end, &old) - 1;
		count(&old, more);
		/* Without memory for one more piece it is forgotten, as in ranges_cut(). */
		if (!ranges_insert(&mappings, start, end, b, (old.tag & ~1U) | write)) {
			r = ranges_find(&mappings, start);
			r->mark = marked;
			count(r, 1);
			more++;
		}
		count_pieces(serial_of(&old), more);
		return b;
	}
	return NULL;
}

void mapping_unwhole(uint64_t addr, uint64_t len)
{
	struct range *r;

	for (uint64_t at = addr; (r = ranges_after(&mappings, at)) && r->start < addr + len;
	     at = r->end)
		r->mark &= mark(PROT_MASK, NOTE_REST);
}

bool mapping_take(uint64_t addr, uint64_t len, struct mapping *m)
{
	struct range was;
	struct lead *h;

	if (!mapping_at(addr, len, m) || m->start != addr || m->end != addr + len ||
	    m->note >> NOTE_WHOLE_SHIFT != len / page_size())
		return false;
	h = hash_find(&leads, m->serial);
	if (h && (h->pieces != 1 || h->moving || h->end != addr || h->end - h->start != m->lead))
		return false;
	if (h) {
		hash_remove(&leads, &h->link);
		ranges_remove(&places, h->start);
		pool_put(&pool, h);
	}
	was = *ranges_find(&mappings, addr);
	ranges_remove(&mappings, addr);
	/* The reference becomes the caller's. */
	m->buffer->refs++;
	count(&was, -1);
	return true;
}

uint64_t mapping_lead_left(uint64_t *start)
{
	while (without) {
		struct lead *h = without;
		const struct range *r;

		/* Others may have leads where this one has been mapped over. */
		for (uint64_t at = h->start; (r = ranges_after(&places, at)) && r->start < h->end;
		     at = r->end) {
			uint64_t len = r->end - r->start;

			if (r->obj != h)
				continue;
			*start = r->start;
			ranges_remove(&places, r->start);
			return len;
		}
		without = (struct lead *)h->link.next;
		pool_put(&pool, h);
	}
	return 0;
}

void mapping_lead_moves(const struct mapping *m, uint64_t from)
{
	struct lead *h = m->lead ? hash_find(&leads, m->serial) : NULL;
	uint64_t start = m->start - m->lead;
	struct range old;

	if (!h || lead_before(m->start, m->serial) != m->lead)
		return;
	ranges_cut(&places, from > start ? from : start, m->start, &old);
	h->moving = from <= start;
	h->start = start;
}

void mapping_lead_moved(const struct mapping *m, uint64_t addr)
{
	struct lead *h = hash_find(&leads, m->serial);

	if (!h || !h->moving || h->end != m->start)
		return;
	h->moving = false;
	lead_place(h, addr - (h->end - h->start), addr);
	count_pieces(m->serial, 0);
}

unsigned int mapping_newest(void)
{
	return serials;
}

bool mapping_older(const struct mapping *m, unsigned int newest)
{
	/* They have 31 bits, and begin anew. */
	return ((newest - m->serial) & SERIAL_MASK) <= SERIAL_MASK / 2;
}
