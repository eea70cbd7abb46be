/* SPDX-License-Identifier: MIT */
/* Writes the records to the status file: all of them when the file is made, then each change. */
#ifndef PRIMESHIM_SNAPSHOT_H
#define PRIMESHIM_SNAPSHOT_H

#include <stdint.h>

/*
 * Makes the status file, with all records so far, if there is none: for a caller that has an event
 * to report. The thread that makes the file waits for the file system, and no other thread does.
 * Changes that other threads report meanwhile will be in the file's tables and counters, and not
 * among its events. The caller holds no lock.
 */
void snapshot_open(void);

/*
 * snapshot_mapped(): the mappings in [start, end) are new. snapshot_changed(): they have changed.
 * With buffers_lock() held.
 */
void snapshot_mapped(uint64_t start, uint64_t end);
void snapshot_changed(uint64_t start, uint64_t end);

/*
 * Reports an unmap, right before the records in [start, end) go: of the first mapping there, or of
 * all those with @serial. With buffers_lock() held.
 */
void snapshot_unmap_first(uint64_t start, uint64_t end);
void snapshot_unmap(uint64_t start, uint64_t end, unsigned int serial);

#endif
