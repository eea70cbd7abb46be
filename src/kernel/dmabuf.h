/* SPDX-License-Identifier: MIT */
/*
 * The dma-buf uAPI as the shim uses it: identify, map, probe, bracket. Every function works on a
 * descriptor that the caller owns, returns 0 or a negative errno, and takes no lock.
 */
#ifndef PRIMESHIM_DMABUF_H
#define PRIMESHIM_DMABUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* (st_dev, st_ino) of a dma-buf is its own since boot (dma_buf_getfile(), 5.3 to 7.3). */
struct dmabuf_id {
	uint64_t dev;
	uint64_t ino;
};

/* @size in bytes. -EINVAL where the kernel says that the size is 0. */
int dmabuf_identify(int fd, struct dmabuf_id *id, uint64_t *size);

/*
 * Is @fd (still) the dma-buf @id? The program may have closed it and used the number again. True
 * where the kernel cannot be asked now.
 */
bool dmabuf_is(int fd, const struct dmabuf_id *id);

/*
 * May @fd be a dma-buf? Asked by fstat(): a dma-buf has no file type, and a size. Then its identity
 * and size.
 */
bool dmabuf_may_be(int fd, struct dmabuf_id *id, uint64_t *size);

/*
 * Is such a file, on the file system @dev, a dma-buf? Asked by fstatfs() until the first answer:
 * all dma-bufs lie on one file system (5.3 and later). False where the kernel cannot be asked.
 */
bool dmabuf_surely(int fd, uint64_t dev);

/*
 * The exporter's name (exp_name in fdinfo, since 4.16), cut to @len bytes with its NUL. -ENOENT
 * where fdinfo cannot be read or has no name; -EMFILE, -ENOMEM and the like where the kernel may
 * answer later.
 */
int dmabuf_exporter(int fd, char *name, size_t len);

/*
 * Maps @len bytes from @delta on, as mmap(addr, len, prot, flags, fd, delta) would with an exporter
 * that heeds the offset. Not all exporters do: vb2-vmalloc maps its first page whatever the offset
 * (vb2_vmalloc_mmap(), 6.1 to 7.3), and the fault handler of GEM shmem buffers counts from where
 * the mapping begins (drm_gem_shmem_fault(), 6.1 to 7.3). So the shim maps the buffer from 0 and
 * returns a pointer into the mapping. The *@lead bytes in front of the pointer belong to the
 * mapping: the caller leaves them in place while it uses the mapping, and unmaps them after it.
 * @size is that of the whole dma-buf. -EINVAL beyond the end; -EACCES to write where the dma-buf is
 * read-only (do_mmap()); -EEXIST where a placed map lacks room for its lead, and then MAP_FIXED has
 * replaced nothing. Any other refusal of a MAP_FIXED may leave a gap at the place, and the kernel
 * may give the gap to another thread.
 */
int dmabuf_mmap(int fd, uint64_t size, void *addr, size_t len, int prot, int flags,
		uint64_t delta, void **out, size_t *lead);

/*
 * Reserves the place for a mapping that must be there; replaces nothing. 0; -EEXIST where the place
 * is not free; -ENOMEM.
 */
int address_hold(void *addr, size_t len);

/*
 * 1 if the dma-buf can be mapped and its first page read (as far as the kernel can be asked), else
 * 0. A negative errno says nothing of the dma-buf: it comes of want, or of a seccomp filter.
 */
int dmabuf_mappable(int fd);

/*
 * DMA_BUF_IOCTL_SYNC with @flags (DMA_BUF_SYNC_*). START waits for the buffer's implicit fences,
 * without a time-out (dma_buf_begin_cpu_access(), 4.6 and later): see dmabuf_busy().
 */
int dmabuf_sync(int fd, uint64_t flags);

/*
 * Would a START for @direction (DMA_BUF_SYNC_READ, _RW) wait for a fence? Waits for @ms
 * milliseconds at most until it would not. 1 if it would, 0 if not; a negative errno where the
 * kernel cannot be asked, and then the dma-buf counts as busy. *@writer: did the first answer show
 * a device that writes?
 */
int dmabuf_busy(int fd, uint64_t direction, unsigned int ms, bool *writer);

/* The same of many at once, without waiting. */
#define DMABUF_ASKS	64

struct dmabuf_ask {
	int fd;
	uint8_t direction;
	bool busy;		/* (out) surely; zeroed before */
};

void dmabuf_all_busy(struct dmabuf_ask *asks, unsigned int n);	/* up to DMABUF_ASKS */

/* Is that a sync_file? Also where the kernel cannot be asked. */
bool dmabuf_fence(int fd);

#endif
