/* SPDX-License-Identifier: MIT */
/*
 * What happens around the calls that make and end descriptors. All but the first two do the call
 * themselves, and return its result or a negative errno.
 */
#ifndef PRIMESHIM_FD_HOOKS_H
#define PRIMESHIM_FD_HOOKS_H

#include <stdbool.h>

/* Before close(), which is for the caller to do as it may be a thread's end. -EBADF: do not. */
int close_hook(int fd);

/* The same where descriptor_contested(); but then *@left says whether close() is left to do. */
int close_contested_hook(int fd, bool *left);

int close_range_hook(unsigned int first, unsigned int last, int flags);
void closefrom_hook(int first);
int dup_hook(int fd);
int dup2_hook(int fd, int to);
int dup3_hook(int fd, int to, int flags);

/* F_DUPFD and F_DUPFD_CLOEXEC, by the fcntl that the program chose. */
int fcntl_dup_hook(int (*fcntl)(int fd, int cmd, ...), int fd, int cmd, int from);

#endif
