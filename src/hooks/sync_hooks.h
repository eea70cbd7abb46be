/* SPDX-License-Identifier: MIT */
/* The ioctls that say whose turn it is with a buffer, by their roles. Each makes the call. */
#ifndef PRIMESHIM_SYNC_HOOKS_H
#define PRIMESHIM_SYNC_HOOKS_H

#include "ioctl_call.h"

struct pollfd;

/*
 * The program's poll(), select() or epoll_wait() has found something ready. @fds: what poll() was
 * given, of which @ready entries are ready: a dma-buf or a sync_file may be among them. NULL: not
 * known.
 */
void waited_by_poll(const struct pollfd *fds, unsigned int ready);

int do_cpu(const struct ioctl_call *c);
int do_wait(const struct ioctl_call *c);
int do_wait_any(const struct ioctl_call *c);
int do_submit(const struct ioctl_call *c);
int do_submit_any(const struct ioctl_call *c);
int do_frame(const struct ioctl_call *c);
int do_scanout(const struct ioctl_call *c);

#endif
