/* SPDX-License-Identifier: MIT */
/*
 * The shared page (status_file.h) as the shim writes it. Without PRIMESHIM_DIR, and where no page
 * can be made, which is told once, every function here does nothing.
 */
#ifndef PRIMESHIM_PUBLISH_H
#define PRIMESHIM_PUBLISH_H

#include <stdbool.h>
#include <stdint.h>

#include "kernel/status_file.h"

/*
 * A buffer or an import has the number + 1 of its entry in the page; or this, for good, where its
 * table was full. struct buffer has 11 bits for it.
 */
#define PUBLISH_NO_ENTRY	2047U

/* The number as the page has it: 0 for none. */
static inline unsigned int publish_entry(unsigned int number)
{
	return number == PUBLISH_NO_ENTRY ? 0 : number;
}

/* Is there a page, or will there be one soon? */
bool published(void);

/* Heeds what a reader has written into the page: the mode from here on. Not with a lock held. */
void publish_follow(void);

/* In the child of a fork(): the page is the parent's. The next snapshot_open() makes its own. */
void publish_forked(void);

/* The process exits. Not in the child of a vfork(). */
void publish_end(void);

/* Nanoseconds, CLOCK_MONOTONIC. */
uint64_t publish_now(void);

/* Its @at is now if it is 0; number and thread are added. With or without locks. */
void publish_event(struct status_event e);

/* Everything below with buffers_lock() held. */

/* Another call that came to that: key alone counts, @count and @bytes are added. */
void publish_pair(const struct status_pair *key, uint64_t bytes);

/* The name with that number is @text, of NAME_LEN bytes. */
void publish_name(unsigned int number, const char *text);

/*
 * The buffer with that number has changed (0: it is new): @b, but for what the page counts. Returns
 * its number from here on.
 */
unsigned int publish_buffer(unsigned int slot, const struct status_buffer *b);
void publish_buffer_gone(unsigned int slot);

/* The buffer had brackets begun or ended, or a START left owed; @ns in START. */
void publish_brackets(unsigned int slot, unsigned int begins, unsigned int ends,
		      unsigned int owed, uint64_t ns);

/* The same of an import. */
unsigned int publish_import(unsigned int slot, const struct status_import *imp);
void publish_import_gone(unsigned int slot);

void publish_mapping(const struct status_mapping *m);

/*
 * What was mapped in [@start, @end) has changed or gone. @piece gives the first mapping that there
 * is now in [start, end), or false.
 */
typedef bool publish_piece_fn(uint64_t start, uint64_t end, struct status_mapping *m);
void publish_mapping_changed(uint64_t start, uint64_t end, publish_piece_fn *piece);

/*
 * The making of a page, step by step, for snapshot.c. publish_due(): this process's number, if it
 * has a page to make; else 0, or a reason for publish_failed(). publish_begin(): the tables are
 * kept from here on, and are empty; 1 where another thread was first. publish_make() makes the
 * file, and waits for the file system. publish_made(): the page is shown, or given up, as that has
 * said. publish_failed() tells the reason, once. publish_begin() and publish_made() with
 * buffers_lock() held, the others not with a lock held. A negative errno or reason; 0.
 */
int publish_due(void);
int publish_begin(int pid);
int publish_make(void);
void publish_made(int ret);
void publish_failed(int reason);

#endif
