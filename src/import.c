// SPDX-License-Identifier: MIT
/* Imports by handle, and the dma-bufs they hold; see file.h. */
#include "config.h"

#include "file.h"
#include "pool.h"

static struct ranges buffers;	/* by inode number, which is a dma-buf's own since boot */
static struct pool buffer_pool = POOL(struct buffer);
static struct pool import_pool = POOL(struct import);
static uint64_t now;		/* import_clock() */

atomic_uint imports_live;

struct buffer *buffer_get(const struct dmabuf_id *id, uint64_t size)
{
	struct range *r = ranges_find(&buffers, id->ino);
	struct buffer *b = r ? r->obj : NULL;

	if (b && b->id.dev != id->dev)
		return NULL;
	if (!b) {
		b = pool_get(&buffer_pool);
		if (!b)
			return NULL;
		if (ranges_insert(&buffers, id->ino, id->ino + 1, b, 0) < 0) {
			pool_put(&buffer_pool, b);
			return NULL;
		}
		b->id = *id;
		b->size = size;
		b->fd = -1;
	}
	b->refs++;
	return b;
}

void buffer_put(struct buffer *b)
{
	if (--b->refs)
		return;
	ranges_remove(&buffers, ranges_after(&buffers, b->id.ino));
	pool_put(&buffer_pool, b);
}

struct buffer *buffer_next(size_t *i)
{
	return *i < buffers.n ? buffers.v[(*i)++].obj : NULL;
}

struct import *import_find(struct file *f, uint32_t handle)
{
	struct range *r = ranges_find(&f->imports, handle);

	return r ? r->obj : NULL;
}

struct import *import_at(int fd, uint32_t handle, struct file **f)
{
	struct file *at = file_find(fd);

	if (f)
		*f = at;
	return at ? import_find(at, handle) : NULL;
}

static void offsets_drop(struct file *f, const struct import *imp)
{
	const uint64_t offsets[] = { imp->synthetic, imp->native };

	for (int i = 0; i < 2; i++) {
		size_t at = ranges_after(&f->offsets, offsets[i]);

		if (offsets[i] && at < f->offsets.n && f->offsets.v[at].obj == imp)
			ranges_remove(&f->offsets, at);
	}
}

void import_drop(struct file *f, struct import *imp)
{
	offsets_drop(f, imp);
	ranges_remove(&f->imports, ranges_after(&f->imports, imp->handle));
	buffer_put(imp->buffer);
	pool_put(&import_pool, imp);
	atomic_fetch_sub_explicit(&imports_live, 1, memory_order_relaxed);
}

struct import *import_set(struct file *f, uint32_t handle, struct buffer *b)
{
	struct import *imp = import_find(f, handle);

	if (imp && imp->buffer == b) {
		/* PRIME_FD_TO_HANDLE gives a known dma-buf its known handle, without a reference. */
		imp->born = ++now;
		buffer_put(b);
		return imp;
	}
	if (imp)
		import_drop(f, imp);
	imp = pool_get(&import_pool);
	if (imp && ranges_insert(&f->imports, handle, (uint64_t)handle + 1, imp, 0) < 0) {
		pool_put(&import_pool, imp);
		imp = NULL;
	}
	if (!imp) {
		buffer_put(b);
		return NULL;
	}
	imp->handle = handle;
	imp->born = ++now;
	imp->buffer = b;
	atomic_fetch_add_explicit(&imports_live, 1, memory_order_relaxed);
	return imp;
}

uint64_t import_clock(void)
{
	return now;
}

void import_rename(struct file *f, struct import *imp, uint32_t handle)
{
	struct import *old = import_find(f, handle);

	if (old == imp)
		return;
	if (old)
		import_drop(f, old);
	ranges_remove(&f->imports, ranges_after(&f->imports, imp->handle));
	imp->handle = handle;
	/* Room was made by the removal, and the number was freed: this cannot fail. */
	ranges_insert(&f->imports, handle, (uint64_t)handle + 1, imp, 0);
}
