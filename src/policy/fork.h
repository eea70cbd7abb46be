/* SPDX-License-Identifier: MIT */
/*
 * What becomes of the records in a child process. fork() calls the atfork handlers, which hold all
 * locks around it: the child finds the records whole and goes on with them.
 *
 * _Fork() and a raw clone() call no handler. The shim knows such a child by a page that the kernel
 * wipes there (descriptor.h). If another thread held a lock at that moment, the records may be half
 * changed and nobody releases the lock: then the child has no records, and every call goes on to
 * the kernel. The child of a threaded program may do little more than exec, anyway (POSIX). The
 * child gets the program's protection back on pages that are PROT_NONE (guard.h), unless the lock
 * of the mappings is among those held.
 *
 * Until its first hooked call such a child has its parent's records. If the kernel gave it none of
 * a mapping (MADV_DONTFORK), and it has mapped another file there before that call, the shim takes
 * the new mapping for the old one.
 */
#ifndef PRIMESHIM_FORK_H
#define PRIMESHIM_FORK_H

#include <stdbool.h>

/* pthread_atfork(3). */
void fork_prepare(void);
void fork_parent(void);
void fork_child(void);

/*
 * In a child with descriptors_orphaned(): before anything else in every hook, and when the program
 * touches a page that the shim has made PROT_NONE. False: the child has no records.
 */
bool fork_unseen(void);

#endif
