/* SPDX-License-Identifier: MIT */
/*
 * Mappings kept warm: most of what a map costs are the page faults that follow, and a program that
 * maps, touches and unmaps for each frame has them for each frame. When the program unmaps an
 * import's mapping of a dma-buf as a whole, the shim ends its bracket and drops its record as
 * ever, and keeps the pages mapped. The next mmap() of the same part, with the same protection,
 * gets the place back.
 *
 * The program must not notice. So a kept mapping is left, which means really unmapped,
 *
 *   - when the process has no import of the dma-buf any more: nothing is held that the program has
 *     let go of;
 *   - before any call of the program's that would meet it where natively nothing is mapped;
 *   - for want of memory, of addresses or of descriptors, and before an exporter's refusal is
 *     believed;
 *   - before the program limits itself (a filter, RLIMIT_AS, RLIMIT_NOFILE, chroot(2),
 *     mlockall(2)), and in the child of a fork();
 *   - when there are too many: PRIMESHIM_KEEP bytes, the entries of kept.h, and one private
 *     descriptor of 128 that RLIMIT_NOFILE allows. The oldest goes first.
 *
 * The caller holds no lock.
 */
#ifndef PRIMESHIM_WARM_H
#define PRIMESHIM_WARM_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "records/request.h"
#include "state/kept.h"

/* NOTE_* for a new mapping of the dma-buf, which says whether it may be kept. */
unsigned int warm_note(const void *addr, size_t len, int prot, int flags);

/*
 * The program unmaps the range. True if it was a mapping that the shim keeps: then there is
 * nothing left to do.
 */
bool warm_keep(void *addr, size_t len);

/*
 * A kept mapping of @len bytes of @b from @delta on, for a call of the program's that does not say
 * where: true and *@p. It counts as kept until warm_taken(), in mapped_begin(): until then no
 * other thread closes the private descriptor. @described: only if @b has such a descriptor, where
 * brackets are wanted.
 */
struct warm {
	struct kept *k;		/* NULL: there was none */
};
bool warm_take(struct buffer *b, size_t len, uint64_t delta, int prot, int flags, bool described,
	       struct warm *w, void **p);
void warm_taken(const struct warm *w);

/* Leaves what meets the range, or all. True if there was any. */
bool warm_leave(const void *addr, size_t len);
bool warm_leave_all(void);

/*
 * The program is about to change these pages, or to ask for them, by a call that knows nothing of
 * what is kept: leaves what meets the range, and what is mapped there is not kept later.
 */
void warm_touched(const void *addr, size_t len);

/* At the end of a hook: leaves what no import holds any more, and all where the mode says so. */
void warm_follow(void);

/* The limits may be others, or /proc another: asks anew. */
void warm_ask_again(void);

/* Nothing is kept any more. */
void warm_stop(void);

/* Leaves all, also what another thread is about to keep by what it knew of the limits. */
void warm_confine(void);

/*
 * fork(): nothing that is mapped now is kept later; with buffers_lock() held. In the child: leaves
 * all, and ends no bracket; warm_given_up() where the child cannot use the records, and only the
 * lock of the buffers is free.
 */
void warm_fork(void);
void warm_forked(void);
void warm_given_up(void);

#endif
