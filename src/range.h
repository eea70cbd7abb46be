/* SPDX-License-Identifier: MIT */
/*
 * A sorted array of disjoint ranges [start, end), each with an object: the one container behind
 * everything the shim remembers (files by descriptor, imports by handle, offsets, mappings).
 *
 * Its memory comes straight from the kernel, never from malloc: munmap may be called by an
 * allocator that holds its own locks. The caller holds the lock; see file.h.
 */
#ifndef PRIMESHIM_RANGE_H
#define PRIMESHIM_RANGE_H

#include <stddef.h>
#include <stdint.h>

struct range {
	uint64_t start;
	uint64_t end;	/* exclusive */
	void *obj;
	unsigned int tag;
};

struct ranges {
	struct range *v;
	size_t n;
	size_t cap;
};

/* Index of the first range that ends after @point; r->n if there is none. */
size_t ranges_after(const struct ranges *r, uint64_t point);

/* The range that @point lies in, or NULL. Valid until the next insert or remove. */
struct range *ranges_find(const struct ranges *r, uint64_t point);

/* 0; -EINVAL if empty; -EEXIST if it overlaps another; -ENOMEM. */
int ranges_insert(struct ranges *r, uint64_t start, uint64_t end, void *obj, unsigned int tag);

void ranges_remove(struct ranges *r, size_t i);

/*
 * Take [start, end) out of the first range that overlaps it; what is left in front and behind
 * stays. The range as it was is copied to *@old. Returns how many pieces are left of it, 0 to 2,
 * or -1 if nothing overlaps. Without memory for a second piece the back one is dropped.
 */
int ranges_cut(struct ranges *r, uint64_t start, uint64_t end, struct range *old);

/* Forget all and give the memory back. The objects are the caller's. */
void ranges_free(struct ranges *r);

#endif
