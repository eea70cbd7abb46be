// SPDX-License-Identifier: MIT
/* The dma-bufs that are imported or mapped in this process; see buffer.h. */
#include "config.h"

#include <string.h>

#include "base/lock.h"
#include "base/pool.h"
#include "buffer.h"
#include "drivers/drivers.h"
#include "publish/publish.h"

#define BLOCK_SHIFT	12

static uint64_t number(const struct hash_link *l)
{
	return ((const struct buffer *)l)->ino;
}

static struct lock lock;
static struct hash buffers = { .number = number };
static struct pool pool = POOL(struct buffer);
static struct pool turns_pool = POOL(struct turns);

/* Every dma-buf lies on the kernel's one dma-buf file system; the first seen tells its number. */
static uint64_t dev;

bool buffer_unsupported[NAMES];

void buffers_lock(void)
{
	lock_take(&lock);
}

void buffers_unlock(void)
{
	lock_release(&lock);
}

bool buffers_lock_within(unsigned int ms)
{
	return lock_take_within(&lock, ms);
}

bool buffers_free(void)
{
	return lock_free(&lock);
}

struct dmabuf_id buffer_id(const struct buffer *b)
{
	return (struct dmabuf_id){ .dev = dev, .ino = b->ino };
}

uint64_t buffer_size(const struct buffer *b)
{
	return (uint64_t)b->blocks << BLOCK_SHIFT;
}

bool buffer_known(const struct dmabuf_id *id)
{
	return hash_find(&buffers, id->ino);
}

struct buffer *buffer_find(const struct dmabuf_id *id)
{
	struct buffer *b = id->dev == dev ? hash_find(&buffers, id->ino) : NULL;

	if (b)
		b->refs++;
	return b;
}

void buffer_changed(struct buffer *b)
{
	if (!published())
		return;
	b->slot = publish_buffer(b->slot, &(struct status_buffer){
		.exporter = b->exporter, .turn = STATUS_SHOWN(b->turn, b->bracket),
		.no_brackets = buffer_lacks_brackets(b), .ino = b->ino, .size = buffer_size(b),
	});
}

struct buffer *buffer_get(const struct dmabuf_id *id, uint64_t size)
{
	struct buffer *b = hash_find(&buffers, id->ino);
	uint64_t blocks = size >> BLOCK_SHIFT;

	if (!buffers.n)
		dev = id->dev;
	if (dev != id->dev)
		return NULL;
	if (!b) {
		/* A last part of a page cannot be mapped (dma_buf_mmap_internal(), 6.1 to 7.3). */
		if (!blocks || blocks > UINT32_MAX)
			return NULL;
		b = pool_get(&pool);
		if (!b)
			return NULL;
		b->ino = id->ino;
		b->blocks = blocks;
		if (hash_insert(&buffers, &b->link) < 0) {
			pool_put(&pool, b);
			return NULL;
		}
		buffer_changed(b);
	}
	b->refs++;
	return b;
}

void buffer_put(struct buffer *b)
{
	if (--b->refs)
		return;
	hash_remove(&buffers, &b->link);
	publish_buffer_gone(b->slot);
	buffer_set_fd(b, -1);
	buffer_drop_turns(b);
	pool_put(&pool, b);
}

void buffer_count_mapped(struct buffer *b, bool write, bool direct, int by)
{
	uint32_t *n;

	if (!b->turns && by > 0) {
		b->turns = pool_get(&turns_pool);
		if (b->turns) {
			b->turns->buffer = b;
			b->turns->fd = -1;
		}
	}
	/* The shim may not have counted the mapping that goes, for want of memory. */
	if (!b->turns)
		return;
	n = direct ? b->turns->direct : b->turns->mapped;
	if (by > 0 || n[write])
		n[write] += by;
}

bool buffer_set_fd(struct buffer *b, int fd)
{
	if (b->turns)
		b->turns->fd = fd;
	return b->turns;
}

void buffer_drop_turns(struct buffer *b)
{
	const struct turns *t = b->turns;

	/* Mappings that the shim leaves alone are counted as well. */
	if (!t || t->fd >= 0 || t->mapped[0] || t->mapped[1] || t->direct[0] || t->direct[1] ||
	    t->kept)
		return;
	pool_put(&turns_pool, b->turns);
	b->turns = NULL;
}

const char *buffer_exporter(const struct buffer *b)
{
	return name_text(b->exporter);
}

void buffer_name_exporter(struct buffer *b, const char *name)
{
	b->exporter = name_number(name);
	/* omapdrm counts, which is in 32-bit machines alone. */
	b->counts = driver_counts(name) || (b->exporter == NAME_UNKNOWN && sizeof(void *) == 4);
	buffer_changed(b);
}

void buffer_set_unsupported(struct buffer *b)
{
	b->no_brackets = true;
	/* Of one whose exporter is not known nothing follows for others. */
	if (b->exporter > NAME_UNKNOWN)
		buffer_unsupported[b->exporter] = true;
}

void buffers_visit(void (*visit)(struct buffer *b))
{
	struct hash_link *l;

	for (size_t i = 0; (l = hash_next(&buffers, &i)); i++)
		for (; l; l = l->next)
			visit((struct buffer *)l);
}

struct buffer *buffer_bracketed(void)
{
	struct hash_link *l;

	for (size_t i = 0; (l = hash_next(&buffers, &i)); i++) {
		for (; l; l = l->next) {
			struct buffer *b = (struct buffer *)l;

			if (b->bracket && !b->settling)
				return b;
		}
	}
	return NULL;
}
