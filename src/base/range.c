// SPDX-License-Identifier: MIT
/* A sorted set of disjoint ranges; see range.h. */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "pages.h"
#include "pool.h"
#include "range.h"

#define PAGE_MAX	127	/* ranges in 4096 bytes */
#define FIRST_ROOM	512

struct ranges_page {
	size_t n;
	struct range v[PAGE_MAX];
};

/*
 * Only @n is cleared: with one mapping at a time, each map gets such a page, and each unmap puts it
 * back.
 */
static struct pool pool = POOL_TO(struct ranges_page, v);

/* The place of a range, or the place where a new range would go. */
struct spot {
	size_t page;
	size_t i;
};

/* The first range that ends after @point; the place behind the last page where no range does. */
static struct spot spot_after(const struct ranges *r, uint64_t point)
{
	struct spot s = { 0, 0 };
	size_t hi = r->pages;

	while (s.page < hi) {
		size_t mid = s.page + (hi - s.page) / 2;
		const struct ranges_page *p = r->page[mid];

		if (p->v[p->n - 1].end > point)
			hi = mid;
		else
			s.page = mid + 1;
	}
	if (s.page == r->pages)
		return s;
	hi = r->page[s.page]->n;
	while (s.i < hi) {
		size_t mid = s.i + (hi - s.i) / 2;

		if (r->page[s.page]->v[mid].end > point)
			hi = mid;
		else
			s.i = mid + 1;
	}
	return s;
}

struct range *ranges_after(const struct ranges *r, uint64_t point)
{
	struct spot s = spot_after(r, point);

	return s.page < r->pages ? &r->page[s.page]->v[s.i] : NULL;
}

struct range *ranges_find(const struct ranges *r, uint64_t point)
{
	struct range *at = ranges_after(r, point);

	return at && at->start <= point ? at : NULL;
}

static int more_room(struct ranges *r)
{
	size_t room = r->room ? r->room * 2 : FIRST_ROOM;
	struct ranges_page **page = pages_get(room * sizeof(*page));

	if (!page)
		return -ENOMEM;
	if (r->room) {
		memcpy(page, r->page, r->pages * sizeof(*page));
		pages_put(r->page, r->room * sizeof(*page));
	}
	r->page = page;
	r->room = room;
	return 0;
}

/* Inserts a page at index @at, and moves the ranges of page @at - 1 from index @from on into it. */
static int split(struct ranges *r, size_t at, size_t from)
{
	struct ranges_page *p;

	if (r->pages == r->room && more_room(r) < 0)
		return -ENOMEM;
	p = pool_get(&pool);
	if (!p)
		return -ENOMEM;
	if (at) {
		struct ranges_page *full = r->page[at - 1];

		p->n = full->n - from;
		memcpy(p->v, &full->v[from], p->n * sizeof(p->v[0]));
		full->n = from;
	}
	memmove(&r->page[at + 1], &r->page[at], (r->pages - at) * sizeof(p));
	r->page[at] = p;
	r->pages++;
	return 0;
}

/* Makes room for a range at @s. The place may move to the new page: @s is changed then. */
static int make_room(struct ranges *r, struct spot *s)
{
	/*
	 * A place behind all ranges: the end of the last page, or a new page. The full page is not
	 * split, since ranges mostly arrive in order.
	 */
	if (s->page == r->pages) {
		if (!r->pages || r->page[r->pages - 1]->n == PAGE_MAX)
			return split(r, r->pages, PAGE_MAX);
		s->page--;
		s->i = r->page[s->page]->n;
		return 0;
	}
	if (r->page[s->page]->n < PAGE_MAX)
		return 0;
	if (split(r, s->page + 1, PAGE_MAX / 2) < 0)
		return -ENOMEM;
	if (s->i > PAGE_MAX / 2) {
		s->page++;
		s->i -= PAGE_MAX / 2;
	}
	return 0;
}

int ranges_insert(struct ranges *r, uint64_t start, uint64_t end, void *obj, unsigned int tag)
{
	struct spot s = spot_after(r, start);
	struct ranges_page *p;

	if (start >= end)
		return -EINVAL;
	if (s.page < r->pages && r->page[s.page]->v[s.i].start < end)
		return -EEXIST;
	if (make_room(r, &s) < 0)
		return -ENOMEM;
	p = r->page[s.page];
	memmove(&p->v[s.i + 1], &p->v[s.i], (p->n - s.i) * sizeof(p->v[0]));
	p->v[s.i] = (struct range){ start, end, obj, tag, 0 };
	p->n++;
	return 0;
}

static void remove_page(struct ranges *r, size_t at)
{
	pool_put(&pool, r->page[at]);
	r->pages--;
	memmove(&r->page[at], &r->page[at + 1], (r->pages - at) * sizeof(r->page[0]));
}

void ranges_remove(struct ranges *r, uint64_t start)
{
	struct spot s = spot_after(r, start);
	struct ranges_page *p = r->page[s.page];

	p->n--;
	memmove(&p->v[s.i], &p->v[s.i + 1], (p->n - s.i) * sizeof(p->v[0]));
	if (!p->n)
		remove_page(r, s.page);
}

/* Inserts the part of @old from @start on. */
static int insert_copy(struct ranges *r, uint64_t start, const struct range *old)
{
	int ret = ranges_insert(r, start, old->end, old->obj, old->tag);

	if (!ret)
		ranges_find(r, start)->mark = old->mark;
	return ret;
}

int ranges_cut(struct ranges *r, uint64_t start, uint64_t end, struct range *old)
{
	struct range *at = ranges_after(r, start);
	int left = 0;

	if (!at || at->start >= end)
		return -1;
	*old = *at;
	/*
	 * A range of which a part stays is shortened in place, so only a cut in the middle needs
	 * memory.
	 */
	if (old->start < start) {
		at->end = start;
		left++;
		if (old->end > end)
			left += !insert_copy(r, end, old);
	} else if (old->end > end) {
		at->start = end;
		left++;
	} else {
		ranges_remove(r, old->start);
	}
	return left;
}

void ranges_free(struct ranges *r)
{
	while (r->pages)
		remove_page(r, r->pages - 1);
	if (r->room)
		pages_put(r->page, r->room * sizeof(r->page[0]));
	*r = (struct ranges){ 0 };
}
