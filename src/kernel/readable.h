/* SPDX-License-Identifier: MIT */
/*
 * Can these bytes of the program's memory be read, or written, without a signal? A program may hand
 * its driver a pointer to no memory, to read-only pages, or to pages behind the end of a file. The
 * kernel then says EFAULT, and the shim, which would die of the touch, must say EFAULT, too.
 *
 * The shim asks the kernel by futex(2). For a private futex the kernel looks at the word and not at
 * the object that is mapped there, so the answer is right for a driver's pages (VM_PFNMAP), too.
 * (For them a shared futex says EFAULT.) The call takes no descriptor, waits for nothing, wakes
 * nobody and changes nothing. Tried on 6.1, 6.12 and 6.18: pages of udmabuf, the system heap, vivid
 * and vgem are readable; radeon's imports (TTM) and pages behind a file's end are not; the kernel
 * raises no signal.
 */
#ifndef PRIMESHIM_READABLE_H
#define PRIMESHIM_READABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * 1: the kernel can read (or write) each page of the @size bytes at @at. 0: it cannot. A negative
 * errno: the kernel cannot be asked (a seccomp filter, an old kernel).
 */
int ask_readable(const void *at, size_t size);
int ask_writable(const void *at, size_t size);

/*
 * Is it certain, without asking the kernel, that @size bytes at @at (at least 1) can be read and
 * written? Bytes on the page of the caller's stack frame can, and libdrm mostly has its arguments
 * there. A page has at least 4096 bytes.
 */
static inline bool on_our_page(const void *at, size_t size)
{
	uintptr_t here = (uintptr_t)__builtin_frame_address(0);

	return ((here ^ (uintptr_t)at) | (here ^ ((uintptr_t)at + size - 1))) < 4096;
}

/* The same; the kernel is asked where that is needed. False where the kernel cannot be asked. */
static inline bool readable(const void *at, size_t size)
{
	return !size || on_our_page(at, size) || ask_readable(at, size) == 1;
}

static inline bool writable(const void *at, size_t size)
{
	return !size || on_our_page(at, size) || ask_writable(at, size) == 1;
}

#endif
