// SPDX-License-Identifier: MIT
/*
 * Functions that wait for descriptors. They are cancellation points natively, and stay it, since
 * they are called outside of the hook. No poll.h here: with _FORTIFY_SOURCE it declares the
 * functions by their names in the object.
 */
#include "config.h"

#include <stddef.h>

#pragma GCC visibility push(hidden)
#include "hooks/sync_hooks.h"
#include "kernel/next.h"
#include "settings/watch.h"
#include "symbols/symbol.h"
#pragma GCC visibility pop

/*
 * A program whose poll() finds a sync_file or a dma-buf ready has waited for a fence. The shim does
 * not look into the sets of select(), nor into epoll's data, which is the program's own: it asks
 * each buffer whether a device is at it. @fds is NULL for calls other than poll().
 */
SLOW int waited(int ret, const struct pollfd *fds)
{
	struct border b;

	if (!enter(&b))
		return ret;
	waited_by_poll(fds, ret);
	return leave(&b, ret);
}

/* There is one entry at least if @ret > 0. */
FAST int polled(const struct pollfd *fds, int ret)
{
	return ret > 0 && any(watch_now) & WATCH_OWED ? waited(ret, fds) : ret;
}

EXPORT(int, poll, struct pollfd *fds, unsigned long n, int timeout_ms)
{
	return polled(fds, next.poll(fds, n, timeout_ms));
}

EXPORT(int, __poll_chk, struct pollfd *fds, unsigned long n, int timeout_ms, size_t size)
{
	return polled(fds, next.poll_chk(fds, n, timeout_ms, size));
}

EXPORT(int, ppoll, struct pollfd *fds, unsigned long n, const void *timeout, const void *mask)
{
	return polled(fds, next.ppoll(fds, n, timeout, mask));
}

EXPORT(int, __ppoll_chk, struct pollfd *fds, unsigned long n, const void *timeout,
       const void *mask, size_t size)
{
	return polled(fds, next.ppoll_chk(fds, n, timeout, mask, size));
}

EXPORT(int, select, int n, void *r, void *w, void *e, void *timeout)
{
	return polled(NULL, next.select(n, r, w, e, timeout));
}

EXPORT(int, pselect, int n, void *r, void *w, void *e, const void *timeout, const void *mask)
{
	return polled(NULL, next.pselect(n, r, w, e, timeout, mask));
}

EXPORT(int, epoll_wait, int fd, void *events, int n, int timeout_ms)
{
	return polled(NULL, next.epoll_wait(fd, events, n, timeout_ms));
}

EXPORT(int, epoll_pwait, int fd, void *events, int n, int timeout_ms, const void *mask)
{
	return polled(NULL, next.epoll_pwait(fd, events, n, timeout_ms, mask));
}

EXPORT(int, epoll_pwait2, int fd, void *events, int n, const void *timeout, const void *mask)
{
	return polled(NULL, next.epoll_pwait2(fd, events, n, timeout, mask));
}

/* Of a 32-bit glibc, for programs whose time_t has 64 bits (2.34). */
#if __SIZEOF_LONG__ == 4
EXPORT(int, __ppoll64, struct pollfd *fds, unsigned long n, const void *timeout, const void *mask)
{
	return polled(fds, next.ppoll64(fds, n, timeout, mask));
}

EXPORT(int, __ppoll_time64, struct pollfd *fds, unsigned long n, const void *timeout,
       const void *mask)
{
	return polled(fds, next.ppoll64(fds, n, timeout, mask));
}

EXPORT(int, __select64, int n, void *r, void *w, void *e, void *timeout)
{
	return polled(NULL, next.select64(n, r, w, e, timeout));
}

EXPORT(int, __select_time64, int n, void *r, void *w, void *e, void *timeout)
{
	return polled(NULL, next.select64(n, r, w, e, timeout));
}

EXPORT(int, __pselect64, int n, void *r, void *w, void *e, const void *timeout, const void *mask)
{
	return polled(NULL, next.pselect64(n, r, w, e, timeout, mask));
}

EXPORT(int, __pselect_time64, int n, void *r, void *w, void *e, const void *timeout,
       const void *mask)
{
	return polled(NULL, next.pselect64(n, r, w, e, timeout, mask));
}

EXPORT(int, __epoll_pwait2_time64, int fd, void *events, int n, const void *timeout,
       const void *mask)
{
	return polled(NULL, next.epoll_pwait2_time64(fd, events, n, timeout, mask));
}

EXPORT(int, __ppoll64_chk, struct pollfd *fds, unsigned long n, const void *timeout,
       const void *mask, size_t size)
{
	return polled(fds, next.ppoll64_chk(fds, n, timeout, mask, size));
}
#endif

ALIAS(int, __poll, poll, struct pollfd *fds, unsigned long n, int timeout_ms);
ALIAS(int, __select, select, int n, void *r, void *w, void *e, void *timeout);
