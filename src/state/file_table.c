// SPDX-License-Identifier: MIT
/* Which descriptor leads to which open DRM file; see file_table.h. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/lock.h"
#include "base/pages.h"
#include "base/pool.h"
#include "descriptor.h"
#include "file_table.h"
#include "import.h"
#include "kernel/next.h"
#include "kernel/sandbox.h"
#include "timeline.h"

/*
 * One thread at a time looks for a file and makes its record, or one file would have two records.
 * The lock protects the variables that follow.
 */
static struct lock making;
static struct pool pool = POOL(struct file);

/*
 * The files in the kernel's order of open files (kcmp(2)): the shim finds a duplicate among 10,000
 * files by 14 questions. Records that lost their last descriptor leave the order when tidy() meets
 * them.
 */
static struct file **order;
static size_t ordered, order_room;

static struct file *files;	/* all records, in use or not; under descriptors_lock() */

static uint64_t handle_of(const struct hash_link *l)
{
	return ((const struct import *)l)->handle;
}

struct file *file_lock(int fd)
{
	for (;;) {
		struct file *f = descriptor_peek(fd);

		if (!f)
			return NULL;
		lock_take(&f->lock);
		/*
		 * A thread that takes a file's last descriptor away clears the file with its lock
		 * held.
		 */
		if (descriptor_peek(fd) == f)
			return f;
		lock_release(&f->lock);
	}
}

void file_unlock(struct file *f)
{
	lock_release(&f->lock);
}

/* Takes records without a file out of the order. */
static void tidy(void)
{
	size_t n = 0;

	descriptors_lock();
	for (size_t i = 0; i < ordered; i++)
		if (order[i]->refs)
			order[n++] = order[i];
	descriptors_unlock();
	ordered = n;
}

static bool order_has_room(void)
{
	size_t room = order_room ? order_room * 2 : 512;
	struct file **bigger;

	if (ordered < order_room)
		return true;
	bigger = pages_get(room * sizeof(*bigger));
	if (!bigger)
		return false;
	if (order_room) {
		memcpy(bigger, order, ordered * sizeof(*order));
		pages_put(order, order_room * sizeof(*order));
	}
	order = bigger;
	order_room = room;
	return true;
}

/* Without memory the shim does not recognise a later duplicate of @f. */
static void put_in_order(struct file *f, size_t at)
{
	if (!order_has_room())
		return;
	memmove(&order[at + 1], &order[at], (ordered - at) * sizeof(*order));
	order[at] = f;
	ordered++;
}

/* A new record with one reference, its lock free; or NULL. */
static struct file *file_new(dev_t rdev, uint8_t access)
{
	struct file *f = descriptors_reuse();

	if (f) {
		/* The old record may still be in the order. */
		tidy();
	} else {
		descriptors_lock();
		f = pool_get(&pool);
		if (f) {
			f->imports.number = handle_of;
			f->all = files;
			files = f;
		}
		descriptors_unlock();
	}
	if (!f)
		return NULL;
	lock_take(&f->lock);
	f->rdev = rdev;
	f->driver[0] = '\0';
	f->name = 0;
	f->table = NULL;
	f->wanted = true;
	f->access = access;
	buffers_lock();
	f->unwaited = 0;
	timeline_forget(f);
	buffers_unlock();
	lock_release(&f->lock);
	descriptors_lock();
	f->refs = 1;
	f->fd = -1;
	descriptors_unlock();
	return f;
}

/* Answers of kcmp(2). */
enum { SAME, LESS, GREATER };

/*
 * Finds a file near the middle of [*@mid, @end) of the order that has a descriptor. Returns the
 * descriptor, and the file's place in *@mid; or -1. A file may lack a descriptor for a moment, as
 * in a dup2() onto its only one.
 */
static int middle(size_t *mid, size_t end)
{
	size_t first = *mid, half = first + (end - first) / 2;

	for (size_t i = 0; i < end - first; i++) {
		int fd;

		*mid = half + i < end ? half + i : first + (half + i - end);
		fd = descriptor_of(order[*mid]);
		if (fd >= 0)
			return fd;
	}
	return -1;
}

/*
 * The known file that @fd is a duplicate of, with a reference. Or NULL, and *@at is the place of
 * @fd in the order; -1 where the kernel cannot be asked.
 */
static struct file *same_file(int fd, ssize_t *at)
{
	size_t first = 0, end = ordered;
	pid_t self = first < end && sandbox_may(MAY_KCMP | MAY_GETPID) ? sandbox_pid() : 0;

	*at = -1;
	while (sandbox_may(MAY_KCMP | MAY_GETPID) && first < end) {
		unsigned int taken = descriptors_taken();
		size_t mid = first;
		int other = middle(&mid, end), ret, err;

		if (other < 0)
			break;
		ret = next.same_file(self, fd, other);
		err = errno;
		if (descriptors_taken() != taken) {
			/*
			 * Another thread may have closed @other. Then the kernel has compared
			 * another file, or none, even where that thread has put this file back.
			 */
			continue;
		} else if (ret == LESS) {
			end = mid;
		} else if (ret == GREATER) {
			first = mid + 1;
		} else if (ret == SAME) {
			struct file *f = descriptor_file(other);

			if (f == order[mid])
				return f;
			file_put(f);
			first = 0;
			end = ordered;
		} else if (ret < 0 && err == EBADF && sandbox_may(MAY_GETFL) &&
			   next.fcntl(fd, F_GETFD) >= 0) {
			/* A raw system call has closed @other. */
			descriptor_closed(other, taken);
			first = 0;
			end = ordered;
		} else {
			/* The kernel's configuration may lack kcmp(), too. */
			if (ret < 0)
				sandbox_failed(MAY_KCMP, err);
			return NULL;
		}
	}
	if (sandbox_may(MAY_KCMP | MAY_GETPID))
		*at = first;
	return NULL;
}

/*
 * Makes @fd known. The record is made before the comparison, since making it may change the order.
 */
static void learn(int fd, dev_t rdev)
{
	struct file *made, *same;
	int flags;
	ssize_t at;

	if (descriptor_peek(fd))
		return;
	flags = sandbox_may(MAY_GETFL) ? next.fcntl(fd, F_GETFL) : -1;
	made = file_new(rdev, flags < 0 ? O_RDWR : flags & O_ACCMODE);
	if (!made)
		return;
	same = same_file(fd, &at);
	if (same)
		file_put(made);
	else if (at >= 0)
		put_in_order(made, at);
	descriptor_add(fd, same ? same : made);
}

struct file *file_lock_new(int fd, dev_t rdev)
{
	struct file *f = file_lock(fd);

	if (f && f->rdev == rdev)
		return f;
	if (f) {
		file_unlock(f);
		descriptor_set(fd, NULL);
	}
	lock_take(&making);
	learn(fd, rdev);
	lock_release(&making);
	f = file_lock(fd);
	/* Another thread has closed @fd meanwhile, and recorded another device's file there. */
	if (f && f->rdev != rdev) {
		file_unlock(f);
		return NULL;
	}
	return f;
}

bool file_join(int fd, dev_t rdev)
{
	struct file *f = file_lock_new(fd, rdev);

	if (f)
		file_unlock(f);
	return f;
}

bool file_rejoin(int fd, dev_t rdev)
{
	struct file *f = file_lock(fd);
	bool empty = f && !f->imports.n;

	if (f)
		file_unlock(f);
	if (!empty)
		return false;
	descriptor_set(fd, NULL);
	return file_join(fd, rdev);
}

void file_table_keep(void)
{
	lock_take(&making);
}

void file_table_unkeep(void)
{
	lock_release(&making);
}

void file_table_lock(void)
{
	for (struct file *f = files; f; f = f->all)
		lock_take(&f->lock);
}

void file_table_unlock(void)
{
	for (struct file *f = files; f; f = f->all)
		lock_release(&f->lock);
}

bool file_table_free(void)
{
	for (struct file *f = files; f; f = f->all)
		if (!lock_free(&f->lock))
			return false;
	return lock_free(&making);
}
