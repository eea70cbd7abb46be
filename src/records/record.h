/* SPDX-License-Identifier: MIT */
/*
 * Keeps the records of file.h true: by the program's calls on its handles, and by the kernel's
 * answers to the shim's questions. The functions take the locks themselves; the caller holds none.
 */
#ifndef PRIMESHIM_RECORD_H
#define PRIMESHIM_RECORD_H

#include <stdbool.h>
#include <stdint.h>

#include "request.h"
#include "state/import.h"

/*
 * PRIME_FD_TO_HANDLE has made @handle of @dmabuf. A dma-buf that the device itself has exported is
 * no import.
 */
void record_imported(int fd, uint32_t handle, int dmabuf);

/*
 * PRIME_FD_TO_HANDLE has refused @dmabuf with @err, a negative errno. There is no handle and no
 * record: the refusal is reported where somebody wants to know.
 */
void record_not_imported(int fd, int dmabuf, int err);

/*
 * PRIME_HANDLE_TO_FD has given @dmabuf for @handle. Compares the record of @handle with it. Without
 * a record the buffer is the device's own; that is recorded where it may matter (own.h).
 */
void record_exported(int fd, uint32_t handle, int dmabuf);

/*
 * The table's entry for @request on the driver of @fd, or NULL; and the table it is from in
 * *@table. An unknown descriptor that is a duplicate of a known one becomes known.
 */
const struct drv_ioctl *record_ioctl(int fd, uint32_t request, const struct driver **table);

/*
 * The buffer recorded for @handle, with a reference for the caller, or NULL. The kernel is not
 * asked.
 */
struct buffer *record_buffer(int fd, uint32_t handle);

/*
 * A call that closes @handle, or one that made the handle anew, has succeeded. @clock:
 * import_clock() before the call. The record goes only if it existed when the call began; a later
 * record belongs to the number's next user. (The record is not removed before the call: the shim
 * may read the argument only after the kernel has, and a call that fails must lose nothing.)
 */
void record_closed(int fd, uint32_t handle, uint32_t clock);

/*
 * GEM_CHANGE_HANDLE has moved an object to another number. @clock as above. (If another thread is
 * given the old number before this function runs, the record is lost, and the shim learns the
 * import anew.)
 */
void record_renamed(int fd, uint32_t from, uint32_t to, uint32_t clock);

/*
 * The driver's map ioctl has given @offset for @handle. A recorded import gets the offset once the
 * record was checked. Drivers that do not export imports (EOPNOTSUPP) allow no check.
 */
void record_offset(int fd, uint32_t handle, uint64_t offset);

bool record_knows(int fd, uint32_t handle);

/* The synthetic offset of the import of @b under @handle, or 0. */
uint64_t record_synthetic(int fd, uint32_t handle, const struct buffer *b);

/* A touch of the driver's own mapping of @b works, or raises SIGBUS. */
void record_native_works(int fd, uint32_t handle, const struct buffer *b, bool works);

/*
 * Finds the import that @offset of @fd belongs to, and fills *@v; false where there is none. An
 * unknown descriptor may have come over a socket: with a synthetic offset it is compared with the
 * known ones. The caller returns @v's reference to the buffer by record_put().
 */
bool record_find(int fd, uint64_t offset, struct view *v);

/*
 * Asks the kernel what is behind @handle now, and updates or makes the record. The dma-buf as a
 * descriptor that the caller owns, and in *@b its buffer with a reference; or a negative errno.
 * -EOPNOTSUPP where the handle exists and the driver does not export its dma-buf. @proof: the
 * driver has said that @handle is an import; -ENOENT where a word of that driver proves nothing
 * (QUIRK_NO_PROOF), and there is no record.
 */
int record_fetch(int fd, uint32_t handle, bool proof, struct buffer **b);

/* Asks the kernel who exported @b, whose descriptor is @dmabuf, once. */
void record_exporter(int dmabuf, struct buffer *b);

void record_put(struct buffer *b);

#endif
