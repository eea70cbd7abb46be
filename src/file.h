/* SPDX-License-Identifier: MIT */
/*
 * What is remembered of open DRM files, their imports and offsets.
 *
 *   descriptor --> open file --handle--> import --> buffer (one per dma-buf) <-- mapping
 *                      `----offset------^
 *
 * No policy. Records may be stale (a close that was not seen): before one is acted on, the dma-buf
 * behind the handle is fetched and compared (record.c).
 */
#ifndef PRIMESHIM_FILE_H
#define PRIMESHIM_FILE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "buffer.h"
#include "drivers/drivers.h"
#include "hash.h"
#include "lock.h"
#include "range.h"

struct import {
	struct hash_link link;
	uint32_t handle;
	uint32_t born;			/* import_clock when it was recorded */
	struct buffer *buffer;
	struct import *sibling;		/* the next import of that buffer; under buffers_lock() */
	uint64_t native;		/* the driver's offset, 0 while it has refused */
	uint32_t synthetic;		/* our offset in blocks of 4096 bytes, 0 until asked for */
	uint8_t native_works : 2;	/* enum answer: does a touch of the native mapping work? */
	uint8_t counted : 1;		/* in the shared page; under buffers_lock(), as what follows */
	uint8_t importer;		/* name_number() of the driver */
	uint16_t slot;			/* in the shared page + 1, 0: not there */
};

/*
 * An open file description. The memory of one is only ever used for another, so that its lock can
 * be taken at any time; see file_lock().
 */
struct file {
	struct lock lock;		/* protects what follows, up to offsets */
	dev_t rdev;
	char driver[NAME_LEN];		/* its name; "" until asked */
	uint8_t name;			/* name_number() of that */
	const struct driver *table;	/* what is known of that; NULL: nothing */
	bool wanted;			/* by PRIMESHIM_DRIVERS */
	uint8_t access;			/* O_RDONLY, O_WRONLY, O_RDWR */
	struct hash imports;		/* by handle */
	struct ranges offsets;		/* by offset -> struct import */
	/* Under descriptors_lock(): */
	unsigned int refs;		/* descriptors, and calls under way */
	int fd;				/* one of its descriptors, or -1: look for one */
	struct file *all;		/* chain of every one there is */
	struct file *free;		/* chain of those that are to be used again */
};

/*
 * Synthetic offsets lie in [2^41, 2^43): above every node of drm_vma_manager (1028 GiB, 6.1 to
 * 7.3), below panthor's MMIO window (2^43 for a 32-bit process), and within what a 32-bit mmap2
 * can say.
 */
#define SYNTHETIC_FIRST	(1ULL << 41)
#define SYNTHETIC_END	(1ULL << 43)

/*
 * How many imports there are in all files. Read without a lock (relaxed) to leave a hook early: a
 * thread that must see a record made by another has synchronised with it already, or it could not
 * know the handle or the address. The same goes for mappings_live and descriptors_live.
 */
extern atomic_uint imports_live;

/* The file at @fd with its lock taken, or NULL. */
struct file *file_lock(int fd);
void file_unlock(struct file *f);

/*
 * The same, created if need be, for a descriptor of the device @rdev. What was known of another
 * device there goes; a duplicate of a descriptor that is known joins it. NULL without memory.
 */
struct file *file_lock_new(int fd, dev_t rdev);

/*
 * @fd, which is not known, is known from now on: as a duplicate of one that is, or as another file,
 * so that it is asked only once. False without memory.
 */
bool file_join(int fd, dev_t rdev);

/* @fd is a file without imports: ask anew whether it is a duplicate. False: it has imports. */
bool file_rejoin(int fd, dev_t rdev);

/* Forget all that is remembered of @f, which has no descriptor any more. */
void file_clear(struct file *f);

/*
 * Around fork(): no file is made, before descriptors_lock() and until after its end; and every
 * file's lock, with descriptors_lock() held.
 */
void files_keep(void);
void files_unkeep(void);
void files_lock(void);
void files_unlock(void);

/* Has nobody any of these locks? In a child with one thread; see fork.h. */
bool files_free(void);

/* Everything below: with the file's lock held. */

struct import *import_find(struct file *f, uint32_t handle);

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

/*
 * The import's own offset, given on first use: never 0, the same at every call, and for every
 * handle of the same buffer in the file, as it is the object's natively. 0 if none is left.
 */
uint64_t offset_synthetic(struct file *f, struct import *imp);

/* The driver handed out @offset for the import. */
void offset_native(struct file *f, struct import *imp, uint64_t offset);

/*
 * @imp, no longer in its buffer's chain, is going. The program may still use its offsets, where
 * they are another handle's as well: ours always are, the driver's if it said so for that handle
 * (it may have been noted here for a record that was stale). With buffers_lock() held as well.
 */
void offsets_leave(struct file *f, struct import *imp);

/* The import that @offset lies in, with the distance from its start in @delta; or NULL. */
struct import *offset_find(struct file *f, uint64_t offset, uint64_t *delta);

#endif
