// SPDX-License-Identifier: MIT
/*
 * The part of places.c about mprotect(): a read-only dma-buf, mapped to be read. If a driver hands
 * the mapping on (dma_buf_mmap()), the access mode of the driver's own node decides whether
 * mprotect() may make it writable.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <drm.h>

#include "lib/drivers-client.h"
#include "places.h"

/* Read, then written to; 0 or an errno. *@arrived: what the exporter sees of it. */
static int write_to(const struct call *c, int dmabuf, size_t len, bool *arrived)
{
	uint8_t *p = mmap(NULL, len, PROT_READ, MAP_SHARED, c->fd, c->off), *view;
	int err = 0;

	need(p != MAP_FAILED, "a read-only dma-buf can be mapped to be read");
	*arrived = false;
	/* What is mapped stays so without the file and the handle. */
	close_handle(c->fd, c->handle);
	close(c->fd);
	if (p[5] != FILL)
		err = ENODATA;
	else if (mprotect(p, len, RW))
		err = errno;
	if (!err) {
		p[6] = 0x66;
		view = mmap(NULL, len, PROT_READ, MAP_SHARED, dmabuf, 0);
		*arrived = view[6] == 0x66;
		munmap(view, len);
	}
	if (!err && mprotect(p, len, PROT_READ))
		err = errno;
	munmap(p, len);
	return err;
}

static void protect_one(int dmabuf, size_t len, int want, const char *text)
{
	struct call c = subject(dmabuf);
	bool arrived;
	int err;

	err = write_to(&c, dmabuf, len, &arrived);
	if (err != want)
		printf("# errno %d\n", err);
	check(err == want && (err || arrived), text);
	close(dmabuf);
}

static void protect(const char *name, size_t len, int want, const char *text)
{
	driver = named(name);
	protect_one(new_dmabuf(SIZE, FILL, false), len, want, text);
}

/*
 * A buffer of @d's own, exported for reading. The shim does not see that call, as it does not see
 * another process's.
 */
static int exported_elsewhere(const struct fake_driver *d)
{
	int (*unseen)(int fd, unsigned long request, ...) = dlsym(RTLD_DEFAULT, "fake_ioctl");
	struct drm_prime_handle p = { .fd = -1 };
	uint8_t *view;
	int fd;

	driver = d;
	fd = card(d);
	p.handle = create(fd);
	need(!map(fd, ways(d), p.handle, 0, SIZE, &view), "an own buffer is mapped");
	view[5] = FILL;
	munmap(view, SIZE);
	need(unseen && !unseen(fd, DRM_IOCTL_PRIME_HANDLE_TO_FD, &p), "an export");
	close(fd);
	return p.fd;
}

/* The driver's own buffer, which another process has exported for reading. */
static void protect_own(const char *name)
{
	protect_one(exported_elsewhere(named(name)), SIZE, 0,
		    "its own buffer, exported elsewhere for reading: mprotect");
}

/*
 * Another device's, which says "drm" of its dma-bufs, as many do. The driver shows other memory, so
 * the dma-buf is mapped, although it is for reading alone.
 */
static void protect_foreign(const char *name)
{
	int dmabuf = exported_elsewhere(named("vgem"));

	driver = named(name);
	protect_one(dmabuf, SIZE, EACCES,
		    "another's, for reading: mprotect for writing is refused");
}

void protections(void)
{
	static const char *const forward[] = {
		"vmwgfx", "panfrost", "panthor", "lima", "v3d", "asahi"
	};
	static const char *const own[] = { "v3d", "radeon", "amdgpu", "msm", "panthor" };
	const bool redirects = !strcmp(mode, "redirect");

	for (size_t i = 0; i < sizeof(forward) / sizeof(forward[0]); i++) {
		protect(forward[i], SIZE, 0,
			"a read-only dma-buf: mprotect for writing, as natively");
		protect(forward[i], PAGE + 1, 0, "the same of a part of it");
	}
	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
		protect_own(own[i]);
	if (!strcmp(mode, "observe"))
		return;
	protect_foreign("vc4");
	protect_foreign("omapdrm");
	/* Natively there is no mapping at all, or none that can be touched. */
	protect("vgem", SIZE, EACCES, "a read-only dma-buf: mprotect for writing is refused");
	protect("radeon", SIZE, EACCES, "a read-only dma-buf: mprotect for writing is refused");
	/* The driver's own mapping of an exporter that nobody knows breaks the kernel. */
	protect("etnaviv", SIZE, redirects ? EACCES : 0,
		"a read-only dma-buf of an exporter that may not set vm_ops: mprotect for writing");
}
