/* SPDX-License-Identifier: MIT */
/*
 * Map ioctls that the driver refused: the shim answers them for an import. Results are negative
 * errnos. The caller holds no lock.
 */
#ifndef PRIMESHIM_REFUSED_H
#define PRIMESHIM_REFUSED_H

#include <stdbool.h>
#include <stdint.h>

/* May a driver have refused a map ioctl with @err because the handle is an import? */
bool refused_as_import(int err);

/*
 * The driver's map ioctl has refused @handle with @err: 0 and a synthetic *@offset, or @err again.
 * @proof: this ioctl says EINVAL of imports only, so the refusal of an unknown handle shows an
 * import, which the shim learns.
 */
int refused_offset(int fd, uint32_t handle, bool proof, int err, uint64_t *offset);

/*
 * The same for an ioctl that maps @len bytes from @start itself: 0 and the address in *@out, or
 * @err.
 */
int refused_address(int fd, uint32_t handle, uint64_t start, uint64_t len, int err, void **out);

#endif
