/* SPDX-License-Identifier: MIT */
/*
 * The names of importers and exporters. Each name is kept once, since buffers are many and names
 * few. A name keeps its number, in the children of fork() too. All functions: with buffers_lock()
 * held.
 */
#ifndef PRIMESHIM_NAMES_H
#define PRIMESHIM_NAMES_H

#include <stdint.h>

#define NAMES		128
#define NAME_LEN	32

/* Number 0 is "": the kernel was not asked yet. A name that finds no room counts as unknown. */
#define NAME_UNKNOWN	1	/* "?" */

/*
 * The number of @name, of which the first NAME_LEN - 1 bytes count; NAME_UNKNOWN where the table is
 * full.
 */
uint8_t name_number(const char *name);

const char *name_text(uint8_t number);

/* How many numbers, from 0 on, are in use. */
unsigned int names_used(void);

#endif
