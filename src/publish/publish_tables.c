// SPDX-License-Identifier: MIT
/*
 * The tables of the status file, kept as the records change; see publish.h. All writes are made
 * with buffers_lock() held, so there is one writer at a time: into the draft (publish_status.h),
 * and from there into the file. Readers of the file go by @seq.
 */
#include "config.h"

#include <stddef.h>
#include <string.h>

#include "kernel/next.h"
#include "kernel/page.h"
#include "publish.h"
#include "publish_status.h"

#define COUNT(table)	(sizeof(table) / sizeof((table)[0]))

/* The draft leaves out the events. */
#define DRAFT_SIZE	offsetof(struct publish_status, events)

/*
 * The draft stays mapped when it has ended: a signal handler may have forked during a change of it,
 * and the child returns to that change.
 */
static struct publish_status *draft;
static bool kept;		/* the draft has begun, and not ended */

/*
 * By table: all entries below this one are in use. The lowest free entry is always used, which
 * keeps @used of the table small.
 */
enum { BUFFERS, IMPORTS, MAPPINGS, TABLES };
static unsigned int full[TABLES];

/* Entries of the tables that change (buffers, imports, mappings) begin with these fields. */
struct any_entry {
	shared_u32 seq;
	uint8_t live;
};

/* The place in the status file of the draft's @from; NULL while there is no file. */
static void *place(const void *from)
{
	char *p = (char *)publish_at();

	return p ? p + ((const char *)from - (const char *)draft) : NULL;
}

static void show_u32(const shared_u32 *from)
{
	shared_u32 *to = place(from);

	/* Release: a reader sees entries before the number that says they are in use. */
	if (to)
		__atomic_store_n(to, *from, __ATOMIC_RELEASE);
}

static void show_u64(const shared_u64 *from)
{
	shared_u64 *to = place(from);

	if (to)
		__atomic_store_n(to, *from, __ATOMIC_RELAXED);
}

static void show_bytes(const void *from, size_t len)
{
	void *to = place(from);

	if (to)
		memcpy(to, from, len);
}

/* Around a change of an entry: its @seq is odd meanwhile. */
static void write_begin(void *e)
{
	struct any_entry *from = e, *to = place(from);

	from->seq++;
	if (!to)
		return;
	__atomic_store_n(&to->seq, from->seq, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_RELEASE);
}

static void write_end(void *e, size_t size)
{
	const size_t number = sizeof(((struct any_entry *)0)->seq);
	struct any_entry *from = e, *to = place(from);

	from->seq++;
	if (!to)
		return;
	memcpy((char *)to + number, (char *)from + number, size - number);
	__atomic_store_n(&to->seq, from->seq, __ATOMIC_RELEASE);
}

static void no_room(void)
{
	draft->head.no_room++;
	show_u32(&draft->head.no_room);
}

/*
 * The number + 1 of a free entry of a table: @n entries of @size bytes from @first on. *@at is the
 * table's @full. PUBLISH_NO_ENTRY where no entry is free.
 */
static unsigned int find_free(const void *first, size_t size, unsigned int n, shared_u32 *used,
			      unsigned int *at)
{
	for (; *at < n; (*at)++) {
		if (((const struct any_entry *)((const char *)first + *at * size))->live)
			continue;
		if (*at >= *used) {
			*used = *at + 1;
			show_u32(used);
		}
		return ++*at;
	}
	no_room();
	return PUBLISH_NO_ENTRY;
}

#define FIND_FREE(table, id)							\
	find_free(draft->table, sizeof(draft->table[0]), COUNT(draft->table),	\
		  &draft->head.table.used, &full[id])

/* Entry @number - 1 has become free. */
static void freed(unsigned int id, unsigned int number)
{
	if (number - 1 < full[id])
		full[id] = number - 1;
}

static void clear(void *e, size_t size, unsigned int id, unsigned int number)
{
	write_begin(e);
	((struct any_entry *)e)->live = 0;
	write_end(e, size);
	freed(id, number);
}

#define CLEAR(table, id, number)						\
	clear(&draft->table[(number) - 1], sizeof(draft->table[0]), id, number)

void publish_name(unsigned int number, const char *text)
{
	if (!kept)
		return;
	memcpy(draft->names[number], text, NAME_LEN);
	show_bytes(draft->names[number], NAME_LEN);
	draft->head.names.used = number + 1;
	show_u32(&draft->head.names.used);
}

void publish_pair(const struct status_pair *key, uint64_t bytes)
{
	const size_t len = offsetof(struct status_pair, count);
	struct status_pair *p;
	uint32_t i = 0;

	if (!kept)
		return;
	while (i < draft->head.pairs.used && memcmp(&draft->pairs[i], key, len))
		i++;
	if (i == COUNT(draft->pairs)) {
		no_room();
		return;
	}
	p = &draft->pairs[i];
	if (i == draft->head.pairs.used) {
		memcpy(p, key, len);
		show_bytes(p, len);
		draft->head.pairs.used++;
		show_u32(&draft->head.pairs.used);
	}
	p->count++;
	show_u64(&p->count);
	p->bytes += bytes;
	show_u64(&p->bytes);
}

unsigned int publish_buffer(unsigned int slot, const struct status_buffer *b)
{
	struct status_buffer *e;
	bool fresh = !slot;

	if (!kept || slot == PUBLISH_NO_ENTRY)
		return slot;
	if (fresh)
		slot = FIND_FREE(buffers, BUFFERS);
	if (slot == PUBLISH_NO_ENTRY)
		return slot;
	e = &draft->buffers[slot - 1];
	write_begin(e);
	if (fresh)
		memset((char *)e + sizeof(e->seq), 0, sizeof(*e) - sizeof(e->seq));
	e->live = 1;
	e->exporter = b->exporter;
	e->turn = b->turn;
	e->no_brackets = b->no_brackets;
	e->ino = b->ino;
	e->size = b->size;
	write_end(e, sizeof(*e));
	return slot;
}

void publish_buffer_gone(unsigned int slot)
{
	if (kept && publish_entry(slot))
		CLEAR(buffers, BUFFERS, slot);
}

static void add(shared_u64 *to, uint64_t n)
{
	*to += n;
	if (n)
		show_u64(to);
}

void publish_brackets(unsigned int slot, unsigned int begins, unsigned int ends,
		      unsigned int owed, uint64_t ns)
{
	struct status_buffer *e;

	if (!kept)
		return;
	if (ns > draft->head.blocked_most) {
		draft->head.blocked_most = ns;
		show_u64(&draft->head.blocked_most);
	}
	if (!publish_entry(slot))
		return;
	e = &draft->buffers[slot - 1];
	add(&e->begins, begins);
	add(&e->ends, ends);
	add(&e->owed, owed);
	add(&e->blocked, ns);
}

static void count_imports(int more)
{
	struct status_file *h = &draft->head;

	h->imports_live += more;
	show_u32(&h->imports_live);
	if (h->imports_live > h->imports_most) {
		h->imports_most = h->imports_live;
		show_u32(&h->imports_most);
	}
}

unsigned int publish_import(unsigned int slot, const struct status_import *imp)
{
	struct status_import *e;

	if (!kept)
		return slot;
	if (!slot) {
		count_imports(1);
		slot = FIND_FREE(imports, IMPORTS);
	}
	if (slot == PUBLISH_NO_ENTRY)
		return slot;
	e = &draft->imports[slot - 1];
	write_begin(e);
	if (!e->live) {
		e->since = publish_now();
		e->tid = publish_thread();
	}
	e->live = 1;
	e->importer = imp->importer;
	e->buffer = imp->buffer;
	e->handle = imp->handle;
	write_end(e, sizeof(*e));
	return slot;
}

void publish_import_gone(unsigned int slot)
{
	if (!kept || !slot)
		return;
	count_imports(-1);
	if (publish_entry(slot))
		CLEAR(imports, IMPORTS, slot);
}

static void write_mapping(struct status_mapping *e, const struct status_mapping *m)
{
	e->live = 1;
	e->importer = m->importer;
	e->by = m->by;
	e->buffer = m->buffer;
	e->prot = m->prot;
	e->start = m->start;
	e->end = m->end;
}

static void add_mapping(const struct status_mapping *m, uint64_t since, uint32_t tid)
{
	unsigned int number = FIND_FREE(mappings, MAPPINGS);
	struct status_mapping *e;

	if (number == PUBLISH_NO_ENTRY)
		return;
	e = &draft->mappings[number - 1];
	write_begin(e);
	write_mapping(e, m);
	e->since = since;
	e->tid = tid;
	write_end(e, sizeof(*e));
}

void publish_mapping(const struct status_mapping *m)
{
	if (kept)
		add_mapping(m, publish_now(), publish_thread());
}

/*
 * Writes the rest of the mapping that @e had, which may be in pieces: the first piece stays in @e.
 */
static void recheck(struct status_mapping *e, publish_piece_fn *piece)
{
	const struct status_mapping was = *e;
	struct status_mapping m;
	bool first = true;

	write_begin(e);
	e->live = 0;
	for (uint64_t at = was.start; at < was.end && piece(at, was.end, &m); at = m.end) {
		if (first)
			write_mapping(e, &m);
		else
			add_mapping(&m, was.since, was.tid);
		first = false;
	}
	write_end(e, sizeof(*e));
	if (first)
		freed(MAPPINGS, e - draft->mappings + 1);
}

void publish_mapping_changed(uint64_t start, uint64_t end, publish_piece_fn *piece)
{
	struct status_mapping *e;

	if (!kept)
		return;
	e = draft->mappings;
	for (uint32_t n = draft->head.mappings.used; n; n--, e++)
		if (e->live && e->start < end && e->end > start)
			recheck(e, piece);
}

struct publish_status *publish_draft_begin(void)
{
	if (draft)
		memset(draft, 0, DRAFT_SIZE);
	else
		draft = next_pages(page_round(DRAFT_SIZE));
	if (!draft)
		return NULL;
	memset(full, 0, sizeof(full));
	kept = true;
	draft->head.names = PUBLISH_SECTION(names);
	draft->head.pairs = PUBLISH_SECTION(pairs);
	draft->head.buffers = PUBLISH_SECTION(buffers);
	draft->head.imports = PUBLISH_SECTION(imports);
	draft->head.mappings = PUBLISH_SECTION(mappings);
	draft->head.events = PUBLISH_SECTION(events);
	return draft;
}

void publish_draft_end(void)
{
	kept = false;
}

const struct publish_status *publish_draft(void)
{
	return kept ? draft : NULL;
}

void publish_draft_copy(struct publish_status *p)
{
	memcpy(p, draft, DRAFT_SIZE);
}
