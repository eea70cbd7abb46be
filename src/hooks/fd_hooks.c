// SPDX-License-Identifier: MIT
/*
 * What happens around the calls that make and end descriptors.
 *
 * Rules: a hook removes a record before the descriptor ends, since the kernel may give the number
 * to another thread at once. A call that fails leaves all records as they were.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <unistd.h>

#include "fd_hooks.h"
#include "kernel/next.h"
#include "kernel/sandbox.h"
#include "policy/settle.h"
#include "state/descriptor.h"
#include "state/private.h"
#include "state/file.h"

#ifndef CLOSE_RANGE_UNSHARE
#define CLOSE_RANGE_UNSHARE (1U << 1)	/* 5.9 */
#endif
#ifndef CLOSE_RANGE_CLOEXEC
#define CLOSE_RANGE_CLOEXEC (1U << 2)	/* 5.11 */
#endif

static int negated(int ret)
{
	return ret < 0 ? -errno : ret;
}

/* The child of a vfork() has descriptors of its own, and the records say nothing of them. */
int close_hook(int fd)
{
	if (descriptors_borrowed())
		return 0;
	if (descriptor_private(fd))
		return -EBADF;
	descriptor_set(fd, NULL);
	return 0;
}

/*
 * Does the program have a descriptor at @fd that is not in the records? The kernel then gives the
 * number to no other thread until the program's call closes it. With descriptor_numbers_lock()
 * held.
 */
static bool in_use(int fd)
{
	return sandbox_may(MAY_GETFL) && !descriptor_known(fd) && next.fcntl(fd, F_GETFD) >= 0;
}

/* Closing a socket or a file on a server may wait: the lock is not held meanwhile. */
int close_contested_hook(int fd, bool *left)
{
	int ret;

	*left = descriptors_borrowed();
	if (*left)
		return 0;
	descriptor_numbers_lock();
	ret = close_hook(fd);
	*left = !ret && in_use(fd);
	if (!ret && !*left)
		ret = negated(next.close(fd));
	descriptor_numbers_unlock();
	return ret;
}

static void forget(unsigned int first, unsigned int last)
{
	int fd;

	while ((fd = descriptor_next(first, last, false)) >= 0) {
		descriptor_set(fd, NULL);
		first = fd + 1;
	}
}

/* close_range() without the private descriptors. With descriptor_numbers_lock() held. */
static int close_gaps(unsigned int first, unsigned int last, int flags)
{
	int ret = 0;

	while (!ret && first <= last) {
		int kept = descriptor_next(first, last, true);

		if (kept != (int)first)
			ret = negated(next.close_range(
				first, kept < 0 ? last : (unsigned int)kept - 1, flags));
		if (kept < 0)
			break;
		first = kept + 1;
	}
	return ret;
}

/* Does the kernel have close_range() with @flags? Asked with a range that has no descriptors. */
static bool has_close_range(int flags)
{
	return next.close_range(UINT_MAX, UINT_MAX, flags & ~CLOSE_RANGE_UNSHARE) >= 0 ||
	       (errno != ENOSYS && errno != EINVAL && errno != EPERM);
}

int close_range_hook(unsigned int first, unsigned int last, int flags)
{
	int ret;

	/* CLOSE_RANGE_CLOEXEC ends no descriptor, and the private ones have the flag already. */
	if (first > last || flags & CLOSE_RANGE_CLOEXEC || descriptors_borrowed() ||
	    !has_close_range(flags))
		return negated(next.close_range(first, last, flags));
	/* With UNSHARE other threads may keep the descriptors, so the records stay. */
	if (!(flags & CLOSE_RANGE_UNSHARE))
		forget(first, last);
	descriptor_numbers_lock();
	ret = close_gaps(first, last, flags);
	descriptor_numbers_unlock();
	return ret;
}

void closefrom_hook(int first)
{
	unsigned int at = first < 0 ? 0 : first;
	int kept;

	if (descriptors_borrowed()) {
		next.closefrom(first);
		return;
	}
	forget(at, INT_MAX);
	descriptor_numbers_lock();
	while ((kept = descriptor_next(at, INT_MAX, true)) >= 0) {
		if (kept > (int)at && next.close_range(at, kept - 1, 0) < 0)
			for (int fd = at; fd < kept; fd++)
				next.close(fd);
		at = kept + 1;
	}
	next.closefrom(at);
	descriptor_numbers_unlock();
}

/*
 * The program's call has duplicated a descriptor of @f, with the result @to: a descriptor or a
 * negative errno. Consumes a reference to @f.
 */
static int duplicated(struct file *f, int to)
{
	if (to >= 0)
		descriptor_set(to, f);
	else
		file_put(f);
	return to;
}

int dup_hook(int fd)
{
	struct file *f;

	if (descriptors_borrowed())
		return negated(next.dup(fd));
	if (descriptor_private(fd))
		return -EBADF;
	f = descriptor_file(fd);
	return duplicated(f, negated(next.dup(fd)));
}

int fcntl_dup_hook(int (*fcntl)(int fd, int cmd, ...), int fd, int cmd, int from)
{
	struct file *f;

	if (descriptors_borrowed())
		return negated(fcntl(fd, cmd, from));
	if (descriptor_private(fd))
		return -EBADF;
	f = descriptor_file(fd);
	return duplicated(f, negated(fcntl(fd, cmd, from)));
}

/* What the shim knows of the descriptor that a dup2() or dup3() is about to replace. */
struct replaced {
	int fd;
	bool locked;		/* descriptor_numbers_lock() is held until after the call */
	struct file *old;	/* its file, with a reference; out of the records during the call */
	bool moved;		/* it was a private descriptor of @id */
	struct dmabuf_id id;
};

static struct replaced replacing(int to)
{
	struct replaced r = { .fd = to, .locked = descriptor_contested(to) };

	if (r.locked)
		descriptor_numbers_lock();
	r.old = descriptor_file(to);
	r.moved = descriptor_move(to, &r.id, settle_await);
	if (r.old)
		descriptor_set(to, NULL);
	/* The call closes the program's descriptor there, and that may wait. */
	if (r.locked && !r.moved && in_use(to)) {
		r.locked = false;
		descriptor_numbers_unlock();
	}
	return r;
}

/* The call has returned @ret. Consumes a reference to @f, the file of the new descriptor. */
static int replaced(struct replaced *r, struct file *f, int ret)
{
	if (ret >= 0)
		descriptor_lose(r->fd);
	descriptor_set(r->fd, ret < 0 ? r->old : f);
	file_put(ret < 0 ? f : r->old);
	if (ret < 0 && r->moved && dmabuf_is(r->fd, &r->id))
		next.close(r->fd);
	if (r->locked)
		descriptor_numbers_unlock();
	return ret;
}

int dup2_hook(int fd, int to)
{
	struct replaced r;
	struct file *f;

	if (descriptors_borrowed())
		return negated(next.dup2(fd, to));
	if (descriptor_private(fd))
		return -EBADF;
	if (fd == to || to < 0)
		return negated(next.dup2(fd, to));
	f = descriptor_file(fd);
	r = replacing(to);
	return replaced(&r, f, negated(next.dup2(fd, to)));
}

int dup3_hook(int fd, int to, int flags)
{
	struct replaced r;
	struct file *f;

	if (descriptors_borrowed())
		return negated(next.dup3(fd, to, flags));
	if (descriptor_private(fd))
		return fd == to ? -EINVAL : -EBADF;
	if (fd == to || to < 0)
		return negated(next.dup3(fd, to, flags));
	f = descriptor_file(fd);
	r = replacing(to);
	return replaced(&r, f, negated(next.dup3(fd, to, flags)));
}
