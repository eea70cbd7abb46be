/* SPDX-License-Identifier: MIT */
/* What is remembered, as the shared page has it: all of it when the page is made, then each change.
 */
#ifndef PRIMESHIM_SNAPSHOT_H
#define PRIMESHIM_SNAPSHOT_H

#include <stdint.h>

/*
 * There is something to tell: makes the page if there is none, with what is remembered so far. The
 * thread that makes the page waits for the file system, and no other thread does. What others tell
 * meanwhile will be in the page's tables and counters, and not among its events. Not with a lock
 * held.
 */
void snapshot_open(void);

/* What mapping.h has in [start, end): it is new, or has changed. With buffers_lock() held. */
void snapshot_mapped(uint64_t start, uint64_t end);
void snapshot_changed(uint64_t start, uint64_t end);

/* The same, right before what is mapped in [start, end) is forgotten: its first piece, or all. */
void snapshot_unmap_first(uint64_t start, uint64_t end);
void snapshot_unmap(uint64_t start, uint64_t end, unsigned int serial);

#endif
