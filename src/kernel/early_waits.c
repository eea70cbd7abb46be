// SPDX-License-Identifier: MIT
/* The system calls that stand in for libc's waits; see early.h. */
#include "config.h"

#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "early.h"

int sys_poll(struct pollfd *fds, unsigned long n, int timeout_ms)
{
	const struct timespec ts = { timeout_ms / 1000, timeout_ms % 1000 * 1000000L };

	return syscall(SYS_ppoll, fds, n, timeout_ms < 0 ? NULL : &ts, NULL, 8);
}

int sys_poll_chk(struct pollfd *fds, unsigned long n, int timeout_ms, size_t size)
{
	(void)size;
	return sys_poll(fds, n, timeout_ms);
}

/* The timeout's fields are as wide as a long. */
int sys_ppoll(struct pollfd *fds, unsigned long n, const void *timeout, const void *mask)
{
	return syscall(SYS_ppoll, fds, n, timeout, mask, 8);
}

int sys_ppoll_chk(struct pollfd *fds, unsigned long n, const void *timeout,
		  const void *mask, size_t size)
{
	(void)size;
	return sys_ppoll(fds, n, timeout, mask);
}

#ifndef SYS_ppoll_time64
#define SYS_ppoll_time64	SYS_ppoll	/* where a long has 64 bits there is one ppoll */
#endif

int sys_ppoll64(struct pollfd *fds, unsigned long n, const void *timeout, const void *mask)
{
	return syscall(SYS_ppoll_time64, fds, n, timeout, mask, 8);
}

int sys_ppoll64_chk(struct pollfd *fds, unsigned long n, const void *timeout,
		    const void *mask, size_t size)
{
	(void)size;
	return sys_ppoll64(fds, n, timeout, mask);
}

#ifndef SYS_pselect6_time64
#define SYS_pselect6_time64	SYS_pselect6
#endif

/* The kernel changes the time, which the caller's pselect() does not. */
static int pselect_by(long number, int n, void *r, void *w, void *e, const void *timeout,
		      size_t size, const void *mask)
{
	const struct { const void *mask; size_t size; } masked = { mask, 8 };
	int64_t copy[2];

	if (timeout)
		memcpy(copy, timeout, size);
	return syscall(number, n, r, w, e, timeout ? copy : NULL, &masked);
}

int sys_pselect(int n, void *r, void *w, void *e, const void *timeout, const void *mask)
{
	return pselect_by(SYS_pselect6, n, r, w, e, timeout, sizeof(struct timespec), mask);
}

int sys_pselect64(int n, void *r, void *w, void *e, const void *timeout, const void *mask)
{
	return pselect_by(SYS_pselect6_time64, n, r, w, e, timeout, 16, mask);
}

/* The remaining time is not written back: no caller reads it before main(). */
int sys_select(int n, void *r, void *w, void *e, void *timeout)
{
	const struct timeval *t = timeout;
	struct timespec ts = { t ? t->tv_sec : 0, t ? t->tv_usec * 1000L : 0 };

	return sys_pselect(n, r, w, e, t ? &ts : NULL, NULL);
}

int sys_select64(int n, void *r, void *w, void *e, void *timeout)
{
	int64_t ts[2];

	if (timeout) {
		memcpy(ts, timeout, sizeof(ts));
		ts[1] *= 1000;
	}
	return sys_pselect64(n, r, w, e, timeout ? ts : NULL, NULL);
}

int sys_epoll_pwait(int fd, void *events, int n, int timeout_ms, const void *mask)
{
	return syscall(SYS_epoll_pwait, fd, events, n, timeout_ms, mask, 8);
}

#ifndef SYS_epoll_pwait2
#define SYS_epoll_pwait2	441	/* 5.11; the same for every machine */
#endif

/* Its time has 64 bits for every machine. */
int sys_epoll_pwait2(int fd, void *events, int n, const void *timeout, const void *mask)
{
	return syscall(SYS_epoll_pwait2, fd, events, n, timeout, mask, 8);
}

int sys_epoll_wait(int fd, void *events, int n, int timeout_ms)
{
	return sys_epoll_pwait(fd, events, n, timeout_ms, NULL);
}
