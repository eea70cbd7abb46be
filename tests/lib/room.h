/* SPDX-License-Identifier: MIT */
/*
 * Room in the address space that belongs to the test, for mappings that are made with MAP_FIXED,
 * are too long, or replace others. Without a room a test would hit what lies behind: a library, or
 * the shim's own tables, which the kernel likes to put next to the test's mappings.
 *
 *	free gap | guard | the room | guard | free gap
 *
 * The guards are PROT_NONE: a step too far ends there. Each gap is larger than all that lies
 * between the two gaps. The kernel takes the highest gap that fits, or the lowest if it maps
 * upwards, so no mapping gets into a hole that a test has left in its room while a gap has space.
 */
#ifndef PRIMESHIM_ROOM_H
#define PRIMESHIM_ROOM_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#define ROOM_GUARD	(256UL << 10)	/* a multiple of every page size */
#define ROOM_GAP	(1UL << 20)	/* what a gap has more than what lies between the two */

static inline size_t room_whole(size_t len)
{
	return ((len + ROOM_GUARD - 1) & ~(ROOM_GUARD - 1)) + 2 * ROOM_GUARD;
}

/* @len bytes of PROT_NONE. Ends the test where there is no memory. */
static inline void *room_new(size_t len)
{
	size_t whole = room_whole(len), gap = whole + ROOM_GAP;
	char *p = mmap(NULL, whole + 2 * gap, PROT_NONE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED || munmap(p, gap) || munmap(p + gap + whole, gap)) {
		perror("a room for mappings");
		exit(2);
	}
	return p + gap + ROOM_GUARD;
}

/* Unmaps a room, its guards, and whatever the test has left in there. */
static inline void room_free(void *room, size_t len)
{
	munmap((char *)room - ROOM_GUARD, room_whole(len));
}

#endif
