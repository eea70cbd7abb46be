// SPDX-License-Identifier: MIT
/* Which descriptor is which; see descriptor.h. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/lock.h"
#include "base/pages.h"
#include "descriptor.h"
#include "file.h"
#include "kernel/next.h"
#include "kernel/page.h"
#include "kernel/sandbox.h"

#ifndef MADV_WIPEONFORK
#define MADV_WIPEONFORK 18	/* 4.14 */
#endif

/*
 * Pages of entries, made when needed and never given back, so they can be read without the lock.
 * The table ends at fs.nr_open's default of 2^20, and the shim keeps no record of descriptors
 * beyond.
 */
#define PER_PAGE	1024
#define PAGES		1024

/*
 * A struct file, or a struct buffer with the bit PRIVATE. Relaxed: a reader takes the lock before
 * it follows the pointer.
 */
typedef _Atomic(uintptr_t) entry_t;
#define PRIVATE		((uintptr_t)1)

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
	entry_t *page = fd < PER_PAGE * PAGES ?
				/*
				 * Acquire: pairs with the release in room_for(), so the reader sees
				 * a zeroed page.
				 */
				atomic_load_explicit(&table[fd / PER_PAGE], memory_order_acquire) :
				NULL;

	return page ? &page[fd % PER_PAGE] : NULL;
}

static uintptr_t get(unsigned int fd)
{
	entry_t *e = entry(fd);

	return e ? atomic_load_explicit(e, memory_order_relaxed) : 0;
}

static struct file *file_of(uintptr_t e)
{
	return e & PRIVATE ? NULL : (struct file *)e;
}

static struct buffer *buffer_of(uintptr_t e)
{
	return e & PRIVATE ? (struct buffer *)(e & ~PRIVATE) : NULL;
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
		madvise(page, page_size(), MADV_WIPEONFORK);
	*page = self();
	atomic_store_explicit(&owner, page, memory_order_release);
}

static bool room_for(unsigned int fd)
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

/* After room_for(@fd). */
static void put(unsigned int fd, uintptr_t what)
{
	uintptr_t old = atomic_exchange_explicit(entry(fd), what, memory_order_relaxed);
	struct file *was = file_of(old), *is = file_of(what);

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

/* The buffer of the private descriptor @fd if the buffer does not need @fd any more, else NULL. */
static const struct buffer *idle(int fd)
{
	struct buffer *b;
	bool needed;

	descriptors_lock();
	b = buffer_of(get(fd));
	descriptors_unlock();
	if (!b)
		return NULL;
	buffers_lock();
	needed = b->fd == fd && (b->mapped[0] || b->mapped[1]);
	if (!needed && b->fd == fd)
		b->fd = -1;
	buffers_unlock();
	return needed ? NULL : b;
}

void descriptors_drop_idle(void)
{
	int fd;

	for (unsigned int at = 0; (fd = descriptor_next(at, INT_MAX, true)) >= 0; at = fd + 1) {
		const struct buffer *b = idle(fd);

		if (b)
			descriptor_drop(fd, b, false);
	}
}

bool descriptors_orphaned(void)
{
	pid_t *page = owned();

	return page && !*page;
}

bool descriptor_known(int fd)
{
	return get(fd);
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

	if (!get(fd))
		return NULL;
	descriptors_lock();
	f = hold(file_of(get(fd)));
	descriptors_unlock();
	return f;
}

struct file *descriptor_peek(int fd)
{
	return file_of(get(fd));
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
	if (f ? room_for(fd) : !!file_of(get(fd))) {
		old = file_of(get(fd));
		put(fd, (uintptr_t)f);
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
		old = file_of(get(fd));
		if (old)
			put(fd, 0);
	}
	descriptors_unlock();
	file_put(old);
}

void descriptor_add(int fd, struct file *f)
{
	descriptors_lock();
	if (room_for(fd) && !file_of(get(fd))) {
		put(fd, (uintptr_t)f);
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
		if (get(fd) && !!(get(fd) & PRIVATE) == private)
			found = fd;
	descriptors_unlock();
	return found;
}

int descriptor_of(struct file *f)
{
	int found;

	descriptors_lock();
	for (unsigned int fd = 0; fd < used && f->refs && f->fd < 0; fd++)
		if (file_of(get(fd)) == f)
			f->fd = fd;
	found = f->refs ? f->fd : -1;
	descriptors_unlock();
	return found;
}

/*
 * Where private descriptors go: the first place that the limit (RLIMIT_NOFILE) allows. The other
 * numbers up to the limit stay the program's. So do those that select() can name (FD_SETSIZE),
 * where there is room beyond them. A higher number would blow up the kernel's table.
 */
static const struct {
	int first;
	int count;
} places[] = {
	{ 4096, 16384 }, { 1024, 512 }, { 768, 128 }, { 384, 64 }, { 192, 32 }, { 96, 16 },
	{ 48, 8 }, { 24, 4 }, { 12, 2 },
};

#define PLACES_COUNT (sizeof(places) / sizeof(places[0]))

static size_t place;		/* the place that the limit allows; under numbers */
static atomic_uint lowest;	/* private numbers lie from here on; 0: none yet; relaxed */

#define USUAL	2		/* the place for the limit that most systems have */

bool descriptor_contested(unsigned int fd)
{
	unsigned int from = atomic_load_explicit(&lowest, memory_order_relaxed);

	return from && fd >= from;
}

static bool in_place(int fd)
{
	return fd >= places[place].first && fd < places[place].first + places[place].count;
}

/*
 * @fd itself, or a duplicate, in a place where programs do not look for descriptors; or a negative
 * errno. Under numbers.
 */
static int raised(int fd)
{
	if (!sandbox_may(MAY_DUPFD))
		return -EPERM;
	/* The user or the program may have raised a limit that was lower than usual. */
	if (place > USUAL)
		place = 0;
	for (; place < PLACES_COUNT; place++) {
		unsigned int from = atomic_load_explicit(&lowest, memory_order_relaxed);
		int high;

		if (!from || from > (unsigned int)places[place].first)
			atomic_store_explicit(&lowest, places[place].first, memory_order_relaxed);
		if (in_place(fd))
			return fd;
		high = next.fcntl(fd, F_DUPFD_CLOEXEC, places[place].first);
		if (in_place(high))
			return high;
		if (high >= 0) {
			next.close(high);
			return -EMFILE;
		}
		/* EINVAL: the place lies beyond the limit. */
		if (errno != EINVAL)
			return -errno;
	}
	place = PLACES_COUNT - 1;
	return -EMFILE;
}

static bool make_private(int fd, struct buffer *b)
{
	struct file *old;
	bool done;

	descriptors_lock();
	old = file_of(get(fd));
	done = room_for(fd);
	if (done)
		put(fd, (uintptr_t)b | PRIVATE);
	descriptors_unlock();
	if (done)
		file_put(old);
	return done;
}

/* Drops the record that @fd is @b's; @fd may be another file's already. */
static void reveal(int fd, const struct buffer *b)
{
	descriptors_lock();
	if (buffer_of(get(fd)) == b)
		put(fd, 0);
	descriptors_unlock();
}

/*
 * Makes @fd the private descriptor of @b, unless @b has one or is no longer mapped. Under numbers.
 */
static bool give(struct buffer *b, int fd)
{
	bool wanted;

	buffers_lock();
	wanted = b->fd < 0 && (b->mapped[0] || b->mapped[1]);
	if (wanted) {
		b->fd = fd;
		b->fresh = true;
	}
	buffers_unlock();
	return wanted;
}

int descriptor_hide(int fd, struct buffer *b)
{
	int high, ret = 0;

	descriptor_numbers_lock();
	high = raised(fd);
	if (high != fd)
		next.close(fd);
	if (high < 0)
		ret = high;
	else if (!make_private(high, b))
		ret = -ENOMEM;
	else if (!give(b, high))
		reveal(high, b);
	else
		high = -1;
	if (high >= 0)
		next.close(high);
	descriptor_numbers_unlock();
	return ret;
}

bool descriptor_private(int fd)
{
	struct dmabuf_id id;
	struct buffer *b;

	if (!(get(fd) & PRIVATE))
		return false;
	descriptors_lock();
	b = buffer_of(get(fd));
	if (b)
		id = buffer_id(b);
	descriptors_unlock();
	if (!b)
		return false;
	if (dmabuf_is(fd, &id))
		return true;
	/* A raw system call has closed @fd: the number is the program's. */
	reveal(fd, b);
	return false;
}

void descriptor_drop(int fd, const struct buffer *b, bool sure)
{
	const struct dmabuf_id id = buffer_id(b);
	bool again;

	descriptor_numbers_lock();
	buffers_lock();
	again = b->fd == fd;
	buffers_unlock();
	/*
	 * The program may have put a descriptor of its own there, or closed @fd by a raw system
	 * call. Another thread may then have been given the number as the private descriptor of the
	 * same buffer.
	 */
	if (!again && buffer_of(get(fd)) == b) {
		sure = sure || dmabuf_is(fd, &id);
		reveal(fd, b);
		if (sure)
			next.close(fd);
	}
	descriptor_numbers_unlock();
}

void descriptor_gone(int fd, const struct buffer *b)
{
	descriptor_numbers_lock();
	reveal(fd, b);
	descriptor_numbers_unlock();
}

/*
 * The buffer whose private descriptor the program replaces at @fd, or NULL. A buffer's record lives
 * as long as its private descriptor.
 */
static struct buffer *taken_from(int fd)
{
	struct buffer *b;

	descriptors_lock();
	b = buffer_of(get(fd));
	descriptors_unlock();
	return b;
}

void descriptor_lose(int fd)
{
	struct buffer *b = taken_from(fd);

	if (!b)
		return;
	buffers_lock();
	if (b->fd == fd)
		b->fd = -1;
	buffers_unlock();
	reveal(fd, b);
}

bool descriptor_move(int fd, struct dmabuf_id *id, void (*await)(struct buffer *b))
{
	struct buffer *b = taken_from(fd);
	int high;

	if (!b)
		return false;
	*id = buffer_id(b);
	/* A raw system call has closed @fd: the descriptor there is the program's. */
	if (!dmabuf_is(fd, id))
		return false;
	high = sandbox_may(MAY_DUPFD) ?
	       next.fcntl(fd, F_DUPFD_CLOEXEC, places[place].first) : -1;
	if (!in_place(high) || !make_private(high, b)) {
		if (high >= 0)
			next.close(high);
		return false;
	}
	buffers_lock();
	/* A thread at DMA_BUF_IOCTL_SYNC uses the old number. */
	await(b);
	if (b->fd == fd) {
		b->fd = high;
		high = -1;
	}
	buffers_unlock();
	reveal(fd, b);
	/*
	 * The mapping has gone meanwhile, and its END was made; the program's call ends the
	 * descriptor @fd.
	 */
	if (high >= 0) {
		reveal(high, b);
		next.close(high);
	}
	return true;
}
