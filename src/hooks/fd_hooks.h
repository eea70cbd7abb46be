/* SPDX-License-Identifier: MIT */
/*
 * What happens around the calls that make and end descriptors. All but close_hook() and
 * close_contested_hook() make the program's call themselves, and return its result or a negative
 * errno.
 */
#ifndef PRIMESHIM_FD_HOOKS_H
#define PRIMESHIM_FD_HOOKS_H

#include <stdbool.h>

/*
 * Called before close(). 0: the caller is to call close(), outside the hook, as the close may end
 * the thread. -EBADF: the caller must not.
 */
int close_hook(int fd);

/*
 * close_hook() for a number that is descriptor_contested(). *@left: the caller is to call close().
 * Else this function has called it, and returns the result.
 */
int close_contested_hook(int fd, bool *left);

int close_range_hook(unsigned int first, unsigned int last, int flags);
void closefrom_hook(int first);
int dup_hook(int fd);
int dup2_hook(int fd, int to);
int dup3_hook(int fd, int to, int flags);

/* F_DUPFD and F_DUPFD_CLOEXEC, by the fcntl function that the program called. */
int fcntl_dup_hook(int (*fcntl)(int fd, int cmd, ...), int fd, int cmd, int from);

#endif
