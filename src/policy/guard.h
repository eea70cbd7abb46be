/* SPDX-License-Identifier: MIT */
/*
 * PRIMESHIM_SYNC=trap: the pages of a buffer's mappings are shut (PROT_NONE) while it is a device's
 * turn, and opened again with the protection that the program gave them.
 */
#ifndef PRIMESHIM_GUARD_H
#define PRIMESHIM_GUARD_H

#include <stdbool.h>

#include "state/buffer.h"

/* Shut or open every mapping of @b; with buffers_lock() held. */
void guard_set(struct buffer *b, bool shut);

#endif
