// SPDX-License-Identifier: MIT
/* What the program does with dma-bufs itself; see synced.h. */
#include "config.h"

#include "synced.h"

#define BITS	(SYNCED_MAPS | SYNCED_SYNCS)

/* Inode numbers, shifted by two, and what is known of each. The slot: by a hash, as in own.c. */
static uint64_t known[1024];

unsigned int synced_add(const struct dmabuf_id *id, unsigned int bits)
{
	uint64_t *slot = &known[id->ino * UINT64_C(0x9e3779b97f4a7c15) >> 54];
	unsigned int before = *slot >> 2 == id->ino ? *slot & BITS : 0;

	*slot = id->ino << 2 | before | bits;
	return before;
}
