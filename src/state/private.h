/* SPDX-License-Identifier: MIT */
/*
 * The shim's private descriptors of dma-bufs: one for each buffer that is mapped and bracketed,
 * numbered high, and out of the reach of the program's close(), dup2() and close_range().
 */
#ifndef PRIMESHIM_PRIVATE_H
#define PRIMESHIM_PRIVATE_H

#include <stdbool.h>

#include "buffer.h"

/* Is @fd a private descriptor, of which the program does not know? The caller holds no lock. */
bool descriptor_private(int fd);

/*
 * May another thread make @fd private at any time? Then the hook holds descriptor_numbers_lock()
 * from the look at the records to the return of the program's call on that number.
 */
bool descriptor_contested(unsigned int fd);

/*
 * Makes @fd, a duplicate of a dma-buf's descriptor, the private descriptor of @b, which is mapped.
 * The shim moves it to a number where programs do not look, and keeps it from the program's close()
 * and close_range(). Consumes @fd, also where @b has a private descriptor already. -EMFILE where no
 * such number is free: the shim never takes the program's low numbers. 0 or a negative errno. The
 * caller holds no lock.
 */
int descriptor_hide(int fd, struct buffer *b);

/*
 * The same for a duplicate of @fd, which is the program's and stays. The program may close it at
 * any time, so the kernel is asked whether the duplicate is the dma-buf's before it is used.
 */
int descriptor_hide_copy(int fd, struct buffer *b);

/*
 * Closes the private descriptor @fd, if it still is @b's. @sure: the caller has just asked the
 * kernel.
 */
void descriptor_drop(int fd, const struct buffer *b, bool sure);

/*
 * The program is about to put a descriptor of its own at @fd. If @fd is a private descriptor of
 * *@id, another number takes over that role; @fd itself stays open. False if @fd is not private, or
 * no other number is free. @await waits until no thread is at DMA_BUF_IOCTL_SYNC by the old number;
 * it is called with buffers_lock() held. Called, as the next function, between
 * descriptor_numbers_lock() and descriptor_numbers_unlock().
 */
bool descriptor_move(int fd, struct dmabuf_id *id, void (*await)(struct buffer *b));

/*
 * The program has put a descriptor of its own at @fd: a private descriptor there, and its bracket,
 * are lost.
 */
void descriptor_lose(int fd);

/*
 * The kernel has said that @fd is no longer @b's: a raw system call has closed it. The caller holds
 * no lock.
 */
void descriptor_gone(int fd, const struct buffer *b);

/*
 * In the child of a fork(), when the records can be used. Another thread of the parent may have
 * been in the END of an unmapped buffer, and does not exist here to close the private descriptor:
 * this function closes it. The caller holds no lock.
 */
void descriptors_drop_idle(void);

#endif
