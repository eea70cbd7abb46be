/* SPDX-License-Identifier: MIT */
/*
 * What becomes of the records in a child process. fork() is followed by atfork handlers, which take
 * all locks around it, so the child finds the records whole and goes on with them.
 *
 * _Fork() and a raw clone() call no handler. Such a child is known by a page that the kernel wipes
 * there (descriptor.h). Where another thread held a lock at that moment the records may be half
 * changed, and the lock is never let go: then the child has no records, and every call goes on to
 * the kernel. The child of a threaded program may do little more than to exec, anyway (POSIX).
 * Pages that are shut are opened for it (guard.h), unless the lock of the mappings is among those
 * held.
 *
 * Until its first call that is hooked such a child has what its parent had. If it got none of a
 * mapping (MADV_DONTFORK), and has mapped something else there before that call, this is taken for
 * the mapping.
 */
#ifndef PRIMESHIM_FORK_H
#define PRIMESHIM_FORK_H

#include <stdbool.h>

/* pthread_atfork(3). */
void fork_prepare(void);
void fork_parent(void);
void fork_child(void);

/*
 * In every hook before anything else, and when a page that is shut is touched, where
 * descriptors_orphaned(): false if the child has no records.
 */
bool fork_unseen(void);

#endif
