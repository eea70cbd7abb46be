// SPDX-License-Identifier: MIT
/*
 * A program that maps a dma-buf by its own descriptor, on a machine whose caches are not coherent,
 * or one that is made so (swiotlb=force; sync.c has more of it). The device is this program itself,
 * by system calls of its own on the dma-buf. An ordinary program otherwise, which knows nothing of
 * the shim.
 *
 *   direct reader N	maps N frames, one after the other, and never syncs: how many are stale
 *   direct writer N	the same of what it writes: how many do not reach the device
 *   direct syncer N	maps once, and syncs each frame itself: how many are wrong
 *   direct imported N	maps once, and imports it as well, and exports it for each frame: how many
 *			of what it writes do not reach the device
 *   direct readonly	tries to write a read-only dma-buf: the errno
 */
#include "config.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/dma-buf.h>
#include <xf86drm.h>

#include "lib/client.h"

static struct export e;

/* Seen by nobody but the kernel. */
static void device(uint64_t flags)
{
	struct dma_buf_sync sync = { .flags = flags };

	if (syscall(SYS_ioctl, e.dmabuf, DMA_BUF_IOCTL_SYNC, &sync) < 0)
		err(2, "the device's DMA_BUF_IOCTL_SYNC %#llx", (unsigned long long)flags);
}

/* What a device would read at @at: what lies in the pages after a START of its own. */
static uint8_t device_reads(size_t at)
{
	uint8_t was = e.view[at], v;

	device(DMA_BUF_SYNC_START | DMA_BUF_SYNC_RW);
	v = e.view[at];
	device(DMA_BUF_SYNC_END | DMA_BUF_SYNC_RW);
	e.view[at] = was;
	return v;
}

/* The device's memory has @v then, and what the CPU sees is what it saw before. */
static void device_writes(size_t at, uint8_t v)
{
	uint8_t was = e.view[at];

	device(DMA_BUF_SYNC_START | DMA_BUF_SYNC_RW);
	e.view[at] = v;
	device(DMA_BUF_SYNC_END | DMA_BUF_SYNC_RW);
	e.view[at] = was;
}

static void own(uint64_t flags)
{
	struct dma_buf_sync sync = { .flags = flags };

	if (ioctl(e.dmabuf, DMA_BUF_IOCTL_SYNC, &sync) < 0)
		err(2, "DMA_BUF_IOCTL_SYNC %#llx", (unsigned long long)flags);
}

static uint8_t *direct(int prot)
{
	uint8_t *p = mmap(NULL, e.size, prot, MAP_SHARED, e.dmabuf, 0);

	if (p == MAP_FAILED)
		err(2, "mmap of a dma-buf");
	return p;
}

/* Another byte in each frame, at another place. */
static uint8_t frame(int i)
{
	return i % 255 + 1;
}

static size_t place(int i)
{
	return (size_t)i * 37 % e.size;
}

static int reader(int n)
{
	int stale = 0;

	for (int i = 0; i < n; i++) {
		uint8_t *p;

		device_writes(place(i), frame(i));
		p = direct(PROT_READ);
		stale += p[place(i)] != frame(i);
		munmap(p, e.size);
	}
	return stale;
}

static int writer(int n)
{
	int lost = 0;

	for (int i = 0; i < n; i++) {
		uint8_t *p = direct(PROT_READ | PROT_WRITE);

		p[place(i)] = frame(i);
		munmap(p, e.size);
		lost += device_reads(place(i)) != frame(i);
	}
	return lost;
}

static int syncer(int n)
{
	uint8_t *p = direct(PROT_READ | PROT_WRITE);
	int wrong = 0;

	for (int i = 0; i < n; i++) {
		device_writes(place(i), frame(i));
		own(DMA_BUF_SYNC_START | DMA_BUF_SYNC_RW);
		wrong += p[place(i)] != frame(i);
		p[place(i)] = frame(i + 1);
		own(DMA_BUF_SYNC_END | DMA_BUF_SYNC_RW);
		wrong += device_reads(place(i)) != frame(i + 1);
	}
	munmap(p, e.size);
	return wrong;
}

static int imported(int n)
{
	uint8_t *p = direct(PROT_READ | PROT_WRITE);
	uint32_t handle;
	int fd, lost = 0;

	importer = "vgem";
	fd = card();
	handle = import(fd, &e);
	for (int i = 0; i < n; i++) {
		int other;

		p[place(i)] = frame(i);
		if (drmPrimeHandleToFD(fd, handle, DRM_CLOEXEC, &other))
			err(2, "PRIME_HANDLE_TO_FD");
		close(other);
		lost += device_reads(place(i)) != frame(i);
	}
	munmap(p, e.size);
	return lost;
}

static void readonly(void)
{
	struct export r = export_readonly("vivid", PAGE);
	void *p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, r.dmabuf, 0);

	printf("%s\n", p != MAP_FAILED ? "mapped" : errno == EACCES ? "EACCES" : strerror(errno));
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";
	int n = argc > 2 ? atoi(argv[2]) : 100;

	if (!strcmp(what, "readonly")) {
		readonly();
		return 0;
	}
	e = export_new("udmabuf", 2 * PAGE);
	/* The bounce buffer is there from the first START on. */
	device(DMA_BUF_SYNC_START | DMA_BUF_SYNC_RW);
	device(DMA_BUF_SYNC_END | DMA_BUF_SYNC_RW);
	if (!strcmp(what, "reader"))
		printf("%d\n", reader(n));
	else if (!strcmp(what, "writer"))
		printf("%d\n", writer(n));
	else if (!strcmp(what, "syncer"))
		printf("%d\n", syncer(n));
	else if (!strcmp(what, "imported"))
		printf("%d\n", imported(n));
	else
		errx(2, "see the top of direct.c for how to use it");
	return 0;
}
