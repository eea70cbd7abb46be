/* SPDX-License-Identifier: MIT */
/*
 * The status file as this shim lays it out, for publish*.c alone.
 *
 * The shim writes the file and never reads it, but for the policy: another process that may write
 * the file may have put anything there. So the shim keeps a draft of the file in the process's own
 * memory. The draft has the layout of the file up to the events. The shim changes the draft, and
 * copies each change to the file. Of the events the shim keeps the number alone.
 */
#ifndef PRIMESHIM_PUBLISH_STATUS_H
#define PRIMESHIM_PUBLISH_STATUS_H

#include <stdatomic.h>

#include "kernel/status_file.h"
#include "names.h"

#define PUBLISH_EVENTS	8192

/* An object that finds no room in a table is left out, and counted (no_room). */
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

/* The mapped status file; NULL while there is none. */
extern _Atomic(struct publish_status *) publish_status;

static inline struct publish_status *publish_at(void)
{
	/* Acquire: pairs with the release in publish_made(). */
	return atomic_load_explicit(&publish_status, memory_order_acquire);
}

/*
 * publish_event.c: in the child of a fork() the number of events is 0, and there is no status file.
 */
void publish_events_forked(void);

/* This thread's number in the kernel; 0 where it may not be asked. */
uint32_t publish_thread(void);

/*
 * publish_file.c: makes and maps a new file in the directory @dir. 0; or a negative errno or a
 * reason, and nothing is left behind. *@policy: changed if primeshim set has asked for that (struct
 * status_wish). One thread at a time. The call may wait for the file system: the caller holds no
 * lock.
 */
enum { NOT_OURS = -5000, SANDBOXED };	/* reasons; no errno is as large */
int publish_file(const char *dir, struct publish_status **out, uint32_t *policy);

/*
 * publish_status leads to the file from now on. With buffers_lock() held, so no fork() comes
 * between.
 */
void publish_file_done(void);

/*
 * In the child of a fork(): another thread of the parent may have been between publish_file() and
 * publish_file_done(). The child undoes what it has inherited of that.
 */
void publish_file_forked(void);

/*
 * publish_tables.c, all with buffers_lock() held. publish_draft_begin() begins a draft with empty
 * tables, or returns NULL without memory. publish_draft_end() ends the draft.
 */
struct publish_status *publish_draft_begin(void);
void publish_draft_end(void);

/* The draft, or NULL: for the tests. */
const struct publish_status *publish_draft(void);

/* Copies the draft into a new status file. */
void publish_draft_copy(struct publish_status *p);

/* The sections of the head, the same in every status file. */
#define PUBLISH_SECTION(table) (struct status_section){				\
	.offset = offsetof(struct publish_status, table),				\
	.stride = sizeof(((struct publish_status *)0)->table[0]),			\
	.n = sizeof(((struct publish_status *)0)->table) /			\
	     sizeof(((struct publish_status *)0)->table[0]),			\
}

#endif
