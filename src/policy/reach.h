/* SPDX-License-Identifier: MIT */
/*
 * Do the program's mmaps reach the shim? A library that is loaded before the shim and defines mmap
 * may call the next mmap, as sanitizers do, or make the system call itself. gperftools' tcmalloc
 * makes the system call, and the program then has no use for synthetic offsets.
 */
#ifndef PRIMESHIM_REACH_H
#define PRIMESHIM_REACH_H

#include <stdbool.h>

/* In the constructor of the preloaded object. Without it every mmap counts as reaching the shim. */
void reach_init(void);

/*
 * The answer. The first caller finds it out by an mmap that fails. The caller holds no lock, and
 * there are imports.
 */
bool reach_mmap(void);

/* mmap_hook() was called with @fd and @off: is it the call of reach_mmap()? */
bool reach_seen(int fd, unsigned long long off);

#endif
