/* SPDX-License-Identifier: MIT */
/*
 * The status file (status_file.h) as the shim writes it. These functions do nothing without
 * PRIMESHIM_DIR, and where the file cannot be made, which the shim reports once.
 */
#ifndef PRIMESHIM_PUBLISH_H
#define PRIMESHIM_PUBLISH_H

#include <stdbool.h>
#include <stdint.h>

#include "kernel/status_file.h"

/*
 * A buffer or an import stores the number + 1 of its entry in the status file. It stores this
 * value, for good, where its table was full. struct buffer has 11 bits for it.
 */
#define PUBLISH_NO_ENTRY	2047U

/* @number as the status file has it: 0 where there is no entry. */
static inline unsigned int publish_entry(unsigned int number)
{
	return number == PUBLISH_NO_ENTRY ? 0 : number;
}

/* Is there a status file, or is a thread making it? */
bool published(void);

/* Adopts the policy that a reader has written into the status file. The caller holds no lock. */
void publish_follow(void);

/*
 * In the child of a fork(): the status file is the parent's. The child's next snapshot_open() makes
 * its own.
 */
void publish_forked(void);

/* The process exits. Not called in the child of a vfork(). */
void publish_end(void);

/* Nanoseconds, CLOCK_MONOTONIC; 0 where the clock may not be asked (sandbox.h). */
uint64_t publish_now(void);

/*
 * Writes an event. The shim adds number and thread, and the time where @at is 0. With or without
 * locks.
 */
void publish_event(struct status_event e);

/* Everything below: with buffers_lock() held. */

/* So many bytes of mappings are kept now. */
void publish_kept(uint64_t bytes);

/*
 * Counts a call with the outcome of @key, and adds @bytes; @key's own count and bytes are ignored.
 */
void publish_pair(const struct status_pair *key, uint64_t bytes);

/* The name @number is @text, of NAME_LEN bytes. */
void publish_name(unsigned int number, const char *text);

/*
 * The buffer with entry @slot (0: a new buffer) is as in @b, but for the numbers that the status
 * file counts itself. Returns the buffer's entry from now on.
 */
unsigned int publish_buffer(unsigned int slot, const struct status_buffer *b);
void publish_buffer_gone(unsigned int slot);

/*
 * The buffer had @begins brackets begun and @ends ended, and @owed STARTs deferred. @ns:
 * nanoseconds in START.
 */
void publish_brackets(unsigned int slot, unsigned int begins, unsigned int ends,
		      unsigned int owed, uint64_t ns);

/* publish_buffer() and publish_buffer_gone() for an import. */
unsigned int publish_import(unsigned int slot, const struct status_import *imp);
void publish_import_gone(unsigned int slot);

void publish_mapping(const struct status_mapping *m);

/*
 * The mappings in [@start, @end) have changed or gone. @piece gives the first mapping that now
 * exists in [start, end), or returns false.
 */
typedef bool publish_piece_fn(uint64_t start, uint64_t end, struct status_mapping *m);
void publish_mapping_changed(uint64_t start, uint64_t end, publish_piece_fn *piece);

/*
 * The steps of making a status file, for snapshot.c.
 *
 * publish_due(): the process's number, if it has a file to make; 0 if it has none; or a reason for
 * publish_failed(). publish_begin(): the tables are kept from here on, and are empty; 1 where
 * another thread was first. publish_make() makes the file, and waits for the file system.
 * publish_made(): the file is shown, or given up where @ret, the result of publish_make(), is
 * negative. publish_failed() reports @reason, once.
 *
 * publish_begin() and publish_made(): with buffers_lock() held. The others: with no lock held. 0, a
 * negative errno, or a reason.
 */
int publish_due(void);
int publish_begin(int pid);
int publish_make(void);
void publish_made(int ret);
void publish_failed(int reason);

#endif
