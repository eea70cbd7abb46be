/* SPDX-License-Identifier: MIT */
/*
 * Can these bytes of the program's memory be read, or written, without a signal? A program may hand
 * its driver a pointer to nothing, to read-only pages, or to pages behind a file's end: the kernel
 * then says EFAULT, and so must the shim, which would die of the touch.
 *
 * The shim asks by futex(2). A private futex looks at the word and not at what it is mapped from:
 * so the answer is right for a driver's pages (VM_PFNMAP), too, of which a shared futex says
 * EFAULT. The call takes no descriptor, waits for nothing, wakes nobody and changes nothing.
 * On 6.1, 6.12 and 6.18 the pages of udmabuf, the system heap, vivid and vgem are readable,
 * radeon's imports (TTM) and pages behind a file's end are not, and no signal is raised.
 */
#ifndef PRIMESHIM_READABLE_H
#define PRIMESHIM_READABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * 1: the kernel can read (or write) each page of the @size bytes at @at. 0: it cannot. A negative
 * errno: the kernel could not be asked (a filter, an old kernel).
 */
int ask_readable(const void *at, size_t size);
int ask_writable(const void *at, size_t size);

/*
 * Is it certain that @size bytes at @at, at least 1, can be read and written, without asking the
 * kernel? libdrm has its arguments on the stack, mostly in the page that we are in, too (which has
 * 4096 bytes at least).
 */
static inline bool on_our_page(const void *at, size_t size)
{
	uintptr_t here = (uintptr_t)__builtin_frame_address(0);

	return ((here ^ (uintptr_t)at) | (here ^ ((uintptr_t)at + size - 1))) < 4096;
}

/* The same, asking where that is needed. What cannot be asked is not certain. */
static inline bool readable(const void *at, size_t size)
{
	return !size || on_our_page(at, size) || ask_readable(at, size) == 1;
}

static inline bool writable(const void *at, size_t size)
{
	return !size || on_our_page(at, size) || ask_writable(at, size) == 1;
}

#endif
