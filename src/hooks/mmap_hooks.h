/* SPDX-License-Identifier: MIT */
/*
 * What happens around mmap, munmap, mprotect and mremap. The functions make the program's call. 0
 * (and *@out), or a negative errno.
 */
#ifndef PRIMESHIM_MMAP_HOOKS_H
#define PRIMESHIM_MMAP_HOOKS_H

#include "policy/redirect.h"

int mmap_hook(const struct mmap_call *c, void **out);
int munmap_hook(void *addr, size_t len);
int mprotect_hook(void *addr, size_t len, int prot);
int mremap_hook(void *old, size_t old_len, size_t len, int flags, void *to, void **out);

#endif
