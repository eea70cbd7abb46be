/* SPDX-License-Identifier: MIT */
/* The waits of early.c: what stands in for libc's poll(), select(), epoll_wait() and their kin. */
#ifndef PRIMESHIM_EARLY_H
#define PRIMESHIM_EARLY_H

#include <poll.h>
#include <stddef.h>

int sys_poll(struct pollfd *fds, unsigned long n, int timeout_ms);
int sys_poll_chk(struct pollfd *fds, unsigned long n, int timeout_ms, size_t size);
int sys_ppoll(struct pollfd *fds, unsigned long n, const void *timeout, const void *mask);
int sys_ppoll_chk(struct pollfd *fds, unsigned long n, const void *timeout,
		  const void *mask, size_t size);
int sys_ppoll64(struct pollfd *fds, unsigned long n, const void *timeout, const void *mask);
int sys_ppoll64_chk(struct pollfd *fds, unsigned long n, const void *timeout,
		    const void *mask, size_t size);
int sys_pselect(int n, void *r, void *w, void *e, const void *timeout, const void *mask);
int sys_pselect64(int n, void *r, void *w, void *e, const void *timeout, const void *mask);
int sys_select(int n, void *r, void *w, void *e, void *timeout);
int sys_select64(int n, void *r, void *w, void *e, void *timeout);
int sys_epoll_pwait(int fd, void *events, int n, int timeout_ms, const void *mask);
int sys_epoll_pwait2(int fd, void *events, int n, const void *timeout, const void *mask);
int sys_epoll_wait(int fd, void *events, int n, int timeout_ms);

#endif
