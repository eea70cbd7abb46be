/* SPDX-License-Identifier: MIT */
/* The shared page as this shim lays it out, for publish.c and publish_tables.c alone. */
#ifndef PRIMESHIM_PUBLISH_PAGE_H
#define PRIMESHIM_PUBLISH_PAGE_H

#include <stdatomic.h>

#include "names.h"
#include "shared_page.h"

#define PUBLISH_EVENTS	8192

/* What finds no room in a table is left out, and counted (no_room). */
struct publish_page {
	struct shared_page head;
	_Alignas(64) shared_name names[NAMES];
	struct shared_pair pairs[256];
	_Alignas(64) struct shared_buffer buffers[1024];
	struct shared_import imports[2000];
	struct shared_mapping mappings[1024];
	_Alignas(64) struct shared_event events[PUBLISH_EVENTS];
};

_Static_assert(sizeof(shared_name) == NAME_LEN, "a name is as long there as here");

extern _Atomic(struct publish_page *) publish_page;

static inline struct publish_page *publish_at(void)
{
	/* Acquire: pairs with the release in open_page(). */
	return atomic_load_explicit(&publish_page, memory_order_acquire);
}

/* The number of this thread. */
uint32_t publish_thread(void);

/* All that is remembered, into a new page. With buffers_lock() held. */
void publish_all(void);

#endif
