/* SPDX-License-Identifier: MIT */
/* Dma-bufs that programs map by their own descriptors (PRIMESHIM_DIRECT): what the counters say. */
#ifndef PRIMESHIM_TOOLS_DIRECT_H
#define PRIMESHIM_TOOLS_DIRECT_H

#include "summary.h"

/* Has any of the programs mapped a dma-buf itself, or tried to? */
bool direct_any(const struct status *files, size_t n);

/* Prints the lines of one process, if it has any. */
void direct_print(const struct status *p);

#endif
