/* SPDX-License-Identifier: MIT */
/* A program's request for a mapping, and the import that it is about. */
#ifndef PRIMESHIM_REQUEST_H
#define PRIMESHIM_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "state/buffer.h"

/* A program's mmap(). */
struct mmap_call {
	void *addr;
	size_t len;
	int prot;
	int flags;
	int fd;
	uint64_t off;
	bool narrow;		/* the program called mmap(), not mmap64(), and so will the shim */
};

/* An import as it was found under the lock, for use without the lock. */
struct view {
	int fd;
	uint32_t handle;
	struct buffer *buffer;	/* with a reference */
	uint64_t delta;		/* bytes from the buffer's start to the wanted offset */
	bool native;		/* the driver gave the offset */
	uint8_t native_works;	/* enum answer: can the driver's mapping be read? */
	uint8_t quirks;		/* the driver's; enum quirk */
	uint8_t access;		/* the descriptor's: O_RDONLY, O_WRONLY, O_RDWR */
	bool forwards;		/* the driver's table says that it maps imports by dma_buf_mmap() */
};

#endif
