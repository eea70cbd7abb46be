/* SPDX-License-Identifier: MIT */
/*
 * Keeping the records of file.h true: what each of the program's calls says about its handles,
 * and what the kernel says when it is asked. Takes the lock itself; none of these functions may
 * be called with it held.
 */
#ifndef PRIMESHIM_RECORD_H
#define PRIMESHIM_RECORD_H

#include <stdbool.h>
#include <stdint.h>

#include "file.h"

/* PRIME_FD_TO_HANDLE made @handle of @dmabuf. */
void record_imported(int fd, uint32_t handle, int dmabuf);

/* PRIME_HANDLE_TO_FD gave @dmabuf for @handle: does the record, if there is one, still hold? */
void record_exported(int fd, uint32_t handle, int dmabuf);

/*
 * Before and after a call that closes @handle. The record goes only if it was there when the call
 * began: whatever was recorded since belongs to the number's next user. (Not removed beforehand:
 * the argument may not be read until the kernel has, and a call that fails must lose nothing.)
 */
uint64_t record_closing(void);
void record_closed(int fd, uint32_t handle, uint64_t clock);

/* GEM_CHANGE_HANDLE moved an object to another number. */
void record_renamed(int fd, uint32_t from, uint32_t to);

/* The driver's map ioctl gave @offset for @handle. */
void record_offset(int fd, uint32_t handle, uint64_t offset);

bool record_knows(int fd, uint32_t handle);

/*
 * What is behind @handle now? The dma-buf as a descriptor of the caller's, and its buffer with a
 * reference; the record is brought up to date, or learned. Or a negative errno.
 */
int record_fetch(int fd, uint32_t handle, struct buffer **b);

void record_put(struct buffer *b);

/*
 * Surely another device's buffer? Drivers export as "drm", under their own name, or under a name
 * that begins like it (tegra_drm, armada); everything else came from somebody else.
 */
bool record_foreign(int fd, const struct buffer *b);

/* What the log calls an import: driver, handle, exporter, size. */
struct label {
	char text[128];
};

struct label record_label(int fd, uint32_t handle, const struct buffer *b);

#endif
