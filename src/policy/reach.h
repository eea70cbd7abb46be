/* SPDX-License-Identifier: MIT */
/*
 * Do the program's mmaps come to us? A library that is loaded before us and defines mmap may hand
 * it on, as sanitizers do, or make the system call itself: gperftools' tcmalloc does, and then our
 * offsets are of no use to the program.
 */
#ifndef PRIMESHIM_REACH_H
#define PRIMESHIM_REACH_H

#include <stdbool.h>

/* In the constructor, by an object that is preloaded. Without it all is thought to come. */
void reach_init(void);

/* Asked once, by a call that fails. Not with a lock held, and only while there are imports. */
bool reach_mmap(void);

/* mmap_hook() was called for @fd and @off: is it that call? */
bool reach_seen(int fd, unsigned long long off);

#endif
