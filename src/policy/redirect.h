/* SPDX-License-Identifier: MIT */
/*
 * The policy of mappings: which imports are mapped through their dma-buf, and how. Results travel
 * as negative errnos. Whatever cannot be done falls back to what the kernel says natively. None of
 * these functions may be called with a lock held.
 */
#ifndef PRIMESHIM_REDIRECT_H
#define PRIMESHIM_REDIRECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "records/request.h"

/* Could a driver have refused a map ioctl with @err because the handle is an import? */
bool redirect_may_rescue(int err);

/*
 * The driver's map ioctl refused @handle with @err: 0 and a synthetic *@offset, or @err again.
 * @proof: it says EINVAL of imports only, so that one which is not known is learned.
 */
int redirect_refused(int fd, uint32_t handle, bool proof, int err, uint64_t *offset);

/* The same where it should have mapped @len bytes from @start on itself: 0 and *@out, or @err. */
int redirect_address(int fd, uint32_t handle, uint64_t start, uint64_t len, int err, void **out);

/* The native call. 0 and *@out, or a negative errno. */
int mmap_native(const struct mmap_call *c, void **out);

/*
 * The call had MAP_FIXED and has returned @ret: what is recorded of its place is gone, or may be.
 * @newest: mapped_newest() before the call.
 */
void mmap_placed(const struct mmap_call *c, int ret, unsigned int newest);

/*
 * mmap() of an import, with what record_find() said of it; consumes @v and its reference. 0 and
 * *@out, or a negative errno: then the native one.
 */
int redirect_map(struct view *v, const struct mmap_call *c, void **out);

#endif
