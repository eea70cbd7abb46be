/* SPDX-License-Identifier: MIT */
/*
 * The next definition of each libc function that preload.c defines, so that other preloaded
 * objects still see their calls. Until next_init() has run, and wherever the next definition would
 * be our own again, the pointers lead straight to the system calls.
 */
#ifndef PRIMESHIM_NEXT_H
#define PRIMESHIM_NEXT_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct next {
	int (*ioctl)(int fd, unsigned long request, ...);
	/* The C library's mmap; its off_t is as wide as a long where preload.c is compiled. */
	void *(*mmap)(void *addr, size_t len, int prot, int flags, int fd, long off);
	void *(*mmap64)(void *addr, size_t len, int prot, int flags, int fd, int64_t off);
	int (*munmap)(void *addr, size_t len);
};

extern struct next next;

void next_init(void);

/* next.ioctl as the shim's own code wants it: the result or a negative errno. */
int next_ioctl(int fd, unsigned long request, void *arg);

/* The same, repeated on EINTR and EAGAIN, for the shim's own calls (as drmIoctl() does). */
int next_ioctl_retry(int fd, unsigned long request, void *arg);

/* 0 and *@out, or a negative errno. */
int next_mmap(void *addr, size_t len, int prot, int flags, int fd, uint64_t off, void **out);

/* Zeroed private memory, or NULL. Freed with next.munmap. */
void *next_pages(size_t len);

#endif
