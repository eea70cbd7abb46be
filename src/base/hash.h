/* SPDX-License-Identifier: MIT */
/*
 * A chained hash table of objects that carry their own link and number: imports by handle,
 * buffers by inode. Memory comes from the kernel (see range.h). The caller holds the lock.
 */
#ifndef PRIMESHIM_HASH_H
#define PRIMESHIM_HASH_H

#include <stddef.h>
#include <stdint.h>

/* First in the object, which gives its number through hash->number(). */
struct hash_link {
	struct hash_link *next;
};

struct hash {
	uint64_t (*number)(const struct hash_link *l);
	struct hash_link **bucket;
	size_t size;	/* of bucket: 0 or a power of 2 */
	size_t n;
};

/* The object with @number, or NULL. */
void *hash_find(const struct hash *h, uint64_t number);

/* @obj, whose number is not in there yet. 0 or -ENOMEM. */
int hash_insert(struct hash *h, struct hash_link *obj);

/* @obj, which is in there. */
void hash_remove(struct hash *h, struct hash_link *obj);

/*
 * Any object whose bucket is *@i or later, moving *@i on to its bucket; or NULL. To visit all:
 * from *@i = 0 on, follow ->next of what is returned to its end, then *@i += 1.
 */
struct hash_link *hash_next(const struct hash *h, size_t *i);

/* Forget all and give the memory back. The objects are the caller's. */
void hash_free(struct hash *h);

#endif
