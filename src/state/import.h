/* SPDX-License-Identifier: MIT */
/* The imports of an open file, by handle; file.h has the picture. */
#ifndef PRIMESHIM_IMPORT_H
#define PRIMESHIM_IMPORT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/hash.h"
#include "base/queue.h"
#include "buffer.h"
#include "file.h"

struct import {
	struct hash_link link;
	uint32_t handle;
	uint32_t born;			/* import_clock() when it was recorded */
	struct buffer *buffer;
	uint64_t native;		/* the driver's offset; 0: it gave none */
	uint32_t synthetic;		/* the shim's offset in blocks of 4096; 0: none given */
	uint8_t native_works : 2;	/* enum answer: can the driver's mapping be read? */
	/* Under buffers_lock(): */
	uint8_t importer;		/* name_number() of the driver */
	uint16_t slot : 15;		/* entry in the status file + 1; 0: none */
	uint16_t listed : 1;		/* a submit of the file had it in its list, once */
	struct file *file;		/* the file that it belongs to */
	struct import *sibling;		/* the buffer's next import */
};

/*
 * How many imports there are in all files. The hooks read it without a lock (relaxed) to leave
 * early: a thread that must see a record made by another thread has already synchronised with that
 * thread, or it could not know the handle or the address. The same is true of mappings_live and
 * descriptors_live.
 */
extern atomic_uint imports_live;

/* Everything below: with the file's lock held. */

static inline struct import *import_find(struct file *f, uint32_t handle)
{
	return hash_find(&f->imports, handle);
}

/*
 * Records that @handle holds the dma-buf @id of @size bytes. A record of the same buffer stays as
 * it is; a record of another buffer is replaced. *@before: the buffer that was recorded before, or
 * NULL (the caller may compare the pointer, not follow it). NULL without memory.
 */
struct import *import_set(struct file *f, uint32_t handle, const struct dmabuf_id *id,
			  uint64_t size, const struct buffer **before);

/*
 * Drops the record @imp. Its offset passes to another import of the same buffer in the file, if
 * there is one.
 */
void import_drop(struct file *f, struct import *imp);

/*
 * The clock goes on with every record that is made, dropped or renamed, and every fork().
 *
 * For calls that close a handle. The hook reads the clock before the call, and after success drops
 * the record only if the record is older. A newer record belongs to the number's next user.
 */
uint32_t import_clock(void);
void import_tick(void);
bool import_older(const struct import *imp, uint32_t clock);

/*
 * @b can be handed over, or no longer: so it is among what its files hold. With buffers_lock() held
 * alone.
 */
void import_hold(struct buffer *b, bool held);

/*
 * References to at most @room of the buffers that @f holds, of those that came after *@after and
 * not after @last; *@after becomes where it has got to. How many. @unlisted: of those that have
 * never been in a list. With buffers_lock() held alone.
 */
unsigned int imports_held(struct file *f, bool unlisted, uint32_t *after, uint32_t last,
			  struct buffer **to, unsigned int room);

/* The program has changed @imp's handle to @handle (GEM_CHANGE_HANDLE). */
void import_rename(struct file *f, struct import *imp, uint32_t handle);

/* Writes @imp as it is now to the status file. With buffers_lock() held as well. */
void import_publish(struct import *imp);

#endif
