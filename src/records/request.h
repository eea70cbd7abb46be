/* SPDX-License-Identifier: MIT */
/* What a program asks for when it maps, and the import that this is about. */
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
	bool narrow;		/* it came by mmap() rather than mmap64(), and goes on so */
};

/* An import as it was found under the lock, for use without it. */
struct view {
	int fd;
	uint32_t handle;
	struct buffer *buffer;	/* a reference */
	uint64_t delta;		/* of the wanted offset from the buffer's start */
	bool native;		/* the offset is the driver's */
	uint8_t native_works;	/* enum answer: does a touch of the driver's mapping work? */
	uint8_t quirks;		/* of the driver; enum quirk */
	uint8_t access;		/* the descriptor's: O_RDONLY, O_WRONLY, O_RDWR */
	bool forwards;		/* the driver maps imports by dma_buf_mmap(), as far as is known */
};

#endif
