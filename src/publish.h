/* SPDX-License-Identifier: MIT */
/*
 * The shared page (shared_page.h) as the shim writes it. Without PRIMESHIM_DIR, and where no page
 * can be made, which is told once, every function here does nothing.
 */
#ifndef PRIMESHIM_PUBLISH_H
#define PRIMESHIM_PUBLISH_H

#include <stdbool.h>
#include <stdint.h>

#include "shared_page.h"

struct buffer;
struct import;

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

/*
 * There is something to tell: makes the page if there is none, with what is remembered so far. The
 * thread that makes the page waits for the file system, and no other thread does. What others tell
 * meanwhile will be in the page's tables and counters, and not among its events. Not with a lock
 * held.
 */
void publish_open(void);

/* Is there a page, or will there be one soon? */
bool published(void);

/* Heeds what a reader has written into the page: the mode from here on. Not with a lock held. */
void publish_follow(void);

/* In the child of a fork(): the page is the parent's. The next publish_open() makes its own. */
void publish_forked(void);

/* The process exits. */
void publish_end(void);

/* Nanoseconds, CLOCK_MONOTONIC. */
uint64_t publish_now(void);

/* Its @at is now if it is 0; number and thread are added. With or without locks. */
void publish_event(struct shared_event e);

/* Everything below with buffers_lock() held. */

/* Another call that came to that: key alone counts, @count and @bytes are added. */
void publish_pair(const struct shared_pair *key, uint64_t bytes);

void publish_name(unsigned int number);

/* @b has changed; or is going. */
void publish_buffer(struct buffer *b);
void publish_buffer_gone(struct buffer *b);

/* @b had brackets begun or ended, or a START left owed; @ns in START. */
void publish_brackets(const struct buffer *b, unsigned int begins, unsigned int ends,
		      unsigned int owed, uint64_t ns);

void publish_import(struct import *imp);
void publish_import_gone(struct import *imp);

/* mapping.h has one more in [start, end); or what it had there has changed or gone. */
void publish_mapping(uint64_t start, uint64_t end);
void publish_unmapping(uint64_t start, uint64_t end);

#endif
