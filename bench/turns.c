// SPDX-License-Identifier: MIT
/*
 * Frames over the fake kernel, with so many imports mapped: what turns cost. A frame is a submit
 * and a wait for a fence; the rows are
 *
 *   frame-list	the submit has one buffer in its list (etnaviv)
 *   frame-file	it has no list (panthor), and all are imports of its file
 *   frame-one	it has no list, and one is; the others are another file's
 *   frame-idle	nothing is submitted, and the wait is all
 *   frame-calls	this program makes the calls of frame-file by itself, and maps nothing: so
 *			much of frame-file is the fake kernel's
 *
 * For bench.sh, whose rules are in calls.c.
 */
#include "config.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <drm.h>
#include <linux/dma-buf.h>

#include "measure.h"

#define PAGE	4096
#define MOST	1000	/* imports */
#define FRAMES	20	/* in one measurement */
#define BATCHES	60	/* measurements of which the fastest is taken */

/* By the kernel's numbers, as Debian 12 has no header for panthor. */
#define ETNAVIV_GEM_INFO	_IOC(_IOC_READ | _IOC_WRITE, 'd', 0x43, 16)
#define ETNAVIV_GEM_SUBMIT	_IOC(_IOC_READ | _IOC_WRITE, 'd', 0x46, 72)
#define PANTHOR_BO_MMAP_OFFSET	_IOC(_IOC_READ | _IOC_WRITE, 'd', 0x46, 16)
#define PANTHOR_GROUP_SUBMIT	_IOC(_IOC_READ | _IOC_WRITE, 'd', 0x49, 24)

static int card;
static unsigned long request;
static char submit[72];
static struct { uint32_t flags, handle; uint64_t presumed; } list[1];
static struct drm_syncobj_wait fence;
static int kept[MOST];			/* dma-bufs of frame-calls */
static long n_kept;

__attribute__((noreturn)) static void fail(const char *what)
{
	fprintf(stderr, "turns: ");
	perror(what);
	exit(2);
}

/* Is it still a dma-buf? */
static void look(int fd)
{
	struct stat st;

	fstat(fd, &st);
}

static void bracket(int fd, uint64_t flags)
{
	struct dma_buf_sync sync = { .flags = flags | DMA_BUF_SYNC_RW };

	ioctl(fd, DMA_BUF_IOCTL_SYNC, &sync);
}

__attribute__((noinline)) static void measured(void)
{
	for (int i = 0; i < FRAMES; i++) {
		for (long k = 0; k < n_kept; k++) {
			look(kept[k]);
			bracket(kept[k], DMA_BUF_SYNC_END);
		}
		if (request)
			ioctl(card, request, submit);
		ioctl(card, DRM_IOCTL_SYNCOBJ_WAIT, &fence);
		for (long k = 0; k < n_kept; k++) {
			look(kept[k]);
			poll(&(struct pollfd){ kept[k], POLLOUT, 0 }, 1, 0);
			bracket(kept[k], DMA_BUF_SYNC_START);
		}
	}
	__asm__ volatile("" ::: "memory");	/* so that this is no tail call */
}

__attribute__((noinline)) static void done(void)
{
	__asm__ volatile("" ::: "memory");
}

static void measure(const char *row, long mapped, bool timing)
{
	double best = 1e18;

	/* Once without being measured, so that nothing is done for the first time. */
	measured();
	done();
	for (int b = timing ? BATCHES : 1; b--;) {
		double t = now_ns();

		measured();
		t = now_ns() - t;
		best = t < best ? t : best;
	}
	if (timing)
		printf("%s %ld %d %.1f\n", row, mapped, FRAMES, best / FRAMES);
	else
		printf("%s %ld %d\n", row, mapped, FRAMES);
	done();
}

static void *fake(const char *name)
{
	void *f = dlsym(RTLD_DEFAULT, name);

	if (!f)
		fail(name);
	return f;
}

static int open_driver(const char *driver)
{
	int (*fake_card)(const char *) = (int (*)(const char *))(uintptr_t)fake("fake_card");
	char path[32];
	int fd;

	snprintf(path, sizeof(path), "/dev/dri/card%d", fake_card(driver));
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		fail(driver);
	return fd;
}

/*
 * A mapped import. Without the shim the map may be refused, which is all the same to a frame.
 * @offset_ioctl 0: the dma-buf is kept instead.
 */
static uint32_t import(int fd, unsigned long offset_ioctl)
{
	int (*fake_export)(size_t, uint8_t, bool) =
		(int (*)(size_t, uint8_t, bool))(uintptr_t)fake("fake_export");
	struct drm_prime_handle p = { .fd = fake_export(PAGE, 0, true) };
	uint32_t arg[4] = { 0 };
	uint64_t offset;

	if (p.fd < 0 || ioctl(fd, DRM_IOCTL_PRIME_FD_TO_HANDLE, &p))
		fail("PRIME_FD_TO_HANDLE");
	if (!offset_ioctl) {
		kept[n_kept++] = p.fd;
		bracket(p.fd, DMA_BUF_SYNC_START);
		return p.handle;
	}
	close(p.fd);
	arg[0] = p.handle;
	if (ioctl(fd, offset_ioctl, arg))
		return p.handle;
	memcpy(&offset, arg + 2, sizeof(offset));
	mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, offset);
	return p.handle;
}

/* A new file of each row, that the rows before have nothing to do with. */
static void row(const char *name, long mapped, long mine, bool timing)
{
	bool lists = !strcmp(name, "frame-list");
	unsigned long offset = lists ? ETNAVIV_GEM_INFO :
			       !strcmp(name, "frame-calls") ? 0 : PANTHOR_BO_MMAP_OFFSET;
	int other = open_driver("etnaviv");
	uint64_t at = (uintptr_t)list;
	uint32_t one = 1;

	card = open_driver(lists ? "etnaviv" : "panthor");
	for (long i = 0; i < mapped; i++) {
		if (i < mine)
			list[0].handle = import(card, offset);
		else
			import(other, ETNAVIV_GEM_INFO);
	}
	list[0].flags = 2;	/* the device writes it */
	memset(submit, 0, sizeof(submit));
	if (lists) {
		memcpy(submit + 12, &one, sizeof(one));
		memcpy(submit + 24, &at, sizeof(at));
	}
	request = !strcmp(name, "frame-idle") ? 0 : lists ? ETNAVIV_GEM_SUBMIT :
		  PANTHOR_GROUP_SUBMIT;
	measure(name, mapped, timing);
}

int main(int argc, char **argv)
{
	const char *name = argc > 2 ? argv[2] : "";
	long mapped = argc > 3 ? atol(argv[3]) : 0;
	struct rlimit most;

	if (mapped < 1 || mapped > MOST || strncmp(name, "frame-", 6)) {
		fprintf(stderr, "Usage: turns count|time ROW MAPPED\n");
		return 2;
	}
	/* Each mapped buffer has a private descriptor. */
	if (!getrlimit(RLIMIT_NOFILE, &most)) {
		most.rlim_cur = most.rlim_max;
		setrlimit(RLIMIT_NOFILE, &most);
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	row(name, mapped, strcmp(name, "frame-one") ? mapped : 1, !strcmp(argv[1], "time"));
	return 0;
}
