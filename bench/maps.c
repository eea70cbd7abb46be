// SPDX-License-Identifier: MIT
/*
 * Maps, touches and unmaps an import, and the same dma-buf by the exporter's own mmap; an ordinary
 * program, for bench.sh to run under the shim in a virtual machine.
 *
 * maps time IMPORTER EXPORTER ROUNDS SIZES prints "WAY BYTES ROUND NS": what one map, touch and
 * unmap took. In a round every way has its turn, so that what drifts hits all alike. SIZES is how
 * many sizes are measured, from the smallest on; 0: one of 1 MiB, or what the exporter has.
 * maps calls IMPORTER EXPORTER CYCLES is for strace: mark() says in the trace what comes next.
 */
#include "config.h"

#include <alloca.h>
#include <err.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/dma-buf.h>

#include "lib/client.h"
#include "measure.h"

#ifdef SYS_mmap2	/* 32-bit; where there is SYS_mmap too, it is another call */
#define RAW_MMAP	SYS_mmap2
#else
#define RAW_MMAP	SYS_mmap
#endif

#define BATCH_PAGES	1024	/* touched at least in a batch, which is what is timed */
#define BATCH_MAPS	64	/* at most */
#define CALLS_SIZE	(16 * PAGE)

#define FEW		5	/* rounds, of the largest */

static const size_t sizes[] = { PAGE, 16 * PAGE, 256 * PAGE, 2048 * PAGE, 8192 * PAGE };

#define SIZES		((int)(sizeof(sizes) / sizeof(*sizes)))
#define LARGE		sizes[SIZES - 1]

/* What is mapped now. */
static struct {
	int drm;
	uint32_t handle;
	uint64_t offset;	/* as MAP_DUMB said it once */
	int dmabuf;
	size_t size;
	uint8_t *view;		/* the exporter's mapping, which stays */
} b;

static void touch(volatile uint8_t *p)
{
	for (size_t at = 0; at < b.size; at += PAGE)
		p[at]++;
}

static void use(uint8_t *p)
{
	if (p == MAP_FAILED)
		err(2, "mmap of %zu bytes", b.size);
	touch(p);
	munmap(p, b.size);
}

static void by_handle(void)
{
	use(map(b.drm, b.handle, b.size, PROT_READ | PROT_WRITE));
}

static void by_offset(void)
{
	use(map_at(b.drm, b.offset, b.size, PROT_READ | PROT_WRITE));
}

/* What the others are compared with is to be the kernel's own, so no preloaded object is asked. */
static uint8_t *raw_map(void)
{
	long p = syscall(RAW_MMAP, NULL, b.size, PROT_READ | PROT_WRITE, MAP_SHARED, b.dmabuf, 0L);

	if (p == -1)
		err(2, "the exporter's mmap of %zu bytes", b.size);
	return (uint8_t *)p;
}

static void raw_unmap(uint8_t *p)
{
	syscall(SYS_munmap, p, b.size);
}

static void by_dmabuf(void)
{
	uint8_t *p = raw_map();

	touch(p);
	raw_unmap(p);
}

static void sync_it(uint64_t flags)
{
	struct dma_buf_sync s = { .flags = flags | DMA_BUF_SYNC_RW };

	if (syscall(SYS_ioctl, b.dmabuf, DMA_BUF_IOCTL_SYNC, &s) < 0)
		err(2, "DMA_BUF_IOCTL_SYNC");
}

static void bracketed(void)
{
	uint8_t *p = raw_map();

	sync_it(DMA_BUF_SYNC_START);
	touch(p);
	sync_it(DMA_BUF_SYNC_END);
	raw_unmap(p);
}

/* What no cycle can be cheaper than: a mapping that stays. */
static void stays(void)
{
	touch(b.view);
}

static void stays_bracketed(void)
{
	sync_it(DMA_BUF_SYNC_START);
	touch(b.view);
	sync_it(DMA_BUF_SYNC_END);
}

static const struct {
	const char *name;
	void (*once)(void);
} ways[] = {
	{ "handle", by_handle },
	{ "dmabuf", by_dmabuf },
	{ "offset", by_offset },
	{ "bracketed", bracketed },
	{ "stays", stays },
	{ "stays-bracketed", stays_bracketed },
};

#define WAYS ((int)(sizeof(ways) / sizeof(*ways)))

static void batch(int way, int round)
{
	int maps = BATCH_PAGES * PAGE / b.size + 1;
	double start = now_ns();

	maps = maps < BATCH_MAPS ? maps : BATCH_MAPS;
	for (int i = 0; i < maps; i++)
		ways[way].once();
	/* Round 0 is not told: pages are made, symbols are bound, questions are asked once. */
	if (round)
		printf("%s %zu %d %.0f\n", ways[way].name, b.size, round,
		       (now_ns() - start) / maps);
}

static void begin(const struct export *e)
{
	b.dmabuf = e->dmabuf;
	b.size = e->size;
	b.view = e->view;
	b.handle = import(b.drm, e);
	if (map_dumb(b.drm, b.handle, &b.offset))
		errx(2, "MODE_MAP_DUMB of the import is refused: is the shim preloaded?");
}

/* The ways are compared only if all show the same memory. */
static void check_ways(const struct export *e)
{
	for (int way = 0; way < WAYS; way++) {
		uint8_t was = e->view[b.size - PAGE];

		ways[way].once();
		if (e->view[b.size - PAGE] != (uint8_t)(was + 1))
			errx(2, "%s: what was written did not arrive", ways[way].name);
	}
}

static void measure(size_t size, int rounds)
{
	struct export e = export_new(exporter, size);

	begin(&e);
	check_ways(&e);
	if (size >= LARGE && rounds > FEW)
		rounds = FEW;
	/* There and back: no way has its turn always behind the same one. */
	for (int round = 0; round <= rounds; round++)
		for (int i = 0; i < WAYS; i++)
			batch(round % 2 ? WAYS - 1 - i : i, round);
	close_handle(b.drm, b.handle);
	export_free(&e);
}

/* A call that strace shows and that does nothing. */
static void mark(const char *what)
{
	access(what, F_OK);
}

static void cycle(void)
{
	uint64_t off = 0;
	uint8_t *p;

	mark("cycle:MAP_DUMB");
	if (map_dumb(b.drm, b.handle, &off))
		err(2, "MODE_MAP_DUMB");
	mark("cycle:mmap");
	p = map_at(b.drm, off, b.size, PROT_READ | PROT_WRITE);
	mark("cycle:touch");
	if (p == MAP_FAILED)
		err(2, "mmap");
	touch(p);
	mark("cycle:munmap");
	munmap(p, b.size);
	mark("cycle:end");
}

int main(int argc, char **argv)
{
	const char *what = argc > 4 ? argv[1] : "";
	int n = argc > 4 ? atoi(argv[4]) : 0, most = argc == 6 ? atoi(argv[5]) : -1;
	bool timed = !strcmp(what, "time");

	if (n < 1 || (timed ? argc != 6 || most < 0 || most > SIZES :
			      argc != 5 || strcmp(what, "calls"))) {
		fprintf(stderr, "Usage: maps time IMPORTER EXPORTER ROUNDS SIZES |"
				" maps calls IMPORTER EXPORTER CYCLES\n");
		return 2;
	}
	/* vm.sh gives a guest up that is silent for long. */
	setvbuf(stdout, NULL, _IOLBF, 0);
	importer = argv[2];
	exporter = argv[3];
	b.drm = card();
	/*
	 * The shim asks the kernel about an argument that is not on the page of its own frame.
	 * Where the stack begins is chance; from here on it begins with a page.
	 */
	*(volatile char *)alloca(((uintptr_t)__builtin_frame_address(0) & 4095) + 1) = 0;
	if (timed) {
		for (int i = 0; i < most; i++)
			measure(sizes[i], n);
		if (!most)
			measure(strcmp(exporter, "vivid") ? 256 * PAGE : PAGE, n);
	} else {
		struct export e = export_new(exporter, CALLS_SIZE);

		begin(&e);
		while (n--)
			cycle();
	}
	return 0;
}
