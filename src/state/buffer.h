/* SPDX-License-Identifier: MIT */
/*
 * The dma-bufs that are imported or mapped somewhere in this process, one record each, whichever
 * files and handles they have; and the lock over them and over mapping.h.
 */
#ifndef PRIMESHIM_BUFFER_H
#define PRIMESHIM_BUFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/hash.h"
#include "base/queue.h"
#include "kernel/dmabuf.h"
#include "publish/names.h"
#include "settings/settings.h"
#include "turn.h"

struct import;

/* Three-valued answers of the kernel, asked once. */
enum answer { ANSWER_UNASKED, ANSWER_YES, ANSWER_NO };

struct buffer;
struct held;

/* The rest of a mapped buffer's record. Programs never map most of their imports. */
struct turns {
	uint32_t mapped[2];		/* of imports: [0] for reading only, [1] for writing */
	uint32_t direct[2];		/* of the dma-buf's own descriptor; NOTE_DIRECT */
	struct queue_link owed;		/* in @in */
	struct queue *in;		/* due_owed, due_doubtful (due.h), or NULL */
	struct queue_link framed;	/* in due_framed */
	struct buffer *buffer;
	struct held *held;		/* its places in the files' queues; import.c */
	int fd;				/* private descriptor, or -1 */
	uint32_t submit;		/* the last that gave it away; submit.h */
	uint32_t taken;			/* the last that took it from the CPU */
	uint32_t link;			/* what the kernel calls its mappings; policy/warm.c */
	uint8_t starting;		/* direction of the START under way; 0: none */
	bool hidden;			/* given away by work whose fences are hidden */
	bool fenced;			/* the START that is to do follows a fence */
	bool guess;			/* the bracket's START may have come during hidden work */
	bool missed;			/* a wait has ended during a submit of it */
	bool kept;			/* there are mappings of it in kept.h */
};

struct buffer {
	struct hash_link link;
	uint64_t ino;
	struct import *imports;		/* chain of those that hold it, in any file */
	struct turns *turns;		/* NULL: it is not mapped, and not kept */
	uint32_t blocks;		/* its size in blocks of 4096 bytes */
	uint32_t refs;			/* imports, mappings, and calls under way */
	/* Whose turn it is; settle.c. */
	uint32_t turn : 3;		/* enum turn */
	uint32_t bracket : 2;		/* DMA_BUF_SYNC_* direction of the open one, 0 for none */
	uint32_t said : 2;		/* direction told to the driver, 0 for the mappings' */
	uint32_t start : 2;		/* to do: a START; enum start of bracket.h */
	uint32_t start_again : 1;	/* to do: one more START in the open bracket */
	uint32_t afresh : 1;		/* to do: END of the open bracket, and START */
	uint32_t end_again : 1;		/* to do: one more END */
	uint32_t written : 1;		/* a mapping was writable since the last END */
	uint32_t over : 1;		/* since the last START the program has told of an end */
	uint32_t doubtful : 1;		/* turn.h, (3) */
	uint32_t elsewhere : 1;		/* exported, and given to no device here since */
	uint32_t late : 1;		/* a fence was late: the next map does not wait */
	uint32_t settling : 1;		/* a thread is at DMA_BUF_IOCTL_SYNC for this buffer */
	uint32_t starting : 1;		/* that thread makes a START, which may wait */
	uint32_t wanted : 1;		/* nobody has given the buffer away during that START */
	uint32_t overtaken : 1;		/* a wait has ended during that START */
	uint32_t fresh : 1;		/* fd is new, and surely the dma-buf's */
	uint32_t guarded : 1;		/* its pages are PROT_NONE; guard.h */
	uint32_t touched : 1;		/* they are open without a bracket, after a touch */
	uint32_t watched : 1;		/* the shim has to see submits for its sake */
	uint32_t held : 1;		/* it is in the files' queues: a submit can hand it over */
	uint32_t mappable : 2;		/* enum answer: can the dma-buf be mapped and read? */
	uint32_t writable : 2;		/* enum answer: is the dma-buf open for writing? */
	uint32_t no_brackets : 1;		/* it knows no brackets */
	uint32_t counts : 1;		/* its exporter counts them: QUIRK_COUNTS */
	uint32_t exporter : 8;		/* name_number(), 0 until asked */
	uint32_t round : 8;		/* of settling: goes up with each */
	uint32_t slot : 11;		/* entry in the status file + 1, 0: none */
	uint32_t framed : 1;		/* frame buffers are made of it */
	uint32_t early : 1;		/* the program gave it away in the open bracket's START */
	uint32_t unused : 1;		/* the CPU has not written in the open bracket */
	uint32_t ahead : 1;		/* a submit went ahead during a START, without the END */
	uint32_t yields : 1;		/* the program syncs it itself: direct.h */
};

static inline int buffer_fd(const struct buffer *b)
{
	return b->turns ? b->turns->fd : -1;
}

static inline bool buffer_is_kept(const struct buffer *b)
{
	return b->turns && b->turns->kept;
}

/* Does the shim bracket the program's mappings of the dma-buf's own descriptor, too? */
static inline bool buffer_all(const struct buffer *b)
{
	return settings.direct == DIRECT_SYNC && !b->yields;
}

/* How many mappings @b has that the shim brackets, for writing (@write) or for reading alone. */
static inline uint32_t buffer_mapped(const struct buffer *b, bool write)
{
	return b->turns ? b->turns->mapped[write] + (buffer_all(b) ? b->turns->direct[write] : 0) :
			  0;
}

static inline bool buffer_is_mapped(const struct buffer *b)
{
	return buffer_mapped(b, false) || buffer_mapped(b, true);
}

void buffers_lock(void);
void buffers_unlock(void);

/* The same, given up after @ms milliseconds: false. At exit, when nobody may be waited for. */
bool buffers_lock_within(unsigned int ms);

/* Has nobody the lock? In a child with one thread; see fork.h. */
bool buffers_free(void);

/* What never changes while there is a reference; without the lock. */
struct dmabuf_id buffer_id(const struct buffer *b);
uint64_t buffer_size(const struct buffer *b);	/* bytes */

/* Everything below: with the lock held. */

/* Is there a buffer with @id? */
bool buffer_known(const struct dmabuf_id *id);

/* A reference to the buffer with @id, or NULL. */
struct buffer *buffer_find(const struct dmabuf_id *id);

/* A reference to the buffer with @id, created if need be; NULL without memory. */
struct buffer *buffer_get(const struct dmabuf_id *id, uint64_t size);

/*
 * Drop a reference. With the last one the record goes. A buffer with a private descriptor is
 * mapped, kept or in settle() (sync.c), so that none is ever lost here.
 */
void buffer_put(struct buffer *b);

/* The exporter's name: "" until it is known, "?" where it cannot be told. */
const char *buffer_exporter(const struct buffer *b);
void buffer_name_exporter(struct buffer *b, const char *name);

/*
 * @b has so many more mappings, or fewer. @direct: of the dma-buf's own descriptor. Without memory
 * the shim does not count them, and @b has no brackets.
 */
void buffer_count_mapped(struct buffer *b, bool write, bool direct, int by);

/* Makes @fd the private descriptor of @b (-1: it has none). False if @b is not mapped. */
bool buffer_set_fd(struct buffer *b, int fd);

/* Frees what only a mapped buffer has, if @b is not mapped or kept. @b is in no queue then. */
void buffer_drop_turns(struct buffer *b);

/* A field of @b that the status file has (publish.h) is another one now. */
void buffer_changed(struct buffer *b);

extern bool buffer_unsupported[NAMES];	/* exporters without brackets, by name_number() */

/* Does it know no brackets (ENOTTY, EINVAL), nor any of that exporter's? */
static inline bool buffer_lacks_brackets(const struct buffer *b)
{
	return b->no_brackets || buffer_unsupported[b->exporter];
}

void buffer_set_unsupported(struct buffer *b);

/* Does @visit to every buffer, which it may not put. */
void buffers_visit(void (*visit)(struct buffer *b));

/* A buffer with an open bracket that nobody is at work on, or NULL. */
struct buffer *buffer_bracketed(void);

#endif
