/* SPDX-License-Identifier: MIT */
/*
 * A chained hash table of objects that carry their own link and number: imports by handle, buffers
 * by inode number. The table's memory comes from the kernel (range.h gives the reason). The caller
 * holds the lock that protects the objects.
 */
#ifndef PRIMESHIM_HASH_H
#define PRIMESHIM_HASH_H

#include <stddef.h>
#include <stdint.h>

/* The object's first member. hash->number() reads the object's number. */
struct hash_link {
	struct hash_link *next;
};

struct hash {
	uint64_t (*number)(const struct hash_link *l);
	struct hash_link **bucket;
	size_t size;	/* of @bucket: 0 or a power of 2 */
	size_t n;
};

/* The object with @number, or NULL. */
void *hash_find(const struct hash *h, uint64_t number);

/* Adds @obj; no object in the table may have its number. 0 or -ENOMEM. */
int hash_insert(struct hash *h, struct hash_link *obj);

/* Takes @obj, which must be in the table, out of it. */
void hash_remove(struct hash *h, struct hash_link *obj);

/*
 * Returns the first object of bucket *@i or of the next bucket that has one, and sets *@i to that
 * bucket; NULL when no bucket is left. To visit all objects, the caller starts with *@i = 0,
 * follows ->next of the returned object to the end of its chain, adds 1 to *@i, and calls again.
 */
struct hash_link *hash_next(const struct hash *h, size_t *i);

/* Empties the table and gives its memory back. The objects stay the caller's. */
void hash_free(struct hash *h);

#endif
