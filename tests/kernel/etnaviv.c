// SPDX-License-Identifier: MIT
/*
 * Imports into the driver etnaviv by libdrm_etnaviv's own calls, as Mesa and an Android gralloc
 * make them. An ordinary program, which knows nothing of the shim. For kernel-etnaviv.sh.
 *
 *   etnaviv matrix EXPORTER	mapped, written, read, prepared and finished in every order
 *   etnaviv turns EXPORTER N	N times CPU_PREP, an access, CPU_FINI
 *   etnaviv busy EXPORTER	while work on the import is pending
 *   etnaviv refused EXPORTER	a map of the import says EINVAL
 *   etnaviv protect EXPORTER	a read-only dma-buf, mapped to be read and made writable
 */
#include "config.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <etnaviv_drmif.h>
#include <xf86drm.h>

#include "lib/client.h"

/* libdrm_etnaviv's header and the kernel's do not go together. */
struct gem_info {
	uint32_t handle, pad;
	uint64_t offset;
};
#define IOCTL_GEM_INFO	DRM_IOWR(0x43, struct gem_info)

#define READ	DRM_ETNA_PREP_READ
#define WRITE	DRM_ETNA_PREP_WRITE
#define NOSYNC	DRM_ETNA_PREP_NOSYNC

static struct export e;
static struct etna_device *dev;

static struct etna_bo *bo_of(struct etna_device *d)
{
	struct etna_bo *bo = etna_bo_from_dmabuf(d, e.dmabuf);

	if (!bo)
		errx(2, "etna_bo_from_dmabuf of %s", exporter);
	return bo;
}

static volatile uint8_t *map_of(struct etna_bo *bo)
{
	uint8_t *p = etna_bo_map(bo);

	if (!p || p == MAP_FAILED)
		errx(2, "etna_bo_map");
	return p;
}

static bool same(volatile uint8_t *p, int seed)
{
	fill((uint8_t *)p, e.size, seed);
	if (!shows(e.view, 0, e.size, seed))
		return false;
	fill(e.view, e.size, seed + 1);
	return shows((uint8_t *)p, 0, e.size, seed + 1);
}

/* The program's handle goes, its mapping stays. */
static void closed_while_mapped(void)
{
	int fd = open_card("etnaviv");
	struct etna_device *d = etna_device_new(fd);
	struct etna_bo *bo = d ? bo_of(d) : NULL;
	volatile uint8_t *p;

	if (!bo)
		errx(2, "a third open of the device");
	p = map_of(bo);
	check(!etna_bo_cpu_prep(bo, READ | WRITE), "CPU_PREP in a third open file");
	check(!drmCloseBufferHandle(fd, etna_bo_handle(bo)), "GEM_CLOSE while mapped");
	check(same(p, 7), "the mapping outlives the handle");
	check(etna_bo_cpu_prep(bo, READ), "which is gone");
	etna_bo_del(bo);
	check(shows(e.view, 0, e.size, 8), "what was written through it is there");
	etna_device_del(d);
	close(fd);
}

static void matrix(void)
{
	struct etna_bo *bo = bo_of(dev), *again;
	struct etna_device *second;
	volatile uint8_t *p;
	int out;

	check(etna_bo_size(bo) == e.size, "its size is the dma-buf's");
	/* Prepared before it is mapped. */
	check(!etna_bo_cpu_prep(bo, READ | WRITE), "CPU_PREP before the map");
	p = map_of(bo);
	check(same(p, 1), "mapped it shows the exporter's bytes, both ways");
	etna_bo_cpu_fini(bo);
	etna_bo_cpu_fini(bo);
	check(!etna_bo_cpu_prep(bo, READ), "CPU_PREP for reading");
	check(shows((uint8_t *)p, 0, e.size, 2), "it reads the same");
	etna_bo_cpu_fini(bo);
	check(!etna_bo_cpu_prep(bo, READ | WRITE | NOSYNC), "CPU_PREP without a wait");
	check(!etna_bo_cpu_prep(bo, WRITE), "CPU_PREP for writing");
	p[e.size - 1] = 77;
	etna_bo_cpu_fini(bo);
	check(e.view[e.size - 1] == 77, "what is written has arrived");

	second = etna_device_new_dup(open_card("etnaviv"));
	if (!second)
		errx(2, "a second open of the device");
	again = bo_of(second);
	check(!etna_bo_cpu_prep(again, READ | WRITE) && same(map_of(again), 3),
	      "in another open file, too");
	etna_bo_del(again);
	etna_device_del(second);

	out = etna_bo_dmabuf(bo);
	check(out >= 0, "it can be exported again");
	close(out);
	check(same(p, 5), "and the mapping stays");
	etna_bo_del(bo);
	check(shows(e.view, 0, e.size, 6), "after it is gone the exporter has what was written");
	closed_while_mapped();
}

static void turns(int n)
{
	struct etna_bo *bo = bo_of(dev);
	volatile uint8_t *p;

	for (int i = 0; i < n; i++) {
		if (etna_bo_cpu_prep(bo, READ | WRITE))
			err(2, "CPU_PREP");
		p = map_of(bo);
		p[i] = i;
		etna_bo_cpu_fini(bo);
	}
	etna_bo_del(bo);
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

/* Work on @bo that this GPU never does: the driver gives up on it after a while. */
static void submit(struct etna_bo *bo)
{
	struct etna_gpu *gpu = etna_gpu_new(dev, 0);
	struct etna_pipe *pipe = gpu ? etna_pipe_new(gpu, ETNA_PIPE_3D) : NULL;
	struct etna_cmd_stream *s = pipe ? etna_cmd_stream_new(pipe, 64, NULL, NULL) : NULL;
	struct etna_reloc reloc = { .bo = bo, .flags = ETNA_RELOC_READ | ETNA_RELOC_WRITE };

	if (!s)
		errx(2, "no command stream");
	/* LOAD_STATE of FE_INDEX_STREAM_BASE_ADDR, an address */
	etna_cmd_stream_emit(s, 1 << 27 | 1 << 16 | 0x644 >> 2);
	etna_cmd_stream_reloc(s, &reloc);
	etna_cmd_stream_flush(s);
}

static void busy(void)
{
	struct etna_bo *bo = bo_of(dev);
	volatile uint8_t *p = map_of(bo);
	double t;
	int ret;

	p[0] = 1;
	submit(bo);
	ret = etna_bo_cpu_prep(bo, READ | WRITE | NOSYNC);
	check(ret == -EBUSY, "with work pending CPU_PREP NOSYNC says EBUSY");
	t = now();
	ret = etna_bo_cpu_prep(bo, READ | WRITE);
	check(!ret && now() - t > 0.2, "and CPU_PREP waits for it");
	p[0] = 2;
	etna_bo_cpu_fini(bo);
	check(e.view[0] == 2, "what is written then is there");
	check(!etna_bo_cpu_prep(bo, READ | WRITE | NOSYNC), "NOSYNC finds it idle");
	etna_bo_del(bo);
}

static void protect(void)
{
	struct etna_bo *bo = bo_of(dev);
	struct gem_info info = { .handle = etna_bo_handle(bo) };
	uint8_t *p;

	if (drmIoctl(etna_device_fd(dev), IOCTL_GEM_INFO, &info))
		err(2, "GEM_INFO");
	fill(e.view, SIZE, 3);
	p = mmap(NULL, SIZE, PROT_READ, MAP_SHARED, etna_device_fd(dev), info.offset);
	check(p != MAP_FAILED && shows(p, 0, SIZE, 3), "a read-only dma-buf is mapped to be read");
	/* What is mapped stays without the handle. */
	etna_bo_del(bo);
	check(!mprotect(p, SIZE, PROT_READ | PROT_WRITE), "mprotect() makes it writable");
	if (broken)
		return;
	fill(p, SIZE, 4);
	check(shows(e.view, 0, SIZE, 4), "what is written arrives");
	check(!mprotect(p, SIZE, PROT_READ), "and to be read again");
	munmap(p, SIZE);
	munmap(e.view, e.size);
	e.view = NULL;
	p = mmap(NULL, SIZE, PROT_READ, MAP_SHARED, e.dmabuf, 0);
	check(p != MAP_FAILED && mprotect(p, SIZE, PROT_READ | PROT_WRITE) < 0 && errno == EACCES,
	      "the dma-buf itself cannot be made writable");
}

int main(int argc, char **argv)
{
	const char *what = argc > 2 ? argv[1] : "";

	setvbuf(stdout, NULL, _IOLBF, 0);
	importer = "etnaviv";
	exporter = argc > 2 ? argv[2] : "";
	e = strcmp(what, "protect") ? export_new(exporter, SIZE) : export_readonly(exporter, SIZE);
	dev = etna_device_new_dup(open_card("etnaviv"));
	if (!dev)
		errx(2, "there is no device with the driver etnaviv");
	if (!strcmp(what, "matrix"))
		matrix();
	else if (!strcmp(what, "turns"))
		turns(argc > 3 ? atoi(argv[3]) : 10);
	else if (!strcmp(what, "busy"))
		busy();
	else if (!strcmp(what, "protect"))
		protect();
	else if (!strcmp(what, "refused"))
		check(!etna_bo_map(bo_of(dev)), "it cannot be mapped");
	else
		errx(2, "see the top of etnaviv.c for how to use it");
	return broken;
}
