// SPDX-License-Identifier: MIT
/* The private descriptors; see private.h. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>

#include "descriptor.h"
#include "entry.h"
#include "file.h"
#include "kernel/dmabuf.h"
#include "kernel/next.h"
#include "kernel/sandbox.h"
#include "private.h"

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
 * @fd itself (not if @copy), or a duplicate, in a place where programs do not look for descriptors;
 * or a negative errno. Under numbers.
 */
static int raised(int fd, bool copy)
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
		if (in_place(fd) && !copy)
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
	old = entry_file(entry_get(fd));
	done = entry_room(fd);
	if (done)
		entry_put(fd, (uintptr_t)b | ENTRY_PRIVATE);
	descriptors_unlock();
	if (done)
		file_put(old);
	return done;
}

/* Drops the record that @fd is @b's; @fd may be another file's already. */
static void reveal(int fd, const struct buffer *b)
{
	descriptors_lock();
	if (entry_buffer(entry_get(fd)) == b)
		entry_put(fd, 0);
	descriptors_unlock();
}

/*
 * Makes @fd the private descriptor of @b, unless @b has one or is no longer mapped. @fresh: @fd is
 * surely the dma-buf's. Under numbers.
 */
static bool give(struct buffer *b, int fd, bool fresh)
{
	bool wanted;

	buffers_lock();
	wanted = buffer_fd(b) < 0 && buffer_is_mapped(b) && buffer_set_fd(b, fd);
	if (wanted)
		b->fresh = fresh;
	buffers_unlock();
	return wanted;
}

static int hide(int fd, struct buffer *b, bool copy)
{
	int high, ret = 0;

	descriptor_numbers_lock();
	high = raised(fd, copy);
	if (high != fd && !copy)
		next.close(fd);
	if (high < 0)
		ret = high;
	else if (!make_private(high, b))
		ret = -ENOMEM;
	else if (!give(b, high, !copy))
		reveal(high, b);
	else
		high = -1;
	if (high >= 0)
		next.close(high);
	descriptor_numbers_unlock();
	return ret;
}

int descriptor_hide(int fd, struct buffer *b)
{
	return hide(fd, b, false);
}

int descriptor_hide_copy(int fd, struct buffer *b)
{
	return hide(fd, b, true);
}

bool descriptor_private(int fd)
{
	struct dmabuf_id id;
	struct buffer *b;

	if (!(entry_get(fd) & ENTRY_PRIVATE))
		return false;
	descriptors_lock();
	b = entry_buffer(entry_get(fd));
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
	again = buffer_fd(b) == fd;
	buffers_unlock();
	/*
	 * The program may have put a descriptor of its own there, or closed @fd by a raw system
	 * call. Another thread may then have been given the number as the private descriptor of the
	 * same buffer.
	 */
	if (!again && entry_buffer(entry_get(fd)) == b) {
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
	b = entry_buffer(entry_get(fd));
	descriptors_unlock();
	return b;
}

void descriptor_lose(int fd)
{
	struct buffer *b = taken_from(fd);

	if (!b)
		return;
	buffers_lock();
	if (buffer_fd(b) == fd)
		buffer_set_fd(b, -1);
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
	if (buffer_fd(b) == fd && buffer_set_fd(b, high))
		high = -1;
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

/* The buffer of the private descriptor @fd if the buffer does not need @fd any more, else NULL. */
static const struct buffer *idle(int fd)
{
	struct buffer *b;
	bool needed;

	descriptors_lock();
	b = entry_buffer(entry_get(fd));
	descriptors_unlock();
	if (!b)
		return NULL;
	buffers_lock();
	needed = buffer_fd(b) == fd && (buffer_is_mapped(b) || buffer_is_kept(b));
	if (!needed && buffer_fd(b) == fd)
		buffer_set_fd(b, -1);
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
