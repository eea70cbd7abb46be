/* SPDX-License-Identifier: MIT */
/*
 * Which descriptor is which: an open DRM file (dup() and others give one file several), or one of
 * our private descriptors of a dma-buf. Descriptors without an import are not in here.
 *
 * The child of a vfork() has its parent's memory and descriptors of its own: what it does to them
 * says nothing about ours, so there every change is left out. It is told by the process number;
 * the child of a fork() that no atfork handler saw, by a page that the kernel wipes there.
 */
#ifndef PRIMESHIM_DESCRIPTOR_H
#define PRIMESHIM_DESCRIPTOR_H

#include <stdatomic.h>
#include <stdbool.h>
#include <sys/types.h>

#include "buffer.h"

struct file;

/* How many are in here. Read without a lock to leave a hook early; see file.h. */
extern atomic_uint descriptors_live;

/* Is it in here? Without a lock: only whoever changes a descriptor knows what it is. */
bool descriptor_known(int fd);

/* One of our private ones, of which the program does not know? Not with a lock held. */
bool descriptor_private(int fd);

/*
 * May it become a private one at any time, by another thread? Then whatever the program does to
 * that number is done between the two that follow, from the look at the records to the call's
 * return.
 */
bool descriptor_contested(unsigned int fd);
void descriptor_numbers_lock(void);
void descriptor_numbers_unlock(void);

/* Its file with a reference, or NULL. */
struct file *descriptor_file(int fd);

/* The same without a reference, for file_lock(). */
struct file *descriptor_peek(int fd);

/*
 * @fd is now @f, whatever it was; or nothing in here, with NULL. Takes over the caller's reference
 * to @f. With NULL a private descriptor stays; with a file it cannot be there any more.
 */
void descriptor_set(int fd, struct file *f);

/* The same unless @fd is a file already. */
void descriptor_add(int fd, struct file *f);

/* Drop a reference. With the last one all that is remembered of the file goes. */
void file_put(struct file *f);

/*
 * The first descriptor in [@first, @last] that is a file's (or a private one), or -1. For the
 * caller to walk along; what other threads change meanwhile is seen or not.
 */
int descriptor_next(unsigned int first, unsigned int last, bool private);

/* A descriptor of @f, or -1. */
int descriptor_of(struct file *f);

/*
 * How often a descriptor has ceased to be a file's. Where the count is the same after a system
 * call, each descriptor was its file's during the call: a hook takes the record away before it
 * makes the call that closes.
 */
unsigned int descriptors_taken(void);

/* A system call since that count has found that @fd is closed: it is no file's. */
void descriptor_closed(int fd, unsigned int since);

/* A file without a reference, for another; or NULL. */
struct file *descriptors_reuse(void);

/*
 * @fd, a duplicate of a dma-buf's descriptor, as the private one of @b, which is mapped: moved to
 * where programs do not look, and kept from their close() and close_range(). Consumes @fd, also if
 * @b has one. The program's low numbers are never taken: without one of ours to be had it is
 * -EMFILE. 0 or a negative errno. Not with a lock held.
 */
int descriptor_hide(int fd, struct buffer *b);

/*
 * The number below which no descriptor is private, nor becomes it until descriptors_spread(), which
 * is to be called for each; or 0: none has been private so far, and nothing is promised. A limit
 * (RLIMIT_NOFILE) that is lowered meanwhile leaves descriptor_hide() without a place.
 */
unsigned int descriptors_stay_above(void);
void descriptors_spread(void);

/* Close a private descriptor of @b, if it still is that; with @sure that was just asked. */
void descriptor_drop(int fd, const struct buffer *b, bool sure);

/*
 * The program is about to put something of its own at @fd: if that is a private one, of *@id, have
 * another instead of it. @fd itself stays open. False if it is none, or there is no other to be
 * had. @await waits until no thread is at DMA_BUF_IOCTL_SYNC by that number, with buffers_lock()
 * held. Between descriptor_numbers_lock() and _unlock(), as what follows.
 */
bool descriptor_move(int fd, struct dmabuf_id *id, void (*await)(struct buffer *b));

/* The program has put something of its own at @fd: if there was a private one, its bracket is lost.
 */
void descriptor_lose(int fd);

/* @fd turned out to be no longer @b's: a raw system call has closed it. Not with a lock held. */
void descriptor_gone(int fd, const struct buffer *b);

/* Are the records those of another process, whose memory this one shares (vfork)? */
bool descriptors_borrowed(void);

/* Around fork(), with all other locks of lock.h taken between the two. */
void descriptors_lock(void);
void descriptors_unlock(void);

/* In the child of a fork(). */
void descriptors_forked(void);

/*
 * The same, when the records can be used: another thread may have been amid the END of an unmapped
 * buffer, and is not there to close its private descriptor. Not with a lock held.
 */
void descriptors_drop_idle(void);

/* Is this the child of a fork that no atfork handler saw, and descriptors_forked() still to come?
 */
bool descriptors_orphaned(void);

/* Has nobody any of these locks? In a child with one thread; see fork.h. */
bool descriptors_free(void);

#endif
