// SPDX-License-Identifier: MIT
/*
 * The tables of the shared page: what there is, kept as it changes; see publish.h. All of it is
 * written with buffers_lock() held, so that there is one writer at a time; readers go by @seq.
 */
#include "config.h"

#include <string.h>

#include <linux/dma-buf.h>

#include "buffer.h"
#include "file.h"
#include "mapping.h"
#include "publish.h"
#include "publish_page.h"

#define COUNT(table)	(sizeof(table) / sizeof((table)[0]))

/* Is that entry in use? All tables of which that is asked begin with these. */
struct any_entry {
	shared_u32 seq;
	uint8_t live;
};

static struct any_entry *entry(struct shared_section *t, unsigned int i)
{
	/* The sections lie in the page that they are in the head of. */
	return (void *)((char *)publish_at() + t->offset + (size_t)i * t->stride);
}

/* Where the search for a free one begins, by table; a hint and no more. */
static unsigned int hints[3];

/* The number + 1 of a free entry, or PUBLISH_NO_ENTRY where there is none. */
static unsigned int find_free(struct shared_section *t, unsigned int *hint)
{
	for (unsigned int i = 0; i < t->n; i++) {
		unsigned int at = (*hint + i) % t->n;

		if (entry(t, at)->live)
			continue;
		*hint = at + 1;
		if (at >= t->used)
			__atomic_store_n(&t->used, at + 1, __ATOMIC_RELEASE);
		return at + 1;
	}
	__atomic_add_fetch(&publish_at()->head.no_room, 1, __ATOMIC_RELAXED);
	return PUBLISH_NO_ENTRY;
}


/* Around a change of an entry: its number is odd meanwhile. */
static void write_begin(shared_u32 *seq)
{
	__atomic_store_n(seq, *seq + 1, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_RELEASE);
}

static void write_end(shared_u32 *seq)
{
	__atomic_store_n(seq, *seq + 1, __ATOMIC_RELEASE);
}

static void clear(struct shared_section *t, unsigned int number)
{
	struct any_entry *e = entry(t, number - 1);

	write_begin(&e->seq);
	e->live = 0;
	write_end(&e->seq);
}

void publish_name(unsigned int number)
{
	struct publish_page *p = publish_at();

	if (!p)
		return;
	memcpy(p->names[number], name_text(number), NAME_LEN);
	__atomic_store_n(&p->head.names.used, number + 1, __ATOMIC_RELEASE);
}

void publish_pair(const struct shared_pair *key, uint64_t bytes)
{
	const size_t len = offsetof(struct shared_pair, count);
	struct publish_page *p = publish_at();
	uint32_t i = 0;

	if (!p)
		return;
	while (i < p->head.pairs.used && memcmp(&p->pairs[i], key, len))
		i++;
	if (i == COUNT(p->pairs)) {
		__atomic_add_fetch(&p->head.no_room, 1, __ATOMIC_RELAXED);
		return;
	}
	if (i == p->head.pairs.used) {
		memcpy(&p->pairs[i], key, len);
		__atomic_store_n(&p->head.pairs.used, i + 1, __ATOMIC_RELEASE);
	}
	__atomic_add_fetch(&p->pairs[i].count, 1, __ATOMIC_RELAXED);
	__atomic_add_fetch(&p->pairs[i].bytes, bytes, __ATOMIC_RELAXED);
}

static uint8_t bracket_of(const struct buffer *b)
{
	if (b->bracket)
		return b->bracket == DMA_BUF_SYNC_READ ? BRACKET_READ : BRACKET_RW;
	if (!b->owed)
		return BRACKET_NONE;
	return b->device ? BRACKET_DEVICE : BRACKET_OWED;
}

void publish_buffer(struct buffer *b)
{
	struct publish_page *p = publish_at();
	struct shared_buffer *to;

	if (!p || b->slot == PUBLISH_NO_ENTRY)
		return;
	if (!b->slot) {
		b->slot = find_free(&p->head.buffers, &hints[0]);
		if (b->slot == PUBLISH_NO_ENTRY)
			return;
		to = &p->buffers[b->slot - 1];
		write_begin(&to->seq);
		memset((char *)to + sizeof(to->seq), 0, sizeof(*to) - sizeof(to->seq));
	} else {
		to = &p->buffers[b->slot - 1];
		write_begin(&to->seq);
	}
	to->live = 1;
	to->exporter = b->exporter;
	to->bracket = bracket_of(b);
	to->deaf = buffer_is_deaf(b);
	to->ino = b->ino;
	to->size = buffer_size(b);
	write_end(&to->seq);
}

void publish_buffer_gone(struct buffer *b)
{
	struct publish_page *p = publish_at();

	if (p && publish_entry(b->slot))
		clear(&p->head.buffers, b->slot);
	b->slot = 0;
}

void publish_brackets(const struct buffer *b, unsigned int begins, unsigned int ends,
		      unsigned int owed, uint64_t ns)
{
	struct publish_page *p = publish_at();
	struct shared_buffer *to;

	if (!p)
		return;
	if (ns > p->head.blocked_most)
		__atomic_store_n(&p->head.blocked_most, ns, __ATOMIC_RELAXED);
	if (!publish_entry(b->slot))
		return;
	to = &p->buffers[b->slot - 1];
	__atomic_add_fetch(&to->begins, begins, __ATOMIC_RELAXED);
	__atomic_add_fetch(&to->ends, ends, __ATOMIC_RELAXED);
	__atomic_add_fetch(&to->owed, owed, __ATOMIC_RELAXED);
	__atomic_add_fetch(&to->blocked, ns, __ATOMIC_RELAXED);
}

static void count_imports(struct publish_page *p, int more)
{
	uint32_t n = p->head.imports_live + more;

	__atomic_store_n(&p->head.imports_live, n, __ATOMIC_RELAXED);
	if (n > p->head.imports_most)
		__atomic_store_n(&p->head.imports_most, n, __ATOMIC_RELAXED);
}

void publish_import(struct import *imp)
{
	struct publish_page *p = publish_at();
	struct shared_import *to;

	if (!p)
		return;
	if (!imp->counted)
		count_imports(p, 1);
	imp->counted = true;
	if (!imp->slot)
		imp->slot = find_free(&p->head.imports, &hints[1]);
	if (imp->slot == PUBLISH_NO_ENTRY)
		return;
	to = &p->imports[imp->slot - 1];
	write_begin(&to->seq);
	if (!to->live) {
		to->since = publish_now();
		to->tid = publish_thread();
	}
	to->live = 1;
	to->importer = imp->importer;
	to->buffer = publish_entry(imp->buffer->slot);
	to->handle = imp->handle;
	write_end(&to->seq);
}

void publish_import_gone(struct import *imp)
{
	struct publish_page *p = publish_at();

	if (!p || !imp->counted)
		return;
	publish_event((struct shared_event){
		.kind = EVENT_CLOSE, .importer = imp->importer,
		.exporter = imp->buffer->exporter, .handle = imp->handle,
		.entry = publish_entry(imp->slot),
		.ino = imp->buffer->ino, .len = buffer_size(imp->buffer),
	});
	count_imports(p, -1);
	if (publish_entry(imp->slot))
		clear(&p->head.imports, imp->slot);
	imp->slot = 0;
	imp->counted = false;
}

static void write_mapping(struct shared_mapping *to, const struct mapping *m)
{
	to->live = 1;
	to->importer = m->note & NOTE_IMPORTER;
	to->native = !!(m->note & NOTE_NATIVE);
	to->buffer = publish_entry(m->buffer->slot);
	to->prot = m->prot;
	to->start = m->start;
	to->end = m->end;
}

static void add_mapping(struct publish_page *p, const struct mapping *m, uint64_t since,
			uint32_t tid)
{
	unsigned int number = find_free(&p->head.mappings, &hints[2]);
	struct shared_mapping *to;

	if (number == PUBLISH_NO_ENTRY)
		return;
	to = &p->mappings[number - 1];
	write_begin(&to->seq);
	write_mapping(to, m);
	to->since = since;
	to->tid = tid;
	write_end(&to->seq);
}

void publish_mapping(uint64_t start, uint64_t end)
{
	struct publish_page *p = publish_at();
	struct mapping m;

	if (!p)
		return;
	for (uint64_t at = start; at < end && mapping_at(at, end - at, &m); at = m.end)
		add_mapping(p, &m, publish_now(), publish_thread());
}

/* What is left of one that was at @e, in pieces: the first stays there. */
static void recheck(struct publish_page *p, struct shared_mapping *e)
{
	const struct shared_mapping was = *e;
	bool first = true;
	struct mapping m;

	write_begin(&e->seq);
	e->live = 0;
	for (uint64_t at = was.start; at < was.end && mapping_at(at, was.end - at, &m); at = m.end) {
		if (first)
			write_mapping(e, &m);
		else
			add_mapping(p, &m, was.since, was.tid);
		first = false;
	}
	write_end(&e->seq);
}

void publish_unmapping(uint64_t start, uint64_t end)
{
	struct publish_page *p = publish_at();

	if (!p)
		return;
	for (unsigned int i = 0; i < p->head.mappings.used; i++) {
		struct shared_mapping *e = &p->mappings[i];

		if (e->live && e->start < end && e->end > start)
			recheck(p, e);
	}
}

static void publish_one(struct buffer *b)
{
	b->slot = 0;
	publish_buffer(b);
	for (struct import *imp = b->imports; imp; imp = imp->sibling) {
		imp->slot = 0;
		imp->counted = false;
		publish_import(imp);
	}
}

void publish_all(void)
{
	for (unsigned int i = 0; i < names_used(); i++)
		publish_name(i);
	buffers_visit(publish_one);
	publish_mapping(0, UINT64_MAX);
}
