// SPDX-License-Identifier: MIT
/* Memory for the tables of what is remembered; see pages.h. */
#include "config.h"

#include <string.h>
#include <sys/mman.h>

#include "kernel/next.h"
#include "kernel/page.h"
#include "kernel/sandbox.h"
#include "lock.h"
#include "pages.h"

/*
 * Bytes of address space that are reserved at a time: first a few, as a program may have little
 * left (RLIMIT_AS), then ever more. None of it is memory before it is used.
 */
#define RESERVED_FIRST	((size_t)1 << 20)
#define RESERVED_MOST	((size_t)(sizeof(void *) == 8 ? 16 : 1) << 20)

#define ORDERS		32

static struct lock lock;	/* taken last of all, and never alone */
static char *at, *end;		/* what is left of the reservation */
static size_t reserved = RESERVED_FIRST;	/* the next one's length */
static void *unused[ORDERS];	/* chains of blocks of 2^n pages; the first word leads on */

static unsigned int order_of(size_t len)
{
	unsigned int n = 0;

	while ((size_t)page_size() << n < len)
		n++;
	return n;
}

static void *carve(size_t len)
{
	void *p;

	if (!sandbox_may(MAY_PROTECT))
		return next_pages(len);
	if ((size_t)(end - at) < len) {
		size_t room = len > reserved ? len : reserved;

		/* Without MAP_NORESERVE, a flag that a filter may kill for: only what is used
		 * counts. */
		if (next_mmap(NULL, room, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0, &p) < 0)
			return next_pages(len);	/* RLIMIT_AS is tight */
		at = p;
		end = at + room;
		if (reserved < RESERVED_MOST)
			reserved *= 2;
	}
	p = at;
	if (next.mprotect(p, len, PROT_READ | PROT_WRITE) < 0)
		return next_pages(len);
	at += len;
	return p;
}

/* A block of 2^@n pages that was put back: the first part of a longer one, if there is no other. */
static void *reuse(unsigned int n)
{
	unsigned int from = n;
	char *p;

	while (from < ORDERS && !unused[from])
		from++;
	if (from == ORDERS)
		return NULL;
	p = unused[from];
	unused[from] = *(void **)p;
	*(void **)p = NULL;
	while (from-- > n) {
		void *rest = p + ((size_t)page_size() << from);

		*(void **)rest = unused[from];
		unused[from] = rest;
	}
	return p;
}

void *pages_get(size_t len)
{
	unsigned int n = order_of(len);
	void *p;

	if (n >= ORDERS)
		return NULL;
	lock_take(&lock);
	p = reuse(n);
	if (!p)
		p = carve((size_t)page_size() << n);
	lock_release(&lock);
	return p;
}

void pages_put(void *p, size_t len)
{
	unsigned int n = order_of(len);

	/* The kernel takes the memory back, and the pages are zeroes when they are touched again.
	 */
	if (!sandbox_may(MAY_MADVISE) || madvise(p, (size_t)page_size() << n, MADV_DONTNEED) < 0)
		memset(p, 0, (size_t)page_size() << n);
	lock_take(&lock);
	*(void **)p = unused[n];
	unused[n] = p;
	lock_release(&lock);
}
