/* SPDX-License-Identifier: MIT */
/* The imports of an open file, by handle; file.h has the picture. */
#ifndef PRIMESHIM_IMPORT_H
#define PRIMESHIM_IMPORT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/hash.h"
#include "buffer.h"
#include "file.h"

struct import {
	struct hash_link link;
	uint32_t handle;
	uint32_t born;			/* import_clock when it was recorded */
	struct buffer *buffer;
	struct import *sibling;		/* the next import of that buffer; under buffers_lock() */
	uint64_t native;		/* the driver's offset, 0 while it has refused */
	uint32_t synthetic;		/* our offset in blocks of 4096 bytes, 0 until asked for */
	uint8_t native_works : 2;	/* enum answer: does a touch of the native mapping work? */
	uint8_t importer;		/* name_number() of the driver; under buffers_lock(), as what follows */
	uint16_t slot;			/* in the shared page + 1, 0: not there */
};

/*
 * How many imports there are in all files. Read without a lock (relaxed) to leave a hook early: a
 * thread that must see a record made by another has synchronised with it already, or it could not
 * know the handle or the address. The same goes for mappings_live and descriptors_live.
 */
extern atomic_uint imports_live;

/* Everything below: with the file's lock held. */

static inline struct import *import_find(struct file *f, uint32_t handle)
{
	return hash_find(&f->imports, handle);
}

/*
 * Record that @handle holds the dma-buf @id of @size bytes. A record of the same buffer stays as
 * it is; one of another buffer is replaced. *@before: the buffer that was there, or NULL (to
 * compare, not to touch). NULL without memory.
 */
struct import *import_set(struct file *f, uint32_t handle, const struct dmabuf_id *id,
			  uint64_t size, const struct buffer **before);

/* Its offset stays with another import of the same buffer in the file, if there is one. */
void import_drop(struct file *f, struct import *imp);

/*
 * Closing calls: take the clock before the call, and after it succeeded drop the record only if
 * it is older. A record made since then belongs to the number's next user.
 */
uint32_t import_clock(void);
bool import_older(const struct import *imp, uint32_t clock);

/* GEM_CHANGE_HANDLE happened. */
void import_rename(struct file *f, struct import *imp, uint32_t handle);

/* The shared page has @imp as it is now. With buffers_lock() held as well. */
void import_publish(struct import *imp);

#endif
