// SPDX-License-Identifier: MIT
/*
 * What a program may expect of imports into radeon, whose buffers are TTM's, on a real kernel: the
 * buffer calls of libdrm_radeon, as its drivers made them. An ordinary program: the caller decides
 * whether the shim is there, which only changes what the program expects.
 *
 *   radeon native EXPORTER   an import maps, and the first touch of it is SIGBUS
 *   radeon shim EXPORTER     it shows the right bytes both ways
 *   radeon deny EXPORTER     it cannot be mapped (EINVAL)
 *   radeon own               the device's own buffers map as ever
 *   radeon touch EXPORTER    maps an import and reads all of it: status 0 if the bytes are right,
 *                          3 if it cannot be mapped
 *
 * EXPORTER: see exporters.h. Prints "ok - ..." or "not ok - ..." for each promise but the last.
 * Exit status 1 if one is broken. No buffer of the device is exported and nothing is submitted, as
 * the device may be one that cannot work (scripts/vm.sh --gpu radeon).
 */
#include "config.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <radeon_bo.h>
#include <radeon_bo_gem.h>
#include <radeon_drm.h>
#include <xf86drm.h>

#include "lib/client.h"

/* The device, opened, and libdrm_radeon's view of it. */
struct device {
	int fd;
	struct radeon_bo_manager *bom;
};

static struct device device_open(void)
{
	struct device dev = { .fd = card() };

	dev.bom = radeon_bo_manager_gem_ctor(dev.fd);
	if (!dev.bom)
		errx(2, "radeon_bo_manager_gem_ctor");
	return dev;
}

static void device_close(struct device *dev)
{
	radeon_bo_manager_gem_dtor(dev->bom);
	close(dev->fd);
}

/* The first @size bytes of the export as a buffer of the device, as far as libdrm_radeon knows. */
static struct radeon_bo *open_prime(const struct device *dev, const struct export *e, size_t size)
{
	struct radeon_bo *bo = radeon_gem_bo_open_prime(dev->bom, e->dmabuf, size);

	if (!bo)
		err(2, "radeon cannot import from %s", exporter);
	return bo;
}

/* A buffer of the device's own, in memory that it reaches through its GART. */
static struct radeon_bo *open_own(const struct device *dev)
{
	struct radeon_bo *bo = radeon_bo_open(dev->bom, 0, SIZE, PAGE, RADEON_GEM_DOMAIN_GTT, 0);

	if (!bo)
		err(2, "radeon_bo_open");
	return bo;
}

/* MAP_FAILED if it cannot be mapped. */
static uint8_t *map_bo(struct radeon_bo *bo, int write)
{
	return radeon_bo_map(bo, write) || !bo->ptr ? MAP_FAILED : bo->ptr;
}

static int gem_mmap(const struct device *dev, uint32_t handle, uint64_t *off)
{
	struct drm_radeon_gem_mmap m = { .handle = handle, .size = SIZE };

	if (drmCommandWriteRead(dev->fd, DRM_RADEON_GEM_MMAP, &m, sizeof(m)))
		return errno;
	*off = m.addr_ptr;
	return 0;
}

/* The signal that a child dies of when it touches the byte, or 0. */
static int touch_signal(volatile uint8_t *p, bool write)
{
	int status = 0;
	pid_t child = fork();

	if (!child) {
		if (write)
			*p = 1;
		else
			(void)*p;
		_exit(0);
	}
	if (child < 0 || waitpid(child, &status, 0) != child)
		err(2, "fork");
	return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

/* The errno of the kernel reading the byte for us, or 0. */
static int touch_errno(const uint8_t *p)
{
	int fds[2], ret;

	if (pipe(fds) < 0)
		err(2, "pipe");
	ret = write(fds[1], p, 1) == 1 ? 0 : errno;
	close(fds[0]);
	close(fds[1]);
	return ret;
}

static void native(void)
{
	struct export e = export_new(exporter, SIZE);
	struct device dev = device_open();
	struct radeon_bo *bo = open_prime(&dev, &e, SIZE);
	uint64_t off = 0;
	uint8_t *p;

	check(!radeon_bo_map(bo, 1) && bo->ptr, "natively radeon_bo_map succeeds");
	check(touch_signal(bo->ptr, false) == SIGBUS, "natively the first read is SIGBUS");
	check(touch_signal(bo->ptr, true) == SIGBUS, "natively the first write is SIGBUS");
	check(touch_errno(bo->ptr) == EFAULT, "natively a system call that reads it says EFAULT");
	check(!map_dumb(dev.fd, bo->handle, &off), "natively the generic map ioctl succeeds");
	p = map_at(dev.fd, off, SIZE, PROT_READ);
	check(p != MAP_FAILED && touch_signal(p, false) == SIGBUS,
	      "natively the first touch of that is SIGBUS, too");
	munmap(p, SIZE);
	radeon_bo_unref(bo);
	device_close(&dev);
	export_free(&e);
}

/* libdrm_radeon keeps a mapping from the first radeon_bo_map to the last radeon_bo_unref. */
static void whole(const struct device *dev, struct export *e)
{
	struct radeon_bo *bo = open_prime(dev, e, SIZE);
	uint8_t *p;

	fill(e->view, e->size, 1);
	p = map_bo(bo, 0);
	check(shows(p, 0, SIZE, 1), "mapped, it shows what the exporter wrote");
	if (p != MAP_FAILED)
		fill(p, SIZE, 2);
	check(shows(e->view, 0, SIZE, 2), "the exporter sees what was written");
	fill(e->view, e->size, 3);
	check(shows(p, 0, SIZE, 3), "and the mapping what the exporter writes afterwards");
	check(!radeon_bo_unmap(bo) && !bo->ptr, "it can be unmapped");
	p = map_bo(bo, 1);
	check(shows(p, 0, SIZE, 3), "and mapped again");
	radeon_bo_unmap(bo);
	check(!radeon_bo_unref(bo), "and closed");
	check(!maps_of("/dmabuf"), "then no mapping is left");

	bo = open_prime(dev, e, SIZE);
	check(shows(map_bo(bo, 0), 0, SIZE, 3), "imported again it can be mapped again");
	radeon_bo_unref(bo);
}

static void parts(const struct device *dev, struct export *e)
{
	struct radeon_bo *bo = open_prime(dev, e, 3 * PAGE);
	uint64_t off = 0, dumb = 0;
	uint8_t *p;

	fill(e->view, e->size, 4);
	check(shows(map_bo(bo, 0), 0, 3 * PAGE, 4), "opened with fewer pages, it shows those");
	check(!gem_mmap(dev, bo->handle, &off) && off, "the map ioctl gives an offset");
	p = map_at(dev->fd, off, SIZE, PROT_READ | PROT_WRITE);
	check(shows(p, 0, SIZE, 4), "of which the whole buffer can be mapped");
	if (p != MAP_FAILED)
		p[PAGE] ^= 0xff;
	check((e->view[PAGE] ^ byte(PAGE, 4)) == 0xff, "and written to");
	fill(e->view, e->size, 4);
	check(map_error(dev->fd, off, e->size + PAGE, PROT_READ, MAP_SHARED) == EINVAL,
	      "a length beyond the end is EINVAL");
	check(!map_dumb(dev->fd, bo->handle, &dumb), "the generic map ioctl gives one as well");
	radeon_bo_unref(bo);
	check(shows(p, 0, SIZE, 4), "a mapping outlives the handle");
	munmap(p, SIZE);
	check(map_error(dev->fd, off, SIZE, PROT_READ, MAP_SHARED),
	      "the closed handle's offset cannot be mapped");
	check(map_error(dev->fd, dumb, SIZE, PROT_READ, MAP_SHARED),
	      "nor can the one of the generic map ioctl");

	bo = open_prime(dev, e, SIZE);
	p = map(dev->fd, bo->handle, SIZE, PROT_READ);
	check(shows(p, 0, SIZE, 4), "by the generic map ioctl alone it shows the right bytes");
	munmap(p, SIZE);
	radeon_bo_unref(bo);
}

/* Handles and offsets are handed out anew at once. */
static void between_own(const struct device *dev, struct export *e)
{
	struct radeon_bo *bo = open_prime(dev, e, SIZE), *own;
	uint8_t *p = map_bo(bo, 1), *q;

	fill(e->view, e->size, 5);
	own = open_own(dev);
	q = map_bo(own, 1);
	if (q != MAP_FAILED)
		fill(q, SIZE, 6);
	check(shows(p, 0, SIZE, 5) && shows(q, 0, SIZE, 6),
	      "an import and a buffer of the device show their own bytes");
	radeon_bo_unref(own);
	radeon_bo_unref(bo);

	own = open_own(dev);
	q = map_bo(own, 1);
	if (q != MAP_FAILED)
		fill(q, SIZE, 7);
	check(shows(q, 0, SIZE, 7) && shows(e->view, 0, SIZE, 5),
	      "a buffer of the device made after the import's end is not mistaken for it");
	bo = open_prime(dev, e, SIZE);
	check(shows(map_bo(bo, 0), 0, SIZE, 5), "nor an import for the buffer of the device");
	radeon_bo_unref(bo);
	radeon_bo_unref(own);
}

static void shim(void)
{
	struct export e = export_new(exporter, SIZE);
	struct device dev = device_open();
	int before = count_fds();

	whole(&dev, &e);
	parts(&dev, &e);
	between_own(&dev, &e);
	check(count_fds() == before, "no descriptor is left open");
	check(!maps_of("/dmabuf"), "no mapping is left");
	device_close(&dev);
	export_free(&e);
}

static void deny(void)
{
	struct export e = export_new(exporter, SIZE);
	struct device dev = device_open();
	struct radeon_bo *bo = open_prime(&dev, &e, SIZE);
	uint64_t off = 0;
	int ret;

	check(radeon_bo_map(bo, 0) == -EINVAL && !bo->ptr, "denied, radeon_bo_map says EINVAL");
	radeon_bo_unref(bo);
	bo = open_prime(&dev, &e, SIZE);
	ret = map_dumb(dev.fd, bo->handle, &off);
	if (!ret)
		ret = map_error(dev.fd, off, SIZE, PROT_READ, MAP_SHARED);
	check(ret == EINVAL, "denied, neither does the generic map ioctl lead to a mapping");
	radeon_bo_unref(bo);
	device_close(&dev);
	export_free(&e);
}

static void own_buffers(void)
{
	struct device dev = device_open();
	struct radeon_bo *bo = open_own(&dev);
	uint8_t *p = map_bo(bo, 1), *q;

	if (p != MAP_FAILED)
		fill(p, SIZE, 8);
	check(shows(p, 0, SIZE, 8), "a buffer of the device can be written and read");
	check(maps_of("/dev/dri/") == 1, "through the device");
	radeon_bo_unmap(bo);
	check(shows(map_bo(bo, 0), 0, SIZE, 8), "and mapped again");
	q = map(dev.fd, bo->handle, SIZE, PROT_READ);
	check(shows(q, 0, SIZE, 8), "and by the generic map ioctl");
	munmap(q, SIZE);
	radeon_bo_unref(bo);
	check(!maps_of("/dev/dri/"), "its mappings end");
	device_close(&dev);
}

static int touch(void)
{
	struct export e = export_new(exporter, SIZE);
	struct device dev = device_open();
	struct radeon_bo *bo = open_prime(&dev, &e, SIZE);

	fill(e.view, e.size, 9);
	if (radeon_bo_map(bo, 0))
		errx(3, "radeon_bo_map refuses");
	return !shows(bo->ptr, 0, SIZE, 9);
}

static const struct {
	const char *name;
	void (*run)(void);
} parts_of[] = {
	{ "native", native },
	{ "shim", shim },
	{ "deny", deny },
};

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	importer = "radeon";
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc == 2 && !strcmp(what, "own")) {
		exporter = "itself";
		own_buffers();
		return broken;
	}
	if (argc != 3)
		errx(2, "see the top of radeon.c for how to use it");
	exporter = argv[2];
	if (!strcmp(what, "touch"))
		return touch();
	for (size_t i = 0; i < sizeof(parts_of) / sizeof(parts_of[0]); i++) {
		if (strcmp(what, parts_of[i].name))
			continue;
		parts_of[i].run();
		return broken;
	}
	errx(2, "see the top of radeon.c for how to use it");
}
