// SPDX-License-Identifier: MIT
/* The dma-buf uAPI as the shim uses it; see dmabuf.h. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <time.h>
#include <unistd.h>

#include <linux/dma-buf.h>
#include <linux/ioctl.h>
#include <linux/sync_file.h>

#include "compat.h"
#include "dmabuf.h"
#include "next.h"
#include "page.h"
#include "readable.h"
#include "sandbox.h"

#ifndef DMA_BUF_MAGIC
#define DMA_BUF_MAGIC 0x444d4142	/* linux/magic.h since 5.3 */
#endif

int dmabuf_identify(int fd, struct dmabuf_id *id, uint64_t *size)
{
	struct stat st;

	if (sandbox_fstat(fd, &st) < 0)
		return -errno;
	if (st.st_size <= 0)
		return -EINVAL;
	id->dev = st.st_dev;
	id->ino = st.st_ino;
	*size = st.st_size;
	return 0;
}

bool dmabuf_may_be(int fd, struct dmabuf_id *id, uint64_t *size)
{
	struct stat st;

	if (sandbox_fstat(fd, &st) < 0 || st.st_mode & S_IFMT || st.st_size <= 0)
		return false;
	*id = (struct dmabuf_id){ st.st_dev, st.st_ino };
	*size = st.st_size;
	return true;
}

bool dmabuf_surely(int fd, uint64_t dev)
{
	static _Atomic(uint64_t) known;
	struct statfs fs;

	if (atomic_load_explicit(&known, memory_order_relaxed))
		return atomic_load_explicit(&known, memory_order_relaxed) == dev;
	/* The width of f_type, and whether it has a sign, depends on the machine. */
	if (!sandbox_may(MAY_FILES) || next.fstatfs(fd, &fs) < 0 ||
	    (uint32_t)fs.f_type != DMA_BUF_MAGIC)
		return false;
	atomic_store_explicit(&known, dev, memory_order_relaxed);
	return true;
}

bool dmabuf_is(int fd, const struct dmabuf_id *id)
{
	struct dmabuf_id now = { 0 };
	uint64_t size;
	int ret = dmabuf_identify(fd, &now, &size);

	if (ret < 0)
		return ret != -EBADF && ret != -EINVAL;
	return now.dev == id->dev && now.ino == id->ino;
}

/* An error of want: it says nothing of the object, and the next attempt may succeed. */
static bool passing(int err)
{
	return err == EINTR || err == EAGAIN || err == ENOMEM || err == EMFILE || err == ENFILE;
}

int dmabuf_exporter(int fd, char *name, size_t len)
{
	char path[48], text[1024], *at;
	ssize_t n;
	int info, err;

	if (!sandbox_may(MAY_PROC))
		return -ENOENT;
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	info = next.open(path, O_RDONLY | O_CLOEXEC);
	if (info < 0)
		return passing(errno) ? -errno : -ENOENT;
	n = read(info, text, sizeof(text) - 1);
	err = errno;
	next.close(info);
	if (n < 0)
		return passing(err) ? -err : -ENOENT;
	text[n] = '\0';
	at = strstr(text, "\nexp_name:");
	if (!at)
		return -ENOENT;
	at += strlen("\nexp_name:");
	at += strspn(at, "\t ");
	snprintf(name, len, "%.*s", (int)strcspn(at, "\n"), at);
	return 0;
}

int address_hold(void *addr, size_t len)
{
	void *spot;
	int flags = MAP_PRIVATE | MAP_ANONYMOUS |
		    (sandbox_may(MAY_NOREPLACE) ? MAP_FIXED_NOREPLACE : 0);
	int ret = next_mmap(addr, len, PROT_NONE, flags, -1, 0, &spot);

	if (ret < 0)
		return ret;
	if (spot == addr)
		return 0;
	/* Without MAP_FIXED_NOREPLACE, or before 4.17, the kernel took the address as a hint. */
	next.munmap(spot, len);
	return -EEXIST;
}

int dmabuf_mmap(int fd, uint64_t size, void *addr, size_t len, int prot, int flags,
		uint64_t delta, void **out, size_t *lead)
{
	const bool placed = flags & (MAP_FIXED | MAP_FIXED_NOREPLACE);
	uint64_t want = page_round(len);
	void *whole;
	int ret;

	*lead = 0;
	if (!delta)
		return next_mmap(addr, len, prot, flags, fd, 0, out);
	if (!len || delta % page_size() || delta > size || len > size || want > size - delta ||
	    delta + want > SIZE_MAX)
		return -EINVAL;
	/*
	 * The caller's hint is for the pointer that is returned, not for the start of the mapping.
	 */
	addr = placed || (uintptr_t)addr > delta ? (char *)addr - delta : NULL;
	/*
	 * Kernels before 4.17 know MAP_FIXED alone, which would replace the program's pages in the
	 * lead.
	 */
	if (flags & MAP_FIXED_NOREPLACE)
		flags &= ~MAP_FIXED;
	/*
	 * MAP_FIXED may replace the pages at the place, but not those of the lead in front of it.
	 */
	else if (flags & MAP_FIXED && address_hold(addr, delta) < 0)
		return -EEXIST;
	ret = next_mmap(addr, delta + want, prot, flags, fd, 0, &whole);
	/*
	 * The held lead is not unmapped. A ->mmap() that refused has already removed it with the
	 * rest of the place, and another thread may have been given the addresses.
	 */
	if (ret < 0)
		return ret;
	/* The kernel took the address as a hint; see address_hold(). */
	if (placed && whole != addr) {
		next.munmap(whole, delta + want);
		return -EEXIST;
	}
	*out = (char *)whole + delta;
	*lead = delta;
	return 0;
}

int dmabuf_mappable(int fd)
{
	void *p;
	int ret = next_mmap(NULL, 1, PROT_READ, MAP_SHARED, fd, 0, &p);

	if (ret < 0)
		return passing(-ret) || ret == -EPERM || ret == -ENOSYS ? ret : 0;
	ret = ask_readable(p, 1);
	next.munmap(p, 1);
	/*
	 * Where the kernel cannot be asked, the dma-buf counts as mappable, and the program will
	 * see.
	 */
	return ret < 0 ? 1 : ret;
}

int dmabuf_sync(int fd, uint64_t flags)
{
	struct dma_buf_sync sync = { .flags = flags };

	if (!sandbox_may(MAY_SYNC))
		return -EPERM;
	return next_ioctl_retry(fd, DMA_BUF_IOCTL_SYNC, &sync);
}

/* dma_buf_poll(): POLLIN when no write is pending, POLLOUT when nothing is. */
static short idle(uint64_t direction)
{
	return direction & DMA_BUF_SYNC_WRITE ? POLLOUT : POLLIN;
}

bool dmabuf_fence(int fd)
{
	struct sync_file_info info = { .num_fences = 0 };

	return !sandbox_may(MAY_FENCE) || !next_ioctl_retry(fd, SYNC_IOC_FILE_INFO, &info);
}

void dmabuf_all_busy(struct dmabuf_ask *asks, unsigned int n)
{
	struct pollfd p[DMABUF_ASKS];

	for (unsigned int i = 0; i < n; i++)
		p[i] = (struct pollfd){ .fd = asks[i].fd, .events = idle(asks[i].direction) };
	if (!sandbox_may(MAY_POLL) || next.poll(p, n, 0) < 0)
		return;
	for (unsigned int i = 0; i < n; i++)
		asks[i].busy = !p[i].revents;
}

static uint64_t now_ms(void)
{
	struct timespec t = { 0 };

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * UINT64_C(1000) + t.tv_nsec / 1000000;
}

int dmabuf_busy(int fd, uint64_t direction, unsigned int ms, bool *writer)
{
	const short done = idle(direction);
	struct pollfd p = { .fd = fd, .events = POLLIN | POLLOUT };
	const bool timed = ms && sandbox_may(MAY_CLOCK);
	uint64_t until = timed ? now_ms() + ms : 0, now;
	int ret, left = 0;

	*writer = false;
	if (!sandbox_may(MAY_POLL))
		return -EPERM;
	for (;;) {
		/* A pending signal interrupts even one that does not wait (do_poll(), 6.12). */
		ret = next.poll(&p, 1, left);
		if (ret < 0 && errno != EINTR)
			return -errno;
		if (ret >= 0 && p.events != done)
			*writer = !ret || !(p.revents & ~POLLOUT);
		/* An error is for the START to tell. */
		if (ret > 0 && p.revents & (done | ~(POLLIN | POLLOUT)))
			return 0;
		if (ret >= 0)
			p.events = done;
		now = timed ? now_ms() : 0;
		if (ret >= 0 && now >= until)
			return 1;
		left = now < until ? until - now : 0;
	}
}
