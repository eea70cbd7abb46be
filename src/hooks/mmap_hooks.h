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

/*
 * Around other calls, which these functions do not make. They are for the mappings that the shim
 * keeps (policy/warm.h). touch_hook(): before a call that changes these pages or asks for them.
 * attach_hook(): before a shmat() there. confine_hook(): before the program limits itself, and
 * confined_hook(), with or without locks, after. lock_all_hook(): before mlockall().
 * follow_hook(): at the end of a hook, while something is kept and has to be left.
 */
void touch_hook(const void *addr, size_t len);
void attach_hook(const void *addr);
void confine_hook(void);
void confined_hook(void);
void lock_all_hook(void);
void follow_hook(void);

#endif
