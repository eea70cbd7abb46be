// SPDX-License-Identifier: MIT
/* Memory for the tables of the records; see pages.h. */
#include "config.h"

#include <string.h>
#include <sys/mman.h>

#include "kernel/next.h"
#include "kernel/page.h"
#include "kernel/sandbox.h"
#include "lock.h"
#include "pages.h"

/*
 * Bytes of address space in one reservation. The first reservation is small, since a program may
 * have little address space left (RLIMIT_AS). Each further one is twice as large, up to
 * RESERVED_MOST. The kernel gives no memory before a page is used.
 */
#define RESERVED_FIRST	((size_t)1 << 20)
#define RESERVED_MOST	((size_t)(sizeof(void *) == 8 ? 16 : 1) << 20)

#define ORDERS		32

static struct lock lock;	/* taken last of all locks, and never alone */
static char *at, *end;		/* the unused rest of the reservation */
static size_t reserved = RESERVED_FIRST;	/* bytes of the next reservation */
static void *unused[ORDERS];	/* chains of blocks of 2^n pages, by their first word */

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

		/*
		 * A seccomp filter may kill for MAP_NORESERVE, so the flag is left out: the kernel
		 * accounts for writable pages only.
		 */
		if (next_mmap(NULL, room, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0, &p) < 0)
			return next_pages(len);	/* RLIMIT_AS leaves room for this block only */
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

/*
 * A block of 2^@n pages that was put back, or the first part of a longer one; NULL where none is
 * free.
 */
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

	/* The kernel takes the memory back, and gives zeroed pages at the next touch. */
	if (!sandbox_may(MAY_MADVISE) ||
	    next.madvise(p, (size_t)page_size() << n, MADV_DONTNEED) < 0)
		memset(p, 0, (size_t)page_size() << n);
	lock_take(&lock);
	*(void **)p = unused[n];
	unused[n] = p;
	lock_release(&lock);
}
