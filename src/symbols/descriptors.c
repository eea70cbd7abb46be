// SPDX-License-Identifier: MIT
/* Functions that close and duplicate descriptors. */
#include "config.h"

#include <fcntl.h>

#pragma GCC visibility push(hidden)
#include "hooks/fd_hooks.h"
#include "kernel/next.h"
#include "state/descriptor.h"
#include "state/private.h"
#include "symbols/symbol.h"
#pragma GCC visibility pop

/* False, and EBADF, for a private descriptor. */
SLOW bool may_close(int fd)
{
	struct border b;

	return !descriptor_known(fd) || !enter(&b) || !leave(&b, close_hook(fd));
}

/* A number at which a private descriptor may be. */
SLOW int contested_close(int fd)
{
	bool left = true;
	struct border b;
	int ret = 0;

	if (enter(&b))
		ret = leave(&b, close_contested_hook(fd, &left));
	return left ? next.close(fd) : ret;
}

SLOW int hooked_close(int fd)
{
	if (descriptor_contested(fd))
		return contested_close(fd);
	return may_close(fd) ? next.close(fd) : -1;
}

EXPORT(int, close, int fd)
{
	return any(descriptors_live) ? hooked_close(fd) : next.close(fd);
}

SLOW int hooked_close_range(unsigned int first, unsigned int last, int flags)
{
	struct border b;

	if (!enter(&b))
		return next.close_range(first, last, flags);
	return leave(&b, close_range_hook(first, last, flags));
}

EXPORT(int, close_range, unsigned int first, unsigned int last, int flags)
{
	return any(descriptors_live) ? hooked_close_range(first, last, flags) :
				       next.close_range(first, last, flags);
}

SLOW void hooked_closefrom(int first)
{
	struct border b;

	if (!enter(&b)) {
		next.closefrom(first);
		return;
	}
	closefrom_hook(first);
	leave(&b, 0);
}

EXPORT(void, closefrom, int first)
{
	any(descriptors_live) ? hooked_closefrom(first) : next.closefrom(first);
}

SLOW int hooked_dup(int fd)
{
	struct border b;

	if (!descriptor_known(fd) || !enter(&b))
		return next.dup(fd);
	return leave(&b, dup_hook(fd));
}

EXPORT(int, dup, int fd)
{
	return any(descriptors_live) ? hooked_dup(fd) : next.dup(fd);
}

SLOW int hooked_dup2(int fd, int to)
{
	struct border b;

	if (!(descriptor_known(fd) || descriptor_known(to) || descriptor_contested(to)) ||
	    !enter(&b))
		return next.dup2(fd, to);
	return leave(&b, dup2_hook(fd, to));
}

EXPORT(int, dup2, int fd, int to)
{
	return any(descriptors_live) ? hooked_dup2(fd, to) : next.dup2(fd, to);
}

SLOW int hooked_dup3(int fd, int to, int flags)
{
	struct border b;

	if (!(descriptor_known(fd) || descriptor_known(to) || descriptor_contested(to)) ||
	    !enter(&b))
		return next.dup3(fd, to, flags);
	return leave(&b, dup3_hook(fd, to, flags));
}

EXPORT(int, dup3, int fd, int to, int flags)
{
	return any(descriptors_live) ? hooked_dup3(fd, to, flags) : next.dup3(fd, to, flags);
}

FAST bool fcntl_watched(int fd, int cmd)
{
	return any(descriptors_live) && (cmd == F_DUPFD || cmd == F_DUPFD_CLOEXEC) &&
	       descriptor_known(fd);
}

typedef int fcntl_fn(int fd, int cmd, ...);

SLOW int hooked_fcntl(fcntl_fn *native, int fd, int cmd, void *arg)
{
	struct border b;

	if (!enter(&b))
		return native(fd, cmd, arg);
	return leave(&b, fcntl_dup_hook(native, fd, cmd, (intptr_t)arg));
}

EXPORT(int, fcntl, int fd, int cmd, void *arg)
{
	if (!fcntl_watched(fd, cmd))
		return next.fcntl(fd, cmd, arg);
	return hooked_fcntl(next.fcntl, fd, cmd, arg);
}

EXPORT(int, fcntl64, int fd, int cmd, void *arg)
{
	if (!fcntl_watched(fd, cmd))
		return next.fcntl64(fd, cmd, arg);
	return hooked_fcntl(next.fcntl64, fd, cmd, arg);
}

/* Of a 32-bit glibc, for programs whose time_t has 64 bits (2.34). */
#if __SIZEOF_LONG__ == 4
EXPORT(int, __fcntl_time64, int fd, int cmd, void *arg)
{
	if (!fcntl_watched(fd, cmd))
		return next.fcntl_time64(fd, cmd, arg);
	return hooked_fcntl(next.fcntl_time64, fd, cmd, arg);
}
#endif

ALIAS(int, __close, close, int fd);
ALIAS(int, __dup2, dup2, int fd, int to);
ALIAS(int, __fcntl, fcntl, int fd, int cmd, void *arg);
