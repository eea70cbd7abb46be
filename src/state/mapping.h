/* SPDX-License-Identifier: MIT */
/*
 * Which addresses of this process show which buffer. Pure bookkeeping under buffers_lock(); no
 * allocation on the way of an unmap except for splitting a range in two.
 */
#ifndef PRIMESHIM_MAPPING_H
#define PRIMESHIM_MAPPING_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "buffer.h"

/* With those that are kept (kept.h). Read without the lock; see imports_live. */
extern atomic_uint mappings_live;

/*
 * May there be a mapping, a lead or something kept in [@addr, @addr + @len)? All that there has
 * ever been lies in [mappings_from, mappings_to). Read without the lock.
 */
extern atomic_uintptr_t mappings_from, mappings_to;

static inline bool mapping_near(const void *addr, uintptr_t len)
{
	uintptr_t at = (uintptr_t)addr, end = at + len < at ? UINTPTR_MAX : at + len;

	return end > atomic_load_explicit(&mappings_from, memory_order_relaxed) &&
	       at < atomic_load_explicit(&mappings_to, memory_order_relaxed);
}

struct mapping {
	struct buffer *buffer;
	uint64_t start, end;	/* of what is left of it at this place */
	uint64_t lead;		/* bytes before it that belong to the same mmap */
	unsigned int serial;	/* tells it from whatever is mapped there later */
	int prot;		/* PROT_*, as the program has it */
	unsigned int note;	/* NOTE_*, for the status file and warm.h */
};

/* Who imported what is mapped there (name_number()), and that it is the driver's own mapping. */
#define NOTE_IMPORTER	0xffU
#define NOTE_NATIVE	0x100U
/* Or that the program has mapped the dma-buf by its own descriptor. */
#define NOTE_DIRECT	0x200U

/*
 * A mapping that may be kept at its unmap (kept.h): the pages of the whole mapping, above the
 * other bits; 0: it may not be kept. A piece has fewer pages, so a piece is not kept.
 */
#define NOTE_WHOLE_SHIFT	10
#define NOTE_WHOLE_MOST		((UINT32_C(1) << 18) - 1)
#define NOTE_REST		(NOTE_IMPORTER | NOTE_NATIVE | NOTE_DIRECT)

/* The first mapping that overlaps [addr, addr + len); false if there is none. */
bool mapping_at(uint64_t addr, uint64_t len, struct mapping *m);

/*
 * Record [addr, addr + len) as a mapping of @b, whose reference count and mappings it raises.
 * The @lead bytes before it belong to the same mmap and go with the last piece of it.
 * The range must be free: mapping_cut() first. 0 or a negative errno.
 */
int mapping_add(uint64_t addr, uint64_t len, uint64_t lead, struct buffer *b, int prot,
		unsigned int note);

/*
 * What is left of @m (as it was found before) in [from, to), if others have not been recorded there
 * since, lies at [addr, addr + len) now and is still one mapping with the rest of it: a move, whose
 * place must be free. Nothing of it is left with a @len of 0.
 */
void mapping_move(const struct mapping *m, uint64_t from, uint64_t to, uint64_t addr, uint64_t len);

/*
 * Forget what is recorded in [addr, addr + len), in pieces where need be, for one buffer at most:
 * returns the buffer, with a reference for the caller, or NULL when nothing is left there. Call
 * it until it returns NULL.
 */
struct buffer *mapping_cut(uint64_t addr, uint64_t len);

/*
 * What is recorded in [addr, addr + len) has the protection @prot now. One piece a call: returns
 * its buffer, with a reference for the caller, or NULL where nothing has another.
 */
struct buffer *mapping_protect(uint64_t addr, uint64_t len, int prot);

/* What is recorded in [addr, addr + len) may not be kept from now on. */
void mapping_unwhole(uint64_t addr, uint64_t len);

/*
 * Forget the mapping and its lead, if [addr, addr + len) is one whole mapping that may be kept:
 * true and *@m, whose reference to the buffer passes to the caller.
 */
bool mapping_take(uint64_t addr, uint64_t len, struct mapping *m);

/*
 * A lead (or what is left of it) whose mapping is all gone: returns its length in bytes and its
 * *@start, for the caller to unmap, or 0. Call it after mapping_cut(), until it returns 0. It costs
 * what has been cut, however many leads there are.
 */
uint64_t mapping_lead_left(uint64_t *start);

/*
 * The lead of @m is about to move, or only what of it lies behind @from: once it has, what is there
 * is another's, and mapping_lead_left() may not give it away. Then it lies before @addr, where @m
 * is: at its old place or elsewhere. A part of one stays mapped from then on.
 */
void mapping_lead_moves(const struct mapping *m, uint64_t from);
void mapping_lead_moved(const struct mapping *m, uint64_t addr);

/* The newest mapping's serial; and was @m there when that was so? */
unsigned int mapping_newest(void);
bool mapping_older(const struct mapping *m, unsigned int newest);

#endif
