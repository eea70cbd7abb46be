/* SPDX-License-Identifier: MIT */
/*
 * The policy of mappings: which imports are mapped through their dma-buf, and how. Results travel
 * as negative errnos. Whatever cannot be done falls back to what the kernel says natively. None of
 * these functions may be called with the lock held.
 */
#ifndef PRIMESHIM_REDIRECT_H
#define PRIMESHIM_REDIRECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "file.h"

/*
 * Could a driver have refused a map ioctl on @fd with @err because the handle is an import?
 * Then the kernel has read and written the argument, and so may we.
 */
bool redirect_may_rescue(int fd, int err);

/* The driver's map ioctl refused @handle with @err: 0 and a synthetic *@offset, or @err again. */
int redirect_refused(int fd, uint32_t handle, int err, uint64_t *offset);

/* An import as it was found under the lock, for use without it. */
struct view {
	int fd;
	uint32_t handle;
	struct buffer *buffer;	/* a reference */
	uint64_t delta;		/* of the wanted offset from the buffer's start */
	bool native;		/* the offset is the driver's */
	bool native_fails;	/* a touch of the driver's mapping is known not to work */
};

/* The import that @off of @fd belongs to, or false. The buffer is put back with record_put(). */
bool redirect_find(int fd, uint64_t off, struct view *v);

/* mmap() of an import. 0 and *@out, or a negative errno: then the native one. */
int redirect_map(struct view *v, void *addr, size_t len, int prot, int flags, uint64_t off,
		 void **out);

/* What was mapped in the range is, or is about to be, gone: END what is over. */
void redirect_forget(void *addr, size_t len);

#endif
