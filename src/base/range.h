/* SPDX-License-Identifier: MIT */
/*
 * A sorted set of disjoint ranges [start, end), each with an object: offsets and mappings. The set
 * is an array of pages of ranges, so no insertion moves more than a page.
 *
 * The memory comes straight from the kernel, never from malloc: an allocator that holds its own
 * locks may call munmap. The caller holds the lock that protects the set (lock.h).
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
	unsigned int mark;	/* for the caller's use; 0 in a new range */
};

struct ranges_page;

struct ranges {
	struct ranges_page **page;	/* sorted; no page is empty */
	size_t pages;
	size_t room;			/* pages that the array has room for */
};

/* The first range that ends after @point, or NULL. The pointer is valid until the next change. */
struct range *ranges_after(const struct ranges *r, uint64_t point);

/* The range that contains @point, or NULL. The pointer is valid until the next change. */
struct range *ranges_find(const struct ranges *r, uint64_t point);

/* 0; -EINVAL for an empty range; -EEXIST where it overlaps another range; -ENOMEM. */
int ranges_insert(struct ranges *r, uint64_t start, uint64_t end, void *obj, unsigned int tag);

/* Removes the range that begins at @start, which must exist. */
void ranges_remove(struct ranges *r, uint64_t start);

/*
 * Takes [start, end) out of the first range that overlaps it. The parts of the range in front of
 * @start and behind @end stay. *@old is a copy of the whole range as it was. Returns how many parts
 * stay, 0 to 2, or -1 where no range overlaps. A second part needs memory: without memory the part
 * behind @end is dropped.
 */
int ranges_cut(struct ranges *r, uint64_t start, uint64_t end, struct range *old);

/* Empties the set and gives its memory back. The objects stay the caller's. */
void ranges_free(struct ranges *r);

#endif
