/* SPDX-License-Identifier: MIT */
/*
 * The shared page as this shim lays it out, for publish*.c alone.
 *
 * The shim writes the page and never reads it, but for the policy: whoever may write the file may
 * have put anything there. So the shim keeps a draft of the page in the process's own memory. The
 * draft has the layout of the page up to the events. The shim changes the draft, and copies what
 * has changed to the page. Of the events it keeps their number alone.
 */
#ifndef PRIMESHIM_PUBLISH_STATUS_H
#define PRIMESHIM_PUBLISH_STATUS_H

#include <stdatomic.h>

#include "kernel/status_file.h"
#include "names.h"

#define PUBLISH_EVENTS	8192

/* What finds no room in a table is left out, and counted (no_room). */
struct publish_status {
	struct status_file head;
	_Alignas(64) status_name names[NAMES];
	struct status_pair pairs[256];
	_Alignas(64) struct status_buffer buffers[1024];
	struct status_import imports[2000];
	struct status_mapping mappings[1024];
	_Alignas(64) struct status_event events[PUBLISH_EVENTS];
};

_Static_assert(sizeof(status_name) == NAME_LEN, "a name is as long there as here");

/* The page; NULL while there is none. */
extern _Atomic(struct publish_status *) publish_status;

static inline struct publish_status *publish_at(void)
{
	/* Acquire: pairs with the release in show_page(). */
	return atomic_load_explicit(&publish_status, memory_order_acquire);
}

/* publish_event.c: in the child of a fork() there is no page, and no event yet. */
void publish_events_forked(void);

/* The number of this thread. */
uint32_t publish_thread(void);

/*
 * publish_file.c: maps a new file in the directory @dir. 0, or a negative errno or reason and
 * nothing is left. One thread at a time. It may wait for the file system: not with a lock held.
 */
enum { NOT_OURS = -5000, SANDBOXED };	/* no errno is as large */
int publish_file(const char *dir, struct publish_status **out);

/* publish_status leads to the file now. With buffers_lock(): no fork() comes in between. */
void publish_file_done(void);

/*
 * In the child of a fork(): another thread may have been in between those two. The child undoes
 * what it has inherited of that.
 */
void publish_file_forked(void);

/*
 * publish_tables.c, all with buffers_lock() held: begins a draft, whose tables are empty, or
 * returns NULL without memory; and ends it.
 */
struct publish_status *publish_draft_begin(void);
void publish_draft_end(void);

/* The draft, or NULL: for the tests. */
const struct publish_status *publish_draft(void);

/* Copies the draft into a new page. */
void publish_draft_copy(struct publish_status *p);

/* The head's sections, as they are in every page. */
#define PUBLISH_SECTION(table) (struct status_section){				\
	.offset = offsetof(struct publish_status, table),				\
	.stride = sizeof(((struct publish_status *)0)->table[0]),			\
	.n = sizeof(((struct publish_status *)0)->table) /			\
	     sizeof(((struct publish_status *)0)->table[0]),			\
}

#endif
