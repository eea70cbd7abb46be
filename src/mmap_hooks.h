/* SPDX-License-Identifier: MIT */
/* What happens around mmap and munmap. */
#ifndef PRIMESHIM_MMAP_HOOKS_H
#define PRIMESHIM_MMAP_HOOKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * May this call matter to us? Anonymous maps and everything before the first import go straight
 * on: allocators call mmap and munmap while they hold their own locks.
 */
bool mmap_watched(int flags);
bool munmap_watched(void);

/* 0 and *@out, or a negative errno. */
int mmap_hook(void *addr, size_t len, int prot, int flags, int fd, uint64_t off, void **out);

/* 0 or a negative errno. */
int munmap_hook(void *addr, size_t len);

#endif
