/* SPDX-License-Identifier: MIT */
/*
 * PRIMESHIM_SYNC=trap: makes the pages of a buffer's mappings PROT_NONE while it is a device's
 * turn, and then gives them back the protection that the program asked for.
 */
#ifndef PRIMESHIM_GUARD_H
#define PRIMESHIM_GUARD_H

#include <stdbool.h>

#include "state/buffer.h"

/* Shut or open every mapping of @b; with buffers_lock() held. */
void guard_set(struct buffer *b, bool guarded);

#endif
