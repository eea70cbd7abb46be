// SPDX-License-Identifier: MIT
/* The offsets under which imports may be mapped; see file.h. */
#include "config.h"

#include "file.h"
#include "page.h"

/* Next fit from the file's cursor on, once around the window. */
static uint64_t find_gap(struct file *f, uint64_t size)
{
	uint64_t at = f->cursor;

	for (int round = 0; round < 2; round++) {
		while (at + size <= SYNTHETIC_END) {
			size_t i = ranges_after(&f->offsets, at);

			if (i == f->offsets.n || at + size <= f->offsets.v[i].start)
				return at;
			at = f->offsets.v[i].end;
		}
		at = SYNTHETIC_FIRST;
	}
	return 0;
}

uint64_t offset_synthetic(struct file *f, struct import *imp)
{
	uint64_t size = page_round(imp->buffer->size);
	uint64_t at;

	if (imp->synthetic)
		return imp->synthetic;
	if (!size || size > SYNTHETIC_END - SYNTHETIC_FIRST)
		return 0;
	at = find_gap(f, size);
	if (!at || ranges_insert(&f->offsets, at, at + size, imp, 0) < 0)
		return 0;
	f->cursor = at + size;
	imp->synthetic = at;
	return at;
}

void offset_native(struct file *f, struct import *imp, uint64_t offset)
{
	uint64_t end = offset + page_round(imp->buffer->size);

	if (imp->native == offset || !offset || end < offset)
		return;
	/* Whoever is known there has lost it: the driver gave it away. */
	for (;;) {
		size_t i = ranges_after(&f->offsets, offset);
		struct import *old;

		if (i == f->offsets.n || f->offsets.v[i].start >= end)
			break;
		old = f->offsets.v[i].obj;
		if (f->offsets.v[i].start == old->native)
			old->native = 0;
		else
			old->synthetic = 0;
		ranges_remove(&f->offsets, i);
	}
	if (imp->native) {
		struct range *r = ranges_find(&f->offsets, imp->native);

		if (r && r->obj == imp)
			ranges_remove(&f->offsets, r - f->offsets.v);
	}
	imp->native = 0;
	imp->native_works = UNASKED;
	if (!ranges_insert(&f->offsets, offset, end, imp, 0))
		imp->native = offset;
}

struct import *offset_find(struct file *f, uint64_t offset, uint64_t *delta)
{
	struct range *r = ranges_find(&f->offsets, offset);

	if (!r)
		return NULL;
	*delta = offset - r->start;
	return r->obj;
}
