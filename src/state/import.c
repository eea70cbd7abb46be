// SPDX-License-Identifier: MIT
/* Imports by handle; see import.h. */
#include "config.h"

#include "base/pool.h"
#include "import.h"
#include "kept.h"
#include "offsets.h"
#include "publish/probes.h"
#include "publish/publish.h"
#include "settings/watch.h"

static struct pool pool = POOL(struct import);

/*
 * Relaxed: each value stands for itself, and a file's lock protects the values that are compared.
 */
static _Atomic(uint32_t) now;

atomic_uint imports_live;

/* The place of an import in its file's queue of buffers that a submit can hand over. */
struct held {
	struct queue_link link;
	struct import *imp;
	struct held *next;	/* of the same buffer */
};

static struct pool held_pool = POOL(struct held);

/* Without memory a submit without a list does not hand it over. */
static void hold(struct import *imp)
{
	struct held *h = pool_get(&held_pool);

	if (!h)
		return;
	h->imp = imp;
	h->next = imp->buffer->turns->held;
	imp->buffer->turns->held = h;
	queue_add(&imp->file->held, &h->link);
}

static void let_go(struct held **at)
{
	struct held *h = *at;

	*at = h->next;
	queue_remove(&h->imp->file->held, &h->link);
	pool_put(&held_pool, h);
}

void import_hold(struct buffer *b, bool held)
{
	b->held = held;
	for (struct import *imp = b->imports; imp && held; imp = imp->sibling)
		hold(imp);
	while (b->turns && b->turns->held && !held)
		let_go(&b->turns->held);
}

static struct import *of_link(struct queue_link *l)
{
	return ((struct held *)((char *)l - offsetof(struct held, link)))->imp;
}

unsigned int imports_held(struct file *f, bool unlisted, uint32_t *after, uint32_t last,
			  struct buffer **to, unsigned int room)
{
	struct queue_link *l = queue_after(&f->held, *after, last);
	unsigned int n = 0;

	for (; l && n < room && !queue_later(l->serial, last); l = l->next) {
		const struct import *imp = of_link(l);
		struct buffer *b = imp->buffer;

		*after = l->serial;
		if (unlisted && imp->listed)
			continue;
		b->refs++;
		to[n++] = b;
	}
	return n;
}

static void chain(struct file *f, struct import *imp)
{
	imp->file = f;
	imp->sibling = imp->buffer->imports;
	imp->buffer->imports = imp;
	if (imp->buffer->held)
		hold(imp);
}

/* Another import of @imp's buffer in the file, or NULL. */
static struct import *sibling(struct file *f, const struct import *imp)
{
	struct import *s = imp->buffer->imports;

	while (s && (s == imp || import_find(f, s->handle) != s))
		s = s->sibling;
	return s;
}

static void unchain(struct import *imp)
{
	struct import **at = &imp->buffer->imports;
	struct held **held;

	while (*at != imp)
		at = &(*at)->sibling;
	*at = imp->sibling;
	if (buffer_is_kept(imp->buffer) && !imp->buffer->imports)
		atomic_store_explicit(&kept_orphaned, true, memory_order_relaxed);
	if (!imp->buffer->turns)
		return;
	for (held = &imp->buffer->turns->held; *held && (*held)->imp != imp;)
		held = &(*held)->next;
	if (*held)
		let_go(held);
}

/* With buffers_lock() held. */
static void count(int more)
{
	unsigned int n = atomic_load_explicit(&imports_live, memory_order_relaxed) + more;

	atomic_store_explicit(&imports_live, n, memory_order_relaxed);
	watch_count(WATCH_IMPORTS, n);
}

void import_publish(struct import *imp)
{
	if (!published())
		return;
	imp->slot = publish_import(imp->slot, &(struct status_import){
		.importer = imp->importer, .buffer = publish_entry(imp->buffer->slot),
		.handle = imp->handle,
	});
}

static void unpublish(const struct import *imp)
{
	if (!published())
		return;
	publish_event((struct status_event){
		.kind = EVENT_CLOSE, .importer = imp->importer,
		.exporter = imp->buffer->exporter, .handle = imp->handle,
		.entry = publish_entry(imp->slot),
		.ino = imp->buffer->ino, .len = buffer_size(imp->buffer),
	});
	publish_import_gone(imp->slot);
}

static uint32_t tick(void)
{
	return atomic_fetch_add_explicit(&now, 1, memory_order_relaxed) + 1;
}

void import_drop(struct file *f, struct import *imp)
{
	tick();
	hash_remove(&f->imports, &imp->link);
	buffers_lock();
	unpublish(imp);
	PROBE(2, close, imp->handle, imp->buffer->ino);
	unchain(imp);
	offsets_leave(f, imp);
	buffer_put(imp->buffer);
	pool_put(&pool, imp);
	count(-1);
	buffers_unlock();
}

void import_tick(void)
{
	tick();
}

uint32_t import_clock(void)
{
	return atomic_load_explicit(&now, memory_order_relaxed);
}

bool import_older(const struct import *imp, uint32_t clock)
{
	return (int32_t)(imp->born - clock) <= 0;
}

/* Makes a record that holds @id, and does not put it into @f yet. NULL without memory. */
static struct import *make(struct file *f, uint32_t handle, const struct dmabuf_id *id,
			   uint64_t size)
{
	struct import *imp = NULL;
	struct buffer *b;

	buffers_lock();
	b = buffer_get(id, size);
	if (b)
		imp = pool_get(&pool);
	if (imp) {
		imp->handle = handle;
		imp->buffer = b;
		chain(f, imp);
	} else if (b) {
		buffer_put(b);
	}
	buffers_unlock();
	return imp;
}

struct import *import_set(struct file *f, uint32_t handle, const struct dmabuf_id *id,
			  uint64_t size, const struct buffer **before)
{
	struct import *imp = import_find(f, handle), *other;

	*before = imp ? imp->buffer : NULL;
	if (imp && imp->buffer->ino == id->ino) {
		/* PRIME_FD_TO_HANDLE gives a known dma-buf its known handle, and no reference. */
		imp->born = tick();
		return imp;
	}
	if (imp)
		import_drop(f, imp);
	imp = make(f, handle, id, size);
	if (imp && hash_insert(&f->imports, &imp->link) < 0) {
		buffers_lock();
		unchain(imp);
		buffer_put(imp->buffer);
		pool_put(&pool, imp);
		buffers_unlock();
		imp = NULL;
	}
	if (!imp)
		return NULL;
	buffers_lock();
	other = sibling(f, imp);
	imp->synthetic = other ? other->synthetic : 0;
	imp->importer = f->name;
	import_publish(imp);
	count(1);
	buffers_unlock();
	imp->born = tick();
	return imp;
}

void import_rename(struct file *f, struct import *imp, uint32_t handle)
{
	struct import *old = import_find(f, handle);

	if (old == imp)
		return;
	if (old)
		import_drop(f, old);
	hash_remove(&f->imports, &imp->link);
	/* Other files' threads read @imp->handle along the buffer's chain. */
	buffers_lock();
	imp->handle = handle;
	import_publish(imp);
	buffers_unlock();
	imp->born = tick();
	/* This cannot fail: @imp was in a bucket, so the table has buckets. */
	hash_insert(&f->imports, &imp->link);
}
