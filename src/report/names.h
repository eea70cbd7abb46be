/* SPDX-License-Identifier: MIT */
/*
 * The names of importers and exporters, each kept once: few names, many buffers. Numbers stay what
 * they are, in the children of fork() too. All with buffers_lock() held.
 */
#ifndef PRIMESHIM_NAMES_H
#define PRIMESHIM_NAMES_H

#include <stdint.h>

#define NAMES		128
#define NAME_LEN	32

/* 0 is "": not asked yet. One that finds no room is as good as unknown. */
#define NAME_UNKNOWN	1	/* "?" */

/* The number of @name, of which NAME_LEN - 1 bytes count. */
uint8_t name_number(const char *name);

const char *name_text(uint8_t number);

/* Those from 0 on that are in use. */
unsigned int names_used(void);

#endif
