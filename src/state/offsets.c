// SPDX-License-Identifier: MIT
/* The mmap offsets of imports; see offsets.h. */
#include "config.h"

#include "kernel/page.h"
#include "offsets.h"

#define BLOCK_SHIFT 12

static uint64_t length_of(const struct import *imp)
{
	return page_round(buffer_size(imp->buffer));
}

static uint64_t synthetic_of(const struct import *imp)
{
	return (uint64_t)imp->synthetic << BLOCK_SHIFT;
}

/*
 * Next fit, once around the window. All files share one cursor, so an offset stands for one buffer
 * even where two descriptors of one file were taken for two files (until the window has been used
 * up once). In blocks; relaxed, since each number is used only by the thread that got it.
 */
static uint64_t find_gap(struct file *f, uint64_t size)
{
	static _Atomic(uint32_t) cursor = SYNTHETIC_FIRST >> BLOCK_SHIFT;
	uint64_t tried = 0;

	while (tried <= 2 * (SYNTHETIC_END - SYNTHETIC_FIRST)) {
		uint32_t first = atomic_fetch_add_explicit(&cursor, size >> BLOCK_SHIFT,
							   memory_order_relaxed);
		uint32_t behind = first + (size >> BLOCK_SHIFT);
		uint64_t at = (uint64_t)first << BLOCK_SHIFT, to = SYNTHETIC_FIRST;

		if (at + size <= SYNTHETIC_END) {
			const struct range *r = ranges_after(&f->offsets, at);

			if (!r || at + size <= r->start)
				return at;
			to = r->end;
		}
		/*
		 * Moves the cursor past the obstacle, unless another thread has moved it meanwhile.
		 */
		atomic_compare_exchange_strong_explicit(&cursor, &behind, to >> BLOCK_SHIFT,
							memory_order_relaxed, memory_order_relaxed);
		tried += to > at ? to - at : size;
	}
	return 0;
}

/* Sets the synthetic offset of all handles of @imp's buffer in the file. */
static void give(struct file *f, struct import *imp, uint64_t offset)
{
	buffers_lock();
	for (struct import *i = imp->buffer->imports; i; i = i->sibling)
		if (import_find(f, i->handle) == i)
			i->synthetic = offset >> BLOCK_SHIFT;
	buffers_unlock();
}

uint64_t offset_synthetic(struct file *f, struct import *imp)
{
	uint64_t size = length_of(imp);
	uint64_t at;

	if (imp->synthetic)
		return synthetic_of(imp);
	if (!size || size > SYNTHETIC_END - SYNTHETIC_FIRST)
		return 0;
	at = find_gap(f, size);
	if (!at || ranges_insert(&f->offsets, at, at + size, imp, 0) < 0)
		return 0;
	give(f, imp, at);
	return at;
}

/* Removes @imp's range at @offset, if the range still is @imp's. */
static void take_out(struct file *f, const struct import *imp, uint64_t offset)
{
	struct range *r = offset ? ranges_find(&f->offsets, offset) : NULL;

	if (r && r->obj == imp)
		ranges_remove(&f->offsets, r->start);
}

void offset_native(struct file *f, struct import *imp, uint64_t offset)
{
	uint64_t end = offset + length_of(imp);
	struct range *r;

	if (imp->native == offset || !offset || end <= offset)
		return;
	/*
	 * Imports recorded there have lost the range, since the driver gave it away. But handles of
	 * one buffer may share it.
	 */
	while ((r = ranges_after(&f->offsets, offset)) && r->start < end) {
		struct import *old = r->obj;

		if (r->start != old->native)
			give(f, old, 0);
		else if (r->start != offset || old->buffer != imp->buffer)
			old->native = 0;
		ranges_remove(&f->offsets, r->start);
	}
	take_out(f, imp, imp->native);
	imp->native = 0;
	imp->native_works = ANSWER_UNASKED;
	if (!ranges_insert(&f->offsets, offset, end, imp, 0))
		imp->native = offset;
}

void offsets_leave(struct file *f, struct import *imp)
{
	struct range *ours = imp->synthetic ? ranges_find(&f->offsets, synthetic_of(imp)) : NULL;
	struct range *native = imp->native ? ranges_find(&f->offsets, imp->native) : NULL;

	for (struct import *s = imp->buffer->imports; s; s = s->sibling) {
		if (import_find(f, s->handle) != s)
			continue;
		if (ours && ours->obj == imp && s->synthetic == imp->synthetic)
			ours->obj = s;
		if (native && native->obj == imp && s->native == imp->native)
			native->obj = s;
	}
	take_out(f, imp, synthetic_of(imp));
	take_out(f, imp, imp->native);
}

struct import *offset_find(struct file *f, uint64_t offset, uint64_t *delta)
{
	struct range *r = ranges_find(&f->offsets, offset);

	if (!r)
		return NULL;
	*delta = offset - r->start;
	return r->obj;
}
