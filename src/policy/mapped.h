/* SPDX-License-Identifier: MIT */
/*
 * Following the mappings of imports from mmap to munmap: brackets begin and end with them. None of
 * these functions may be called with a lock held.
 */
#ifndef PRIMESHIM_MAPPED_H
#define PRIMESHIM_MAPPED_H

#include <stdbool.h>
#include <stddef.h>

#include "state/buffer.h"

struct warm;

/*
 * [p, p + len) shows @b since now, with the @lead bytes before it. @note: NOTE_* of mapping.h.
 * Consumes @dmabuf, a descriptor of it (-1: none, and no bracket), and the caller's reference to
 * @b. @w: of warm_take(), or NULL: the place is not kept any more once it is recorded, and before
 * the START, during which a handler may fork or jump.
 */
void mapped_begin(struct buffer *b, void *p, size_t len, size_t lead, int prot, unsigned int note,
		  int dmabuf, const struct warm *w);

/* What was mapped in the range is, or is about to be, gone: END what is over. */
void mapped_end(void *addr, size_t len);

/*
 * Around a call with MAP_FIXED or MREMAP_FIXED. The kernel may unmap the place and then refuse the
 * call, and another thread may be given the gap before we get to look at it. @newest: what
 * mapped_newest() said before the call, so that what another thread has put there stays recorded.
 * @gone: the kernel has unmapped the place, as is known by its errno; otherwise the kernel is asked
 * what is there.
 */
unsigned int mapped_newest(void);
void mapped_refused(void *addr, size_t len, unsigned int newest, bool gone);

/* munmap(). 0 or a negative errno. */
int mapped_unmap(void *addr, size_t len);

/* mprotect(). 0 or a negative errno. */
int mapped_protect(void *addr, size_t len, int prot);

/*
 * In the child of a fork(), which has none of what was mapped with MADV_DONTFORK: forget what is
 * not there.
 */
void mapped_forked(void);

/* Is there any mapping of an import? */
bool mapped_any(void);

/* Is something mapped at all of these addresses, by whomever? */
bool mapped_there(uint64_t at, uint64_t len);

/* mremap(), in mremap.c. 0 and *@out, or a negative errno. */
int mapped_move(void *old, size_t old_len, size_t len, int flags, void *to, void **out);

#endif
