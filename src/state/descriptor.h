/* SPDX-License-Identifier: MIT */
/*
 * Which descriptor is which: a descriptor of an open DRM file (dup() and others give one file
 * several), or one of the shim's private descriptors of a dma-buf. The table leaves out files
 * without imports.
 *
 * The child of a vfork() has its parent's memory and its own descriptors. Its calls say nothing of
 * the parent's descriptors, so the hooks change no record there. The shim knows such a child by the
 * process number. It knows the child of a fork() without atfork handlers by a page that the kernel
 * wipes there.
 */
#ifndef PRIMESHIM_DESCRIPTOR_H
#define PRIMESHIM_DESCRIPTOR_H

#include <stdatomic.h>
#include <stdbool.h>
#include <sys/types.h>

#include "buffer.h"

struct file;

/*
 * How many descriptors are in the table. Read without a lock to leave a hook early; see
 * imports_live.
 */
extern atomic_uint descriptors_live;

/*
 * Is @fd in the table? Without a lock: only the thread that changes a descriptor knows what it is.
 */
bool descriptor_known(int fd);

/*
 * Protects the numbers of private descriptors (private.h): held over a call that closes one of them
 * or puts another file there.
 */
void descriptor_numbers_lock(void);
void descriptor_numbers_unlock(void);

/* The file of @fd with a reference for the caller, or NULL. */
struct file *descriptor_file(int fd);

/* The same without a reference, for file_lock(). */
struct file *descriptor_peek(int fd);

/*
 * @fd now leads to @f, whatever it led to before; with NULL to no file. Takes over the caller's
 * reference to @f. NULL keeps a private descriptor in its place. A file overwrites the entry: the
 * private descriptor has been closed by then.
 */
void descriptor_set(int fd, struct file *f);

/* The same, but where @fd leads to a file already that file stays. */
void descriptor_add(int fd, struct file *f);

/* Drops a reference; NULL is allowed. With the last reference all records of the file go. */
void file_put(struct file *f);

/*
 * The first descriptor in [@first, @last] of a file (@private: the first private descriptor), or
 * -1. For walking along the table; the walk may or may not see changes that other threads make
 * meanwhile.
 */
int descriptor_next(unsigned int first, unsigned int last, bool private);

/* A descriptor of @f, or -1. */
int descriptor_of(struct file *f);

/*
 * How often a descriptor has ceased to lead to its file. Where the count is the same after a system
 * call, each descriptor led to its file during the call: a hook takes the record away before it
 * makes the call that closes.
 */
unsigned int descriptors_taken(void);

/*
 * A system call made since the count @since has shown that @fd is closed: drops @fd's record,
 * unless the count has changed.
 */
void descriptor_closed(int fd, unsigned int since);

/* A file record without a reference, for a new file; or NULL. */
struct file *descriptors_reuse(void);

/* Do the records belong to another process, whose memory this process shares (vfork)? */
bool descriptors_borrowed(void);

/*
 * Around fork(): taken before the locks of the files and of the buffers, and released after them.
 */
void descriptors_lock(void);
void descriptors_unlock(void);

/* In the child of a fork(): the records are the child's from now on. */
void descriptors_forked(void);

/* Is this the child of a fork() without atfork handlers, before descriptors_forked()? */
bool descriptors_orphaned(void);

/* Is none of these locks held? For a child with one thread; see fork.h. */
bool descriptors_free(void);

#endif
