// SPDX-License-Identifier: MIT
/* A sorted array of disjoint ranges; see range.h. */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "next.h"
#include "range.h"

#define FIRST_CAP 128	/* one page of ranges */

size_t ranges_after(const struct ranges *r, uint64_t point)
{
	size_t lo = 0, hi = r->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (r->v[mid].end > point)
			hi = mid;
		else
			lo = mid + 1;
	}
	return lo;
}

struct range *ranges_find(const struct ranges *r, uint64_t point)
{
	size_t i = ranges_after(r, point);

	return i < r->n && r->v[i].start <= point ? &r->v[i] : NULL;
}

static int grow(struct ranges *r)
{
	size_t cap = r->cap ? r->cap * 2 : FIRST_CAP;
	struct range *v = next_pages(cap * sizeof(*v));

	if (!v)
		return -ENOMEM;
	if (r->n)
		memcpy(v, r->v, r->n * sizeof(*v));
	if (r->v)
		next.munmap(r->v, r->cap * sizeof(*v));
	r->v = v;
	r->cap = cap;
	return 0;
}

int ranges_insert(struct ranges *r, uint64_t start, uint64_t end, void *obj, unsigned int tag)
{
	size_t i = ranges_after(r, start);
	int ret;

	if (start >= end)
		return -EINVAL;
	if (i < r->n && r->v[i].start < end)
		return -EEXIST;
	if (r->n == r->cap) {
		ret = grow(r);
		if (ret < 0)
			return ret;
	}
	memmove(&r->v[i + 1], &r->v[i], (r->n - i) * sizeof(r->v[0]));
	r->v[i] = (struct range){ start, end, obj, tag };
	r->n++;
	return 0;
}

void ranges_remove(struct ranges *r, size_t i)
{
	r->n--;
	memmove(&r->v[i], &r->v[i + 1], (r->n - i) * sizeof(r->v[0]));
}

int ranges_cut(struct ranges *r, uint64_t start, uint64_t end, struct range *old)
{
	size_t i = ranges_after(r, start);
	int left = 0;

	if (i == r->n || r->v[i].start >= end)
		return -1;
	*old = r->v[i];
	ranges_remove(r, i);
	/* The front goes into the place just freed; only the back may lack memory. */
	if (old->start < start)
		left += !ranges_insert(r, old->start, start, old->obj, old->tag);
	if (old->end > end)
		left += !ranges_insert(r, end, old->end, old->obj, old->tag);
	return left;
}

void ranges_free(struct ranges *r)
{
	if (r->v)
		next.munmap(r->v, r->cap * sizeof(r->v[0]));
	*r = (struct ranges){ 0 };
}
