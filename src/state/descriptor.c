// SPDX-License-Identifier: MIT
/* Which descriptor is which; see descriptor.h. */
#include "config.h"

#include <sys/mman.h>

#include "base/lock.h"
#include "base/pages.h"
#include "descriptor.h"
#include "entry.h"
#include "file.h"
#include "kernel/compat.h"
#include "kernel/next.h"
#include "kernel/page.h"
#include "kernel/sandbox.h"

/*
 * Pages of entries, made when needed and never given back, so they can be read without the lock.
 * The table ends at fs.nr_open's default of 2^20, and the shim keeps no record of descriptors
 * beyond.
 */
#define PER_PAGE	1024
#define PAGES		1024

/* See entry.h. Relaxed: a reader takes the lock before it follows the pointer. */
typedef _Atomic(uintptr_t) entry_t;

/*
 * Protects the numbers of private descriptors. The shim holds it over a call that closes one of
 * them or puts another file there. The kernel gives a number that is in use to no other thread.
 */
static struct lock numbers;

static struct lock lock;	/* for the following, and struct file's refs, fd, all, free */
static _Atomic(entry_t *) table[PAGES];
static unsigned int used;	/* entries from here on have always been empty */
static struct file *unused;	/* file records without a reference */
static atomic_uint taken;	/* how often a file has lost an entry; read without the lock */
static _Atomic(pid_t *) owner;	/* the records' process, in a page that fork() wipes; made once */

atomic_uint descriptors_live;

void descriptors_lock(void)
{
	lock_take(&lock);
}

void descriptors_unlock(void)
{
	lock_release(&lock);
}

void descriptor_numbers_lock(void)
{
	lock_take(&numbers);
}

void descriptor_numbers_unlock(void)
{
	lock_release(&numbers);
}

bool descriptors_free(void)
{
	return lock_free(&numbers) && lock_free(&lock);
}

static entry_t *entry(unsigned int fd)
{
	entry_t *page;

	if (fd >= PER_PAGE * PAGES)
		return NULL;
	/* Acquire: pairs with the release in entry_room(), so the reader sees a zeroed page. */
	page = atomic_load_explicit(&table[fd / PER_PAGE], memory_order_acquire);
	return page ? &page[fd % PER_PAGE] : NULL;
}

uintptr_t entry_get(unsigned int fd)
{
	entry_t *e = entry(fd);

	return e ? atomic_load_explicit(e, memory_order_relaxed) : 0;
}

static pid_t *owned(void)
{
	/* Acquire: pairs with the release in own(). */
	return atomic_load_explicit(&owner, memory_order_acquire);
}

/* This process's number; -1 where it may not be asked, and then the records count as its own. */
static pid_t self(void)
{
	pid_t pid = sandbox_pid();

	return pid ? pid : -1;
}

static void own(void)
{
	pid_t *page = next_pages(page_size());

	if (!page)
		return;
	/* A kernel before 4.14 does not know the flag: such a child then counts as a vfork()'s. */
	if (sandbox_may(MAY_MADVISE))
		next.madvise(page, page_size(), MADV_WIPEONFORK);
	*page = self();
	atomic_store_explicit(&owner, page, memory_order_release);
}

bool entry_room(unsigned int fd)
{
	entry_t *page;

	if (fd >= PER_PAGE * PAGES)
		return false;
	if (entry(fd))
		return true;
	if (!owned())
		own();
	page = pages_get(PER_PAGE * sizeof(*page));
	if (page)
		atomic_store_explicit(&table[fd / PER_PAGE], page, memory_order_release);
	return page;
}

void entry_put(unsigned int fd, uintptr_t what)
{
	uintptr_t old = atomic_exchange_explicit(entry(fd), what, memory_order_relaxed);
	struct file *was = entry_file(old), *is = entry_file(what);

	if (was && was != is)
		atomic_fetch_add_explicit(&taken, 1, memory_order_relaxed);
	if (was && was->fd == (int)fd)
		was->fd = -1;
	if (is && is->fd < 0)
		is->fd = fd;
	if (fd >= used)
		used = fd + 1;
	if (!old != !what)
		atomic_fetch_add_explicit(&descriptors_live, what ? 1 : -1, memory_order_relaxed);
}

bool descriptors_borrowed(void)
{
	pid_t *page = owned();

	return page && *page > 0 && sandbox_may(MAY_GETPID) && *page != self();
}

void descriptors_forked(void)
{
	sandbox_forked();
	if (owned())
		*owned() = self();
}

bool descriptors_orphaned(void)
{
	pid_t *page = owned();

	return page && !*page;
}

bool descriptor_known(int fd)
{
	return entry_get(fd);
}

static struct file *hold(struct file *f)
{
	if (f)
		f->refs++;
	return f;
}

struct file *descriptor_file(int fd)
{
	struct file *f;

	if (!entry_get(fd))
		return NULL;
	descriptors_lock();
	f = hold(entry_file(entry_get(fd)));
	descriptors_unlock();
	return f;
}

struct file *descriptor_peek(int fd)
{
	return entry_file(entry_get(fd));
}

void file_put(struct file *f)
{
	bool last;

	if (!f)
		return;
	descriptors_lock();
	last = f->refs == 1;
	if (!last)
		f->refs--;
	descriptors_unlock();
	if (!last)
		return;
	/*
	 * No thread can find the record any more, and no thread reuses it before it has no
	 * reference.
	 */
	file_clear(f);
	descriptors_lock();
	f->refs = 0;
	f->free = unused;
	unused = f;
	descriptors_unlock();
}

struct file *descriptors_reuse(void)
{
	struct file *f;

	descriptors_lock();
	f = unused;
	if (f)
		unused = f->free;
	descriptors_unlock();
	return f;
}

unsigned int descriptors_taken(void)
{
	return atomic_load_explicit(&taken, memory_order_relaxed);
}

void descriptor_set(int fd, struct file *f)
{
	struct file *old = NULL;

	descriptors_lock();
	if (f ? entry_room(fd) : !!entry_file(entry_get(fd))) {
		old = entry_file(entry_get(fd));
		entry_put(fd, (uintptr_t)f);
		f = NULL;
	}
	descriptors_unlock();
	file_put(old);
	file_put(f);
}

void descriptor_closed(int fd, unsigned int since)
{
	struct file *old = NULL;

	descriptors_lock();
	if (descriptors_taken() == since) {
		old = entry_file(entry_get(fd));
		if (old)
			entry_put(fd, 0);
	}
	descriptors_unlock();
	file_put(old);
}

void descriptor_add(int fd, struct file *f)
{
	descriptors_lock();
	if (entry_room(fd) && !entry_file(entry_get(fd))) {
		entry_put(fd, (uintptr_t)f);
		f = NULL;
	}
	descriptors_unlock();
	file_put(f);
}

int descriptor_next(unsigned int first, unsigned int last, bool private)
{
	int found = -1;

	descriptors_lock();
	for (unsigned int fd = first; fd < used && fd <= last && found < 0; fd++)
		if (entry_get(fd) && !!(entry_get(fd) & ENTRY_PRIVATE) == private)
			found = fd;
	descriptors_unlock();
	return found;
}

int descriptor_of(struct file *f)
{
	int found;

	descriptors_lock();
	for (unsigned int fd = 0; fd < used && f->refs && f->fd < 0; fd++)
		if (entry_file(entry_get(fd)) == f)
			f->fd = fd;
	found = f->refs ? f->fd : -1;
	descriptors_unlock();
	return found;
}
