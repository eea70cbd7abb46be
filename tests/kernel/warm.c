// SPDX-License-Identifier: MIT
/*
 * Maps, touches and unmaps an import again and again on a real kernel, where the shim keeps the
 * mapping; an ordinary program but for what it asks the kernel. For kernel-warm.sh.
 *
 *   warm time IMPORTER EXPORTER PAGES   what a cycle by the handle takes, in percent of one by the
 *                                       exporter's own mmap without the shim
 *   warm faults IMPORTER EXPORTER       page faults of 100 cycles of 16 pages
 *   warm held IMPORTER EXPORTER         how many dma-bufs the kernel has beside those of before,
 *                                       after each step
 *   warm raw IMPORTER EXPORTER          after raw system calls at the place
 *   warm calls IMPORTER EXPORTER        for strace: access("cycle:...") says what comes next
 */
#define _GNU_SOURCE
#include <alloca.h>
#include <err.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <drm.h>
#include <drm_mode.h>

#include "lib/client.h"

#define RW	(PROT_READ | PROT_WRITE)
#define BATCHES	30

static struct export e;
static uint32_t handle;
static int drm;
static size_t size;

static long raw_mmap(void *at, size_t len, int flags, int file)
{
#ifdef SYS_mmap2
	return syscall(SYS_mmap2, at, len, RW, flags, file, 0L);
#elif defined(__s390__)
	unsigned long args[] = { (unsigned long)at, len, RW, flags, file, 0 };

	return syscall(SYS_mmap, args);
#else
	return syscall(SYS_mmap, at, len, RW, flags, file, 0L);
#endif
}

static void touch(volatile uint8_t *p)
{
	for (size_t at = 0; at < size; at += PAGE)
		p[at]++;
}

static uint8_t *by_handle(void)
{
	uint8_t *p = map(drm, handle, size, RW);

	if (p == MAP_FAILED)
		err(2, "mmap of the import");
	touch(p);
	munmap(p, size);
	return p;
}

/* By system calls that no preloaded object sees. */
static void by_exporter(void)
{
	long p = raw_mmap(NULL, size, MAP_SHARED, e.dmabuf);

	if (p == -1)
		err(2, "the exporter's mmap");
	touch((uint8_t *)p);
	syscall(SYS_munmap, p, size);
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1e9 + t.tv_nsec;
}

/* The shortest of many is what the work takes; the rest is the machine's. */
static void measure(void)
{
	double best[2] = { 1e18, 1e18 };
	int n = 512 * PAGE / size + 1;

	by_handle();
	by_exporter();
	for (int i = 0; i < 2 * BATCHES; i++) {
		double start = now();

		for (int j = 0; j < n; j++)
			i & 1 ? by_exporter() : (void)by_handle();
		if (now() - start < best[i & 1])
			best[i & 1] = now() - start;
	}
	printf("%.0f\n", best[0] / best[1] * 100);
}

static long faults(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return u.ru_minflt;
}

static void imported(void)
{
	e = export_new(exporter, SIZE);
	size = e.size;
	handle = import(drm, &e);
	export_free(&e);
}

static void held(void)
{
	struct drm_mode_destroy_dumb destroy = { 0 };
	int before = export_count();

	imported();
	by_handle();
	printf("%d ", export_count() - before);
	close_handle(drm, handle);
	printf("%d ", export_count() - before);
	imported();
	by_handle();
	destroy.handle = handle;
	ioctl(drm, DRM_IOCTL_MODE_DESTROY_DUMB, &destroy);
	printf("%d ", export_count() - before);
	imported();
	by_handle();
	close(drm);
	printf("%d\n", export_count() - before);
}

static void raw(void)
{
	uint8_t *p = by_handle(), *q;

	syscall(SYS_munmap, p, size);
	if ((uint8_t *)raw_mmap(p, size, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1) != p)
		err(2, "a raw mmap");
	memset(p, 0x33, size);
	q = by_handle();
	check(q != p && p[0] == 0x33 && p[size - 1] == 0x33,
	      "memory at the place is not handed out");
	syscall(SYS_munmap, q, size);
	if ((uint8_t *)raw_mmap(q, size / 2, MAP_SHARED | MAP_FIXED, e.dmabuf) !=
	    q)
		err(2, "a raw mmap");
	check(by_handle() != q, "nor is another mapping of the same dma-buf");
	by_handle();
	close_handle(drm, handle);
	check(p[0] == 0x33 && p[size - 1] == 0x33, "and it stays when the handle goes");
}

static void mark(const char *text)
{
	if (access(text, F_OK))
		errno = 0;
}

static void calls(void)
{
	by_handle();
	by_handle();
	for (int i = 0; i < 2; i++) {
		static struct drm_mode_map_dumb m;
		uint8_t *p;

		m.handle = handle;

		mark("cycle:MAP_DUMB");
		if (ioctl(drm, DRM_IOCTL_MODE_MAP_DUMB, &m))
			err(2, "the map ioctl");
		mark("cycle:mmap");
		p = mmap(NULL, size, RW, MAP_SHARED, drm, m.offset);
		mark("cycle:touch");
		touch(p);
		mark("cycle:munmap");
		munmap(p, size);
		mark("cycle:end");
	}
}

int main(int argc, char **argv)
{
	long n;

	if (argc < 4)
		errx(2, "Usage: warm time|faults|held|raw|calls IMPORTER EXPORTER [PAGES]");
	importer = argv[2];
	exporter = argv[3];
	/*
	 * The shim asks the kernel about an argument that is not on the page of its own frame.
	 * Where the stack begins is chance; from here on it begins with a page.
	 */
	*(volatile char *)alloca(((uintptr_t)__builtin_frame_address(0) & 4095) + 1) = 0;
	drm = card();
	if (!strcmp(argv[1], "held")) {
		held();
		return 0;
	}
	e = export_new(exporter, argc > 4 ? atol(argv[4]) * PAGE : SIZE);
	size = e.size;
	handle = import(drm, &e);
	if (!strcmp(argv[1], "time")) {
		measure();
	} else if (!strcmp(argv[1], "faults")) {
		by_handle();
		n = faults();
		for (int i = 0; i < 100; i++)
			by_handle();
		printf("%ld\n", faults() - n);
	} else if (!strcmp(argv[1], "raw")) {
		raw();
	} else {
		calls();
	}
	return broken;
}
