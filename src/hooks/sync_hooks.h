/* SPDX-License-Identifier: MIT */
/* The ioctls that say whose turn it is with a buffer, by their roles. Each makes the call. */
#ifndef PRIMESHIM_SYNC_HOOKS_H
#define PRIMESHIM_SYNC_HOOKS_H

#include "ioctl_call.h"

struct pollfd;

/*
 * The program's poll(), select() or epoll_wait() has found something ready. @one: the only ready
 * entry of a poll(), which may be a dma-buf or another fence; NULL: not known.
 */
void waited_by_poll(const struct pollfd *one);

int do_cpu(const struct ioctl_call *c);
int do_wait(const struct ioctl_call *c);
int do_wait_any(const struct ioctl_call *c);
int do_submit(const struct ioctl_call *c);
int do_submit_any(const struct ioctl_call *c);
int do_frame(const struct ioctl_call *c);
int do_scanout(const struct ioctl_call *c);

#endif
