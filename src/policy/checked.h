/* SPDX-License-Identifier: MIT */
/*
 * One look at a handle for two calls. A program that maps an import makes the map ioctl and then
 * mmap(). At both the shim asks the kernel what the handle holds, as a raw system call may have
 * closed the handle. Where nothing that the shim sees has happened to any import between a thread's
 * two calls, the answer to the first will do for the second, once.
 */
#ifndef PRIMESHIM_CHECKED_H
#define PRIMESHIM_CHECKED_H

#include <stdbool.h>
#include <stdint.h>

#include "state/buffer.h"

/*
 * The kernel has just said to this thread that @handle of @fd holds @b, and the program gets an
 * offset for @b.
 */
void checked(int fd, uint32_t handle, const struct buffer *b);

/* Was that the last that this thread and all others had to do with imports? True once at most. */
bool checked_take(int fd, uint32_t handle, const struct buffer *b);

#endif
