/* SPDX-License-Identifier: MIT */
/*
 * The policy of mappings: which imports the shim maps through their dma-buf, and how. Results are
 * negative errnos. Where the shim cannot map the dma-buf, the program gets the kernel's native
 * result. The caller holds no lock.
 */
#ifndef PRIMESHIM_REDIRECT_H
#define PRIMESHIM_REDIRECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "records/request.h"

/* May a driver have refused a map ioctl with @err because the handle is an import? */
bool redirect_may_rescue(int err);

/*
 * The driver's map ioctl has refused @handle with @err: 0 and a synthetic *@offset, or @err again.
 * @proof: this ioctl says EINVAL of imports only, so the refusal of an unknown handle shows an
 * import, which the shim learns.
 */
int redirect_refused(int fd, uint32_t handle, bool proof, int err, uint64_t *offset);

/*
 * The same for an ioctl that maps @len bytes from @start itself: 0 and the address in *@out, or
 * @err.
 */
int redirect_address(int fd, uint32_t handle, uint64_t start, uint64_t len, int err, void **out);

/* Makes the program's call. 0 and *@out, or a negative errno. */
int mmap_native(const struct mmap_call *c, void **out);

/*
 * After a call that has returned @ret. With MAP_FIXED the kernel has removed the mappings at the
 * place, or may have: their records follow. @newest: mapped_newest() before the call.
 */
void mmap_placed(const struct mmap_call *c, int ret, unsigned int newest);

/*
 * mmap() of an import that record_find() has found. Consumes @v and its reference. 0 and *@out; or
 * the native call's negative errno.
 */
int redirect_map(struct view *v, const struct mmap_call *c, void **out);

#endif
