/* SPDX-License-Identifier: MIT */
/*
 * A sorted set of disjoint ranges [start, end), each with an object: offsets and mappings. It is
 * an array of pages of ranges, so that no insertion moves more than a page.
 *
 * Its memory comes straight from the kernel, never from malloc: munmap may be called by an
 * allocator that holds its own locks. The caller holds the lock; see lock.h.
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
	unsigned int mark;	/* 0 at first; the caller's */
};

struct ranges_page;

struct ranges {
	struct ranges_page **page;	/* in order, none empty */
	size_t pages;
	size_t room;			/* for how many pages */
};

/* The first range that ends after @point, or NULL. Valid until the next change. */
struct range *ranges_after(const struct ranges *r, uint64_t point);

/* The range that @point lies in, or NULL. Valid until the next change. */
struct range *ranges_find(const struct ranges *r, uint64_t point);

/* 0; -EINVAL if empty; -EEXIST if it overlaps another; -ENOMEM. */
int ranges_insert(struct ranges *r, uint64_t start, uint64_t end, void *obj, unsigned int tag);

/* The range that begins at @start, which is there. */
void ranges_remove(struct ranges *r, uint64_t start);

/*
 * Take [start, end) out of the first range that overlaps it; what is left in front and behind
 * stays. The range as it was is copied to *@old. Returns how many pieces are left of it, 0 to 2,
 * or -1 if nothing overlaps. Without memory for a second piece the back one is dropped.
 */
int ranges_cut(struct ranges *r, uint64_t start, uint64_t end, struct range *old);

/* Forget all. The objects are the caller's. */
void ranges_free(struct ranges *r);

#endif
