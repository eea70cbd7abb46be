// SPDX-License-Identifier: MIT
/* What is peculiar to one driver or the other, and exports; for drivers.c. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <drm.h>
#include <drm_mode.h>

#include "lib/drivers-client.h"

/* PRIME_HANDLE_TO_FD without DRM_RDWR. With @kept it stays so. */
void exports(bool kept)
{
	int fd = card(driver), dmabuf, want = rescues && !kept ? O_RDWR : O_RDONLY;
	struct drm_prime_handle *p = malloc(sizeof(*p));
	uint32_t handle = create(fd);

	dmabuf = export(fd, handle, 0);
	check((fcntl(dmabuf, F_GETFL) & O_ACCMODE) == want,
	      want == O_RDWR ? "an export for reading is one for writing" : "exports are kept");
	check(fcntl(dmabuf, F_GETFD) == FD_CLOEXEC, "and O_CLOEXEC");
	close(dmabuf);
	*p = (struct drm_prime_handle){ .handle = create(fd) };
	need(!ioctl(fd, DRM_IOCTL_PRIME_HANDLE_TO_FD, p), "export by an argument on the heap");
	check((fcntl(p->fd, F_GETFL) & O_ACCMODE) == want && !fcntl(p->fd, F_GETFD) && !p->flags,
	      "the same by an argument on the heap, whose flags stay");
	close(p->fd);
	check(ioctl(fd, DRM_IOCTL_PRIME_HANDLE_TO_FD, (void *)8) < 0 && errno == EFAULT,
	      "an export to nowhere is EFAULT");
	*p = (struct drm_prime_handle){ .handle = create(fd), .flags = 0x10000000 };
	check(ioctl(fd, DRM_IOCTL_PRIME_HANDLE_TO_FD, p) < 0 && errno == EINVAL,
	      "unknown flags are EINVAL");
	p->handle = 4242;
	p->flags = 0;
	check(ioctl(fd, DRM_IOCTL_PRIME_HANDLE_TO_FD, p) < 0 && errno == ENOENT,
	      "an unknown handle is ENOENT");
	free(p);
	close(fd);
}

/* The errno of MODE_MAP_DUMB for an import that the shim did not see, or 0. */
static int ask_unseen(const char *name, int dmabuf)
{
	int (*unseen)(int fd, unsigned long request, ...) = dlsym(RTLD_DEFAULT, "fake_ioctl");
	struct drm_prime_handle p = { .fd = dmabuf };
	struct drm_mode_map_dumb m = { 0 };
	int fd = card(named(name)), err;

	need(unseen && !unseen(fd, DRM_IOCTL_PRIME_FD_TO_HANDLE, &p), "an unseen import");
	m.handle = p.handle;
	err = ioctl(fd, DRM_IOCTL_MODE_MAP_DUMB, &m) ? errno : 0;
	close(fd);
	return err;
}

/* @handle of @fd is tiled, and comes back from another process: nobody knows whose it is. */
static void check_tiled(int fd, uint32_t handle)
{
	int (*unseen)(int fd, unsigned long request, ...) = dlsym(RTLD_DEFAULT, "fake_ioctl");
	struct drm_prime_handle out = { .handle = handle, .flags = DRM_RDWR };
	int fd2 = card(driver);
	uint32_t again;
	uint8_t *p;

	need(unseen && !unseen(fd, DRM_IOCTL_PRIME_HANDLE_TO_FD, &out), "an unseen export");
	need(!import(fd2, out.fd, &again), "import");
	check(map(fd2, &driver->ways[0], again, 0, SIZE, &p) == 0 && p[0] == 0x5a,
	      "an own tiled buffer that another process has exported is seen through the GTT");
	unmap(p, SIZE);
	close(out.fd);
	close(fd2);
}

/* One by one, with an import alive. */
void peculiarities(void)
{
	int dmabuf = new_dmabuf(SIZE, FILL, true), fd, none;
	uint64_t arg[4] = { 0 };
	uint32_t handle, tiled[4];
	unsigned long before;
	uint8_t *p;

	driver = named("msm");
	fd = card(driver);
	need(!import(fd, dmabuf, &handle), "import");
	arg[0] = handle | 1ULL << 32;	/* MSM_INFO_GET_IOVA */
	check(!ioctl(fd, _IOC(_IOC_READ | _IOC_WRITE, 'd', 0x43, 24), arg) &&
	      arg[1] == 0x7777777777777777, "another question of MSM_GEM_INFO gets its own answer");
	check(mmap(NULL, SIZE, PROT_READ, MAP_SHARED, fd, 0x7777777777777000) == MAP_FAILED,
	      "which is no offset");
	close(fd);

	driver = named("amdgpu");
	fd = card(driver);
	need(!import(fd, dmabuf, &handle), "import");
	check(ioctl(fd, _IOC(_IOC_READ | _IOC_WRITE, 'd', 0x41, 8), (void *)8) < 0 &&
	      errno == EFAULT, "a union that is nowhere is EFAULT");
	close(fd);

	driver = named("i915");
	fd = card(driver);
	need(!import(fd, dmabuf, &handle), "import");
	tiled[0] = create(fd);
	tiled[1] = 1;
	need(!ioctl(fd, _IOC(_IOC_READ | _IOC_WRITE, 'd', 0x61, 16), tiled), "SET_TILING");
	before = device_maps();
	check(!map(fd, &driver->ways[0], tiled[0], 0, SIZE, &p) && p[0] == 0x5a &&
	      device_maps() == before + 1, "an own tiled buffer is seen through the GTT");
	unmap(p, SIZE);
	check(!map(fd, &driver->ways[0], tiled[0], PAGE, PAGE, &p) && p[0] == 0x5a,
	      "and so is a part of it");
	unmap(p, PAGE);
	check_tiled(fd, tiled[0]);
	close(fd);

	/* What is read-only is written to where the driver does not mind (dma_buf_mmap()). */
	none = new_dmabuf(SIZE, FILL, false);
	driver = named("etnaviv");
	fd = card(driver);
	need(!import(fd, none, &handle), "import");
	before = device_maps();
	check(map(fd, ways(driver), handle, 0, SIZE, &p) == (denies ? EINVAL : 0) &&
	      device_maps() - before == !denies, "a read-only import is the driver's to write to");
	if (!denies)
		unmap(p, SIZE);
	close(fd);
	driver = named("gud");
	fd = card(driver);
	need(!import(fd, none, &handle), "import");
	check(map(fd, ways(driver), handle, 0, SIZE, &p) == EINVAL,
	      "where it refuses that, it does");
	close(fd);
	close(none);

	/* A dma-buf that cannot be mapped: what the driver does of it is right then. */
	none = new_unmappable(SIZE, FILL);
	driver = named("msm");
	fd = card(driver);
	need(!import(fd, none, &handle), "import");
	check(map(fd, ways(driver), handle, 0, SIZE, &p) == (denies ? EINVAL : 0) &&
	      (denies || p[0] == FILL), "an import without an mmap of its own is the driver's");
	if (!denies)
		unmap(p, SIZE);
	close(fd);
	driver = named("gud");
	fd = card(driver);
	need(!import(fd, none, &handle), "import");
	check(map(fd, ways(driver), handle, 0, SIZE, &p) == EINVAL,
	      "where the driver refuses, so is that");
	close(fd);

	driver = named("vmwgfx");
	fd = card(driver);
	need(!import(fd, none, &handle), "import");
	check(handle > 32768, "a surface has a handle of another kind");
	check(map(fd, ways(driver), handle, 0, SIZE, &p) == ENOENT, "which is no buffer's");
	close(fd);
	close(none);

	check(ask_unseen("gud", dmabuf) == (rescues ? 0 : EINVAL),
	      "an unseen import is learned where its map is refused");
	/* nvidia_drm_gem_map_offset() says EINVAL of most of the driver's own buffers, too. */
	check(ask_unseen("nvidia-drm", dmabuf) == EINVAL,
	      "but for nvidia-drm, whose EINVAL is no proof of an import");
	close(dmabuf);
}
