/* SPDX-License-Identifier: MIT */
/*
 * Mappings that the program has unmapped and the shim has kept: the next mapping of the same part
 * of the same dma-buf, with the same protection, gets the place with all its pages. Pure
 * bookkeeping under buffers_lock(); policy/warm.h has the policy.
 *
 * Each entry counts as one of mappings_live, so that the hooks look at the calls that may meet it,
 * and holds a reference to its buffer.
 */
#ifndef PRIMESHIM_KEPT_H
#define PRIMESHIM_KEPT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "buffer.h"

struct kept {
	struct buffer *buffer;	/* NULL: the entry is free */
	uint64_t start, end;	/* with the lead */
	uint64_t lead;		/* bytes before what the program had: the part's offset */
	uint32_t age;		/* goes up with each entry */
	uint8_t prot;
	uint8_t importer;	/* NOTE_IMPORTER of the mapping */
	bool taken;		/* the program has it again, and the record follows */
};

/* How many there are. Read without the lock; see imports_live. */
extern atomic_uint kept_live;

/* A buffer of which there are some may have lost its last import: kept_orphan() has to be asked. */
extern atomic_bool kept_orphaned;

/* May one more be added? */
bool kept_room(void);

/* Bytes of all, and how many buffers have a private descriptor for what is kept alone. */
uint64_t kept_bytes(void);
unsigned int kept_descriptors(void);

/* Adds an entry, for which there is room, and which takes over the caller's reference. */
void kept_add(const struct kept *k);

/* Removes @k: its reference becomes the caller's. */
void kept_remove(struct kept *k);

/*
 * The entry of that part of @b, the newest first; one that meets [start, end); the oldest, or the
 * oldest of a buffer that has a private descriptor for what is kept alone; one whose buffer is no
 * import of this process any more. Never one that is taken. Or NULL.
 */
struct kept *kept_find(const struct buffer *b, uint64_t len, uint64_t lead, int prot);
struct kept *kept_meeting(uint64_t start, uint64_t end);
struct kept *kept_oldest(bool described);
struct kept *kept_orphan(void);

/* Any entry, whether it is taken or not, or NULL. */
struct kept *kept_any(void);

#endif
