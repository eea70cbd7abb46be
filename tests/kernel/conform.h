/* SPDX-License-Identifier: MIT */
/*
 * The calls of conform.c: those of the DRM and dma-buf uAPI, each with the line that it prints. A
 * result is what the call returned, or a negative errno.
 */
#ifndef PRIMESHIM_CONFORM_H
#define PRIMESHIM_CONFORM_H

#include <stddef.h>
#include <stdint.h>

#define SIZE	12288	/* three pages, which the heap does not have in one piece */
#define RW	(PROT_READ | PROT_WRITE)
#define BAD	((void *)16)	/* nothing is mapped there */

extern const char *card;	/* the device's node */

void say(const char *name, long ret);
long answer(long ret);				/* of a call with an errno */

int node(int flags);				/* open it */
int foreign(size_t size, int access);		/* a dma-buf that is not the device's */
/*
 * A device that maps imports by dma_buf_mmap(), with @dmabuf (SIZE bytes) imported, and its offset.
 * vgem does, but tells nobody the offset: it is the one that a buffer of that size had before.
 */
int node_that_forwards(int flags, int dmabuf, uint64_t *off);
long import(int fd, int dmabuf);
long export(int fd, uint32_t handle, uint32_t flags);
long gem_close(int fd, uint32_t handle);
long flink(int fd, uint32_t handle);
long gem_open(int fd, uint32_t name, uint64_t *size);
long dumb(int fd, uint32_t width, uint32_t height, uint32_t bpp);
long map_dumb(int fd, uint32_t handle, uint64_t *off);
long destroy(int fd, uint32_t handle);
long map(int fd, size_t len, int prot, int flags, uint64_t off, uint8_t **out);
long sync_with(int fd, uint64_t flags);
uint64_t ino(int fd);
long access_of(int fd);
void same(const char *name, int fd, int other);	/* tells whether they are */
long in_child(long (*run)(int, uint32_t), int fd, uint32_t handle);

/* conform-pages.c */
void offsets(void);
void dmabufs(void);
void descriptors(void);

/* conform-places.c */
void places(void);
void protections(void);

#endif
