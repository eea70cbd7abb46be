/* SPDX-License-Identifier: MIT */
/*
 * Keeping the records of file.h true: what each of the program's calls says about its handles,
 * and what the kernel says when it is asked. Takes the locks itself; none of these functions may
 * be called with one held.
 */
#ifndef PRIMESHIM_RECORD_H
#define PRIMESHIM_RECORD_H

#include <stdbool.h>
#include <stdint.h>

#include "request.h"
#include "state/import.h"

/* PRIME_FD_TO_HANDLE made @handle of @dmabuf. What the device has itself exported is no import. */
void record_imported(int fd, uint32_t handle, int dmabuf);

/*
 * PRIME_HANDLE_TO_FD gave @dmabuf for @handle: does the record, if there is one, still hold? If
 * there is none it is the device's own buffer; that is noted where it may matter.
 */
void record_exported(int fd, uint32_t handle, int dmabuf);

/*
 * What @request does on the driver of @fd, or NULL; and whose table says so. A descriptor that is
 * not known is known from now on if it is a duplicate of one that is.
 */
const struct drv_ioctl *record_ioctl(int fd, uint32_t request, const struct driver **table);

/* The buffer that @handle is known to hold, with a reference, or NULL. Not asked of the kernel. */
struct buffer *record_buffer(int fd, uint32_t handle);

/*
 * A call that closes @handle succeeded, or one that made it anew; @clock is import_clock() before
 * it. The record goes only if it was there when the call began: whatever was recorded since belongs
 * to the number's next user.
 * (Not removed beforehand: the argument may not be read until the kernel has, and a call that fails
 * must lose nothing.)
 */
void record_closed(int fd, uint32_t handle, uint32_t clock);

/*
 * GEM_CHANGE_HANDLE moved an object to another number; @clock as above. (Where another
 * thread is given the number just left before that is noted, the record is lost, and learned anew.)
 */
void record_renamed(int fd, uint32_t from, uint32_t to, uint32_t clock);

/*
 * The driver's map ioctl gave @offset for @handle: noted if it is known, once it was checked (but
 * for drivers that do not export imports: EOPNOTSUPP).
 */
void record_offset(int fd, uint32_t handle, uint64_t offset);

bool record_knows(int fd, uint32_t handle);

/* Our offset for the import of @b under @handle, or 0. */
uint64_t record_synthetic(int fd, uint32_t handle, const struct buffer *b);

/* A touch of the driver's own mapping of it works, or does not. */
void record_native_works(int fd, uint32_t handle, const struct buffer *b, bool works);

/*
 * The import that @offset of @fd belongs to, or false. A descriptor that is not known may have come
 * over a socket: with an offset of ours it is compared with those that are. The buffer is put
 * back with record_put().
 */
bool record_find(int fd, uint64_t offset, struct view *v);

/*
 * What is behind @handle now? The dma-buf as a descriptor of the caller's, and its buffer with a
 * reference; the record is brought up to date, or learned. Or a negative errno; -EOPNOTSUPP where
 * there is a handle whose dma-buf the driver keeps. @proof: the driver said that it is an import.
 */
int record_fetch(int fd, uint32_t handle, bool proof, struct buffer **b);

void record_put(struct buffer *b);

#endif
