// SPDX-License-Identifier: MIT
/* A chained hash table; see hash.h. */
#include "config.h"

#include <errno.h>

#include "hash.h"
#include "pages.h"

#define FIRST_SIZE	512	/* a page of buckets on 64-bit machines */
#define LOAD		2	/* objects per bucket at which the table grows */

/*
 * Handles and inode numbers are consecutive. The multiplier spreads numbers with a common stride.
 */
static struct hash_link **bucket_of(const struct hash *h, uint64_t number)
{
	return &h->bucket[(number * 0x9e3779b97f4a7c15) >> 32 & (h->size - 1)];
}

void *hash_find(const struct hash *h, uint64_t number)
{
	struct hash_link *l;

	if (!h->n)
		return NULL;
	for (l = *bucket_of(h, number); l; l = l->next)
		if (h->number(l) == number)
			return l;
	return NULL;
}

static void put(struct hash *h, struct hash_link *obj)
{
	struct hash_link **b = bucket_of(h, h->number(obj));

	obj->next = *b;
	*b = obj;
}

static int grow(struct hash *h)
{
	struct hash old = *h;

	h->size = old.size ? old.size * 2 : FIRST_SIZE;
	h->bucket = pages_get(h->size * sizeof(*h->bucket));
	if (!h->bucket) {
		*h = old;
		return -ENOMEM;
	}
	for (size_t i = 0; i < old.size; i++) {
		struct hash_link *l = old.bucket[i];

		while (l) {
			struct hash_link *obj = l;

			l = l->next;
			put(h, obj);
		}
	}
	if (old.size)
		pages_put(old.bucket, old.size * sizeof(*old.bucket));
	return 0;
}

int hash_insert(struct hash *h, struct hash_link *obj)
{
	/*
	 * Without memory for a larger table the chains grow longer; only the first table is
	 * indispensable.
	 */
	if (h->n >= h->size * LOAD && grow(h) < 0 && !h->size)
		return -ENOMEM;
	put(h, obj);
	h->n++;
	return 0;
}

void hash_remove(struct hash *h, struct hash_link *obj)
{
	struct hash_link **at = bucket_of(h, h->number(obj));

	while (*at != obj)
		at = &(*at)->next;
	*at = obj->next;
	h->n--;
}

struct hash_link *hash_next(const struct hash *h, size_t *i)
{
	if (!h->n)
		return NULL;
	while (*i < h->size && !h->bucket[*i])
		(*i)++;
	return *i < h->size ? h->bucket[*i] : NULL;
}

void hash_free(struct hash *h)
{
	if (h->size)
		pages_put(h->bucket, h->size * sizeof(*h->bucket));
	*h = (struct hash){ .number = h->number };
}
