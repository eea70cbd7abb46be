// SPDX-License-Identifier: MIT
/*
 * Does every byte that the CPU writes into a mapped import reach the device? For a machine whose
 * caches are not coherent, or one that is made so: with swiotlb=force the kernel's udmabuf driver
 * copies between its pages and a bounce buffer, so that a write which no END followed is gone with
 * the next START. The device is this program itself, by system calls of its own on the dma-buf. An
 * ordinary program otherwise, which knows nothing of the shim.
 *
 *   sync lost IMPORTER		some bytes are lost
 *   sync kept IMPORTER N	none are, in N rounds of map, write, unmap
 *   sync turns IMPORTER N	nor of a buffer that stays mapped, and is shown and exported
 *   sync silent IMPORTER N	how many are lost if it goes on to write without a word
 *   sync domains radeon N	nor where the CPU's turn is told by SET_DOMAIN and WAIT_IDLE
 *   sync left IMPORTER		ends with the import mapped
 *   sync busy IMPORTER		a buffer with a fence stalls nobody, and is begun once it has none
 *   sync frames IMPORTER N	how many of N frames are stale, if it only asks the map ioctl
 *   sync own IMPORTER		asking for the offset of a buffer with a fence of its own ends
 */
#include "config.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include <linux/dma-buf.h>
#include <radeon_drm.h>
#include <xf86drm.h>
#include <xf86drmMode.h>

#include "lib/client.h"

static struct export e;
static int fd;
static uint32_t handle;
static uint64_t offset;

/* Seen by nobody but the kernel. */
static void bracket(uint64_t flags)
{
	struct dma_buf_sync sync = { .flags = flags };

	if (syscall(SYS_ioctl, e.dmabuf, DMA_BUF_IOCTL_SYNC, &sync) < 0)
		err(2, "DMA_BUF_IOCTL_SYNC %#llx", (unsigned long long)flags);
}

/* What a device would read at @at: what lies in the pages after a START of its own. */
static uint8_t device_reads(size_t at)
{
	uint8_t v;

	bracket(DMA_BUF_SYNC_START | DMA_BUF_SYNC_RW);
	v = e.view[at];
	bracket(DMA_BUF_SYNC_END | DMA_BUF_SYNC_RW);
	return v;
}

static void device_writes(size_t at, uint8_t v)
{
	bracket(DMA_BUF_SYNC_START | DMA_BUF_SYNC_RW);
	e.view[at] = v;
	bracket(DMA_BUF_SYNC_END | DMA_BUF_SYNC_RW);
}

static void begin(void)
{
	e = export_new("udmabuf", 2 * PAGE);
	fd = card();
	handle = import(fd, &e);
	/* The bounce buffer is there from the first START on. */
	bracket(DMA_BUF_SYNC_START | DMA_BUF_SYNC_RW);
	bracket(DMA_BUF_SYNC_END | DMA_BUF_SYNC_RW);
	errno = map_offset(fd, handle, &offset);
	if (errno)
		err(2, "the map ioctl");
}

static uint8_t *must_map(int prot)
{
	uint8_t *p = map_at(fd, offset, e.size, prot);

	if (p == MAP_FAILED)
		err(2, "mmap of the import");
	return p;
}

/* How often a byte was lost, on the way to the device or back. */
static int rounds(int n)
{
	int lost = 0;

	for (int i = 0; i < n; i++) {
		size_t at = (size_t)rand() % e.size, back = (at + 77) % e.size;
		uint8_t v = i * 37 + 1, *p = must_map(PROT_READ | PROT_WRITE);

		p[at] = v;
		munmap(p, e.size);
		lost += device_reads(at) != v;
		device_writes(back, v + 1);
		p = must_map(PROT_READ);
		lost += p[back] != (uint8_t)(v + 1) || p[at] != v;
		munmap(p, e.size);
	}
	return lost;
}

/* To be scanned out, if the device can. */
static uint32_t frame(void)
{
	uint32_t fb = 0;

	return drmModeAddFB(fd, 32, 32, 24, 32, 128, handle, &fb) ? 0 : fb;
}

/* @silent: the program goes on to write, and tells nobody that it does. */
static int turns(int n, bool silent)
{
	uint8_t *p = must_map(PROT_READ | PROT_WRITE), *again;
	uint32_t fb = frame();
	int lost = 0, other;

	for (int i = 0; i < n; i++) {
		size_t at = (size_t)rand() % e.size;
		uint8_t v = i * 41 + 1;

		p[at] = v;
		/* A device looks at it. */
		if (fb && i & 1)
			drmModeDirtyFB(fd, fb, NULL, 0);
		else if (!drmPrimeHandleToFD(fd, handle, DRM_CLOEXEC, &other))
			close(other);
		lost += device_reads(at) != v;
		device_writes(at, v + 1);
		if (silent)
			continue;
		/* And the CPU again. */
		again = must_map(PROT_READ | PROT_WRITE);
		lost += p[at] != (uint8_t)(v + 1);
		munmap(again, e.size);
	}
	munmap(p, e.size);
	return lost;
}

static void set_domain(uint32_t write)
{
	struct drm_radeon_gem_set_domain d = {
		.handle = handle, .read_domains = RADEON_GEM_DOMAIN_CPU, .write_domain = write,
	};

	if (drmIoctl(fd, DRM_IOCTL_RADEON_GEM_SET_DOMAIN, &d))
		err(2, "SET_DOMAIN");
}

/* Mapped once; each round is a bracket, and the device's. */
static int domains(int n)
{
	uint8_t *p = must_map(PROT_READ | PROT_WRITE);
	struct drm_radeon_gem_wait_idle idle = { .handle = handle };
	int lost = 0, other;

	for (int i = 0; i < n; i++) {
		size_t at = (size_t)rand() % e.size;
		uint8_t v = i * 43 + 1;

		if (i % 3 == 2 && drmIoctl(fd, DRM_IOCTL_RADEON_GEM_WAIT_IDLE, &idle))
			err(2, "WAIT_IDLE");
		if (i % 3 != 2)
			set_domain(RADEON_GEM_DOMAIN_CPU);
		/* Once more says nothing new. */
		if (i % 3 == 1)
			set_domain(RADEON_GEM_DOMAIN_CPU);
		p[at] = v;
		if (drmPrimeHandleToFD(fd, handle, DRM_CLOEXEC, &other))
			err(2, "PRIME_HANDLE_TO_FD");
		close(other);
		lost += device_reads(at) != v;
	}
	munmap(p, e.size);
	return lost;
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

struct vgem_fence {
	uint32_t handle, flags, out_fence, pad;
};

#define FENCE_ATTACH	_IOWR('d', 0x41, struct vgem_fence)
#define FENCE_SIGNAL	_IOW('d', 0x42, uint64_t)

static void ignore(int sig)
{
	(void)sig;
}

struct later {
	int vgem;
	uint32_t fence;
	atomic_int interrupted;		/* how often signals have, the program's wait */
};

/* Half a second later, and not before signals have come: a busy machine takes its time for them. */
static void *signal_later(void *arg)
{
	struct later *l = arg;
	uint64_t fence[1] = { l->fence };
	sigset_t alarm;

	sigemptyset(&alarm);
	sigaddset(&alarm, SIGALRM);
	pthread_sigmask(SIG_BLOCK, &alarm, NULL);
	usleep(500000);
	while (l->interrupted <= 2)
		usleep(10000);
	if (drmIoctl(l->vgem, FENCE_SIGNAL, fence))
		err(2, "FENCE_SIGNAL");
	return NULL;
}

/*
 * Is its fence still pending? Then whatever came before has not waited for it, however long that
 * took. (Nobody signals it; after ten seconds vgem does.)
 */
static bool is_busy(const struct export *b)
{
	struct pollfd fds = { .fd = b->dmabuf, .events = POLLOUT };

	return !poll(&fds, 1, 0);
}

/* The program waits for a busy buffer itself, while signals come and go. */
static void waits(const struct export *b, struct later *l)
{
	const struct itimerval often = { { 0, 20000 }, { 0, 20000 } },
		never = { { 0, 0 }, { 0, 0 } };
	struct pollfd fds = { .fd = b->dmabuf, .events = POLLOUT };
	struct sigaction act = { .sa_handler = ignore };
	int ret, other;
	struct export was = e;
	pthread_t id;
	uint8_t *p;
	double t;

	p = map_at(fd, offset, b->size, PROT_READ | PROT_WRITE);
	if (p == MAP_FAILED || sigaction(SIGALRM, &act, NULL) ||
	    setitimer(ITIMER_REAL, &often, NULL))
		err(2, "a busy map");
	if (drmPrimeHandleToFD(fd, handle, DRM_CLOEXEC, &other))
		err(2, "PRIME_HANDLE_TO_FD");
	close(other);
	check(is_busy(b), "a busy buffer is handed over without a wait");
	t = now();
	if (pthread_create(&id, NULL, signal_later, l))
		errx(2, "no thread");
	while ((ret = poll(&fds, 1, -1)) < 0 && errno == EINTR)
		l->interrupted++;
	check(ret == 1 && now() - t > 0.4, "a wait for its fence does wait");
	check(l->interrupted > 2, "and signals interrupt it");
	setitimer(ITIMER_REAL, &never, NULL);
	pthread_join(id, NULL);
	p[3] = 99;
	munmap(p, b->size);
	e = *b;
	check(device_reads(3) == 99, "what is written after it is not lost");
	e = was;
}

static void busy(void)
{
	struct export b = export_new("udmabuf", 2 * PAGE);
	struct vgem_fence fence = { .flags = 1 };	/* VGEM_FENCE_WRITE */
	int vgem = open_card("vgem");
	uint64_t signal[1];
	uint8_t *p;

	if (vgem < 0 || drmPrimeFDToHandle(vgem, b.dmabuf, &fence.handle) ||
	    drmIoctl(vgem, FENCE_ATTACH, &fence))
		err(2, "a fence of vgem's");
	handle = import(fd, &b);
	if (map_dumb(fd, handle, &offset))
		err(2, "MODE_MAP_DUMB");
	p = map_at(fd, offset, b.size, PROT_READ | PROT_WRITE);
	check(p != MAP_FAILED && is_busy(&b), "a map of a busy buffer waits for a second at most");
	p[0] = 1;
	munmap(p, b.size);
	check(is_busy(&b), "nor does its unmap");
	signal[0] = fence.out_fence;
	if (drmIoctl(vgem, FENCE_SIGNAL, signal))
		err(2, "FENCE_SIGNAL");
	p = map_at(fd, offset, b.size, PROT_READ | PROT_WRITE);
	check(p != MAP_FAILED, "idle it is mapped again");
	munmap(p, b.size);
	if (drmIoctl(vgem, FENCE_ATTACH, &fence))
		err(2, "another fence of vgem's");
	waits(&b, &(struct later){ .vgem = vgem, .fence = fence.out_fence });
	export_free(&b);
}

/* A producer of frames: vgem's fence says when one is there. */
struct producer {
	int vgem;
	struct vgem_fence fence;
	uint8_t frame;
};

static void producer_begin(struct producer *p)
{
	p->vgem = open_card("vgem");
	if (p->vgem < 0 || drmPrimeFDToHandle(p->vgem, e.dmabuf, &p->fence.handle))
		err(2, "vgem");
	p->fence.flags = 1;	/* VGEM_FENCE_WRITE */
}

static void promises(struct producer *p)
{
	if (drmIoctl(p->vgem, FENCE_ATTACH, &p->fence))
		err(2, "FENCE_ATTACH");
}

/* No START, which would wait for the producer's own fence. */
static void delivers(struct producer *p)
{
	uint64_t fence[1] = { p->fence.out_fence };

	memset(e.view, p->frame, e.size);
	bracket(DMA_BUF_SYNC_END | DMA_BUF_SYNC_RW);
	if (drmIoctl(p->vgem, FENCE_SIGNAL, fence))
		err(2, "FENCE_SIGNAL");
}

static void *deliver_later(void *arg)
{
	usleep(400000);
	delivers(arg);
	return NULL;
}

/*
 * As Mesa's kms_swrast: it maps the import once, for reading and for writing apart, asks for the
 * offset before each use, and never waits.
 */
static int frames(int n)
{
	uint8_t *p = must_map(PROT_READ | PROT_WRITE), *r = must_map(PROT_READ);
	struct producer producer = { 0 };
	int stale = 0;

	producer_begin(&producer);
	for (int i = 0; i < n; i++) {
		pthread_t id;

		promises(&producer);
		producer.frame = i + 1;
		if (pthread_create(&id, NULL, deliver_later, &producer))
			errx(2, "no thread");
		errno = map_offset(fd, handle, &offset);
		if (errno)
			err(2, "the map ioctl");
		stale += p[i] != i + 1 || r[e.size - 1 - i] != i + 1;
		pthread_join(id, NULL);
	}
	munmap(p, e.size);
	munmap(r, e.size);
	return stale;
}

/* The thread that asks is the one that would signal the fence. */
static void own(void)
{
	uint8_t *p = must_map(PROT_READ | PROT_WRITE);
	struct producer producer = { .frame = 1 };
	double t;

	producer_begin(&producer);
	promises(&producer);
	for (int i = 0; i < 12; i++) {
		errno = map_offset(fd, handle, &offset);
		if (errno)
			err(2, "the map ioctl");
	}
	/* After ten seconds vgem does. */
	check(is_busy(&e), "twelve questions for the offset wait for less than ten seconds");
	delivers(&producer);
	t = now();
	errno = map_offset(fd, handle, &offset);
	if (errno)
		err(2, "the map ioctl");
	check(p[0] == 1 && now() - t < 1, "once the fence is signalled the bytes are there");
	munmap(p, e.size);
}

int main(int argc, char **argv)
{
	const char *what = argc > 2 ? argv[1] : "";
	int n = argc > 3 ? atoi(argv[3]) : 200, lost;

	importer = argc > 2 ? argv[2] : "";
	setvbuf(stdout, NULL, _IOLBF, 0);
	begin();
	if (!strcmp(what, "lost")) {
		lost = rounds(n);
		printf("# in %d rounds %d bytes or pairs of them were lost\n", n, lost);
		check(lost > n / 2, "bytes are lost without brackets");
	} else if (!strcmp(what, "kept")) {
		check(!rounds(n), "no byte is lost of what is mapped, written and unmapped");
	} else if (!strcmp(what, "turns")) {
		check(!turns(n, false), "nor of what stays mapped, and is shown and exported");
	} else if (!strcmp(what, "silent")) {
		printf("%d\n", turns(n, true));
	} else if (!strcmp(what, "domains")) {
		check(!domains(n), "nor of what the driver is told about");
	} else if (!strcmp(what, "left")) {
		*must_map(PROT_READ | PROT_WRITE) = 1;
	} else if (!strcmp(what, "busy")) {
		busy();
	} else if (!strcmp(what, "frames")) {
		printf("%d\n", frames(n));
	} else if (!strcmp(what, "own")) {
		own();
	} else {
		errx(2, "see the top of sync.c for how to use it");
	}
	return broken;
}
