/* SPDX-License-Identifier: MIT */
/*
 * What is remembered of open DRM files, dma-bufs, imports and offsets, and the one lock over it.
 *
 *   open file --handle--> import --> buffer (one per dma-buf) <-- mapping (mapping.h)
 *        `----offset------^
 *
 * No policy, and no system call but for memory. state_lock() protects every structure declared
 * here and in mapping.h; whoever holds it may not wait, log, or call a driver. Records are kept by
 * descriptor number and may be stale (a close that was not seen): before one is acted on, the
 * dma-buf behind the handle is fetched and compared (redirect.c).
 */
#ifndef PRIMESHIM_FILE_H
#define PRIMESHIM_FILE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "dmabuf.h"
#include "range.h"

#define NAME_LEN 32

/* Three-valued answers of the kernel, asked once. */
enum answer { UNASKED, YES, NO };

/* A dma-buf that is imported or mapped somewhere in this process. */
struct buffer {
	struct dmabuf_id id;
	uint64_t size;			/* bytes */
	unsigned int refs;		/* imports, mappings, and calls under way */
	char exporter[NAME_LEN];	/* "" until asked; "?" where it cannot be told */
	enum answer mappable;		/* can the dma-buf itself be mapped and read? */
	/* The bracket; sync.c. */
	int fd;				/* private descriptor while mapped and bracketed, else -1 */
	unsigned int mapped[2];		/* mappings: [0] for reading only, [1] for writing */
	unsigned int bracket;		/* DMA_BUF_SYNC_* direction of the open bracket, 0 for none */
	bool settling;			/* a thread is at DMA_BUF_IOCTL_SYNC for this buffer */
};

struct import {
	uint32_t handle;
	uint64_t born;			/* import_clock when it was recorded */
	struct buffer *buffer;
	uint64_t synthetic;		/* our offset, 0 until one is asked for */
	uint64_t native;		/* the driver's offset, 0 while it has refused */
	enum answer native_works;	/* does a touch of the native mapping work? */
};

struct file {
	int fd;
	dev_t rdev;
	char driver[NAME_LEN];		/* "" until asked */
	struct ranges imports;		/* by handle -> struct import */
	struct ranges offsets;		/* by offset -> struct import */
	uint64_t cursor;		/* where the next synthetic offset is looked for */
};

/*
 * Synthetic offsets lie in [2^41, 2^43): above every node of drm_vma_manager (1028 GiB, 6.1 to
 * 7.3), below panthor's MMIO window (2^43 for a 32-bit process), and within what a 32-bit mmap2
 * can say.
 */
#define SYNTHETIC_FIRST	(1ULL << 41)
#define SYNTHETIC_END	(1ULL << 43)

void state_lock(void);
void state_unlock(void);

/*
 * How many imports and mappings there are. Read without the lock (relaxed) to leave a hook early:
 * a thread that must see a record made by another has synchronised with it already, or it could
 * not know the handle or the address.
 */
extern atomic_uint imports_live;

/* Everything below: with the lock held. */

struct file *file_find(int fd);

/* The file at @fd, created if need be; what was known of another device there goes. Or NULL. */
struct file *file_get(int fd, dev_t rdev);

/* A reference to the buffer with @id, created if need be; NULL without memory. */
struct buffer *buffer_get(const struct dmabuf_id *id, uint64_t size);

/*
 * Drop a reference. With the last one the record goes. A buffer with a private descriptor is
 * mapped or in sync_settle(), so that none is ever lost here.
 */
void buffer_put(struct buffer *b);

struct import *import_find(struct file *f, uint32_t handle);

/* The same by descriptor; *@f may be NULL, or is given the file. */
struct import *import_at(int fd, uint32_t handle, struct file **f);

/*
 * Record that @handle holds @b; takes over the caller's reference to @b in every case. A record
 * of the same buffer stays as it is; one of another buffer is replaced. NULL without memory.
 */
struct import *import_set(struct file *f, uint32_t handle, struct buffer *b);

void import_drop(struct file *f, struct import *imp);

/*
 * Closing calls: take the clock before the call, and after it succeeded drop the record only if
 * it is older. A record made since then belongs to the number's next user.
 */
uint64_t import_clock(void);

/* GEM_CHANGE_HANDLE happened. */
void import_rename(struct file *f, struct import *imp, uint32_t handle);

/* The import's own offset, given on first use: never 0, the same at every call. 0 if none is left. */
uint64_t offset_synthetic(struct file *f, struct import *imp);

/* The driver handed out @offset for the import. */
void offset_native(struct file *f, struct import *imp, uint64_t offset);

/* The import that @offset lies in, with the distance from its start in @delta; or NULL. */
struct import *offset_find(struct file *f, uint64_t offset, uint64_t *delta);

/* Every buffer in turn, for the exit: the first one whose index is at least *@i, or NULL. */
struct buffer *buffer_next(size_t *i);

#endif
