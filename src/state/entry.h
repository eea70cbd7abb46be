/* SPDX-License-Identifier: MIT */
/* The entries of the table of descriptors, for descriptor.c, which has the table, and private.c. */
#ifndef PRIMESHIM_ENTRY_H
#define PRIMESHIM_ENTRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buffer;
struct file;

/* An entry is a struct file, a struct buffer with this bit for a private descriptor, or 0. */
#define ENTRY_PRIVATE	((uintptr_t)1)

static inline struct file *entry_file(uintptr_t e)
{
	return e & ENTRY_PRIVATE ? NULL : (struct file *)e;
}

static inline struct buffer *entry_buffer(uintptr_t e)
{
	return e & ENTRY_PRIVATE ? (struct buffer *)(e & ~ENTRY_PRIVATE) : NULL;
}

/* The entry of @fd. The caller holds descriptors_lock() if it follows the pointer. */
uintptr_t entry_get(unsigned int fd);

/* Makes room for an entry. False without memory, or where the table ends before @fd. */
bool entry_room(unsigned int fd);

/* After entry_room(@fd). The caller holds descriptors_lock(). */
void entry_put(unsigned int fd, uintptr_t what);

#endif
