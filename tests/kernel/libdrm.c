// SPDX-License-Identifier: MIT
/*
 * What comes of mapping an import by the driver's own library of libdrm, as Mesa and X.org's
 * drivers did it. An ordinary program, which knows nothing of the shim.
 *
 *   libdrm IMPORTER EXPORTER	prints "map ERRNO", "SIGBUS", "other bytes" or "right"
 *
 * Status 77 where this was built without the importer's library. libdrm_amdgpu is left out:
 * amdgpu_info_ioctl() oopses on a GPU without its engines (scripts/vm/amdgpu.conf).
 */
#include "config.h"

#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <xf86drm.h>

#include "lib/client.h"

#ifdef HAVE_LIBDRM_NOUVEAU
#include <nouveau.h>

/* As IGT's prime_nv_test does. */
static void *map_nouveau(int fd, int dmabuf)
{
	struct nouveau_device *dev;
	struct nouveau_client *client;
	struct nouveau_bo *bo = NULL;	/* what is there would be dropped */

	if (nouveau_device_wrap(fd, 0, &dev) || nouveau_client_new(dev, &client) ||
	    nouveau_bo_prime_handle_ref(dev, dmabuf, &bo))
		errx(2, "libdrm_nouveau cannot import");
	errno = -nouveau_bo_map(bo, NOUVEAU_BO_RDWR, client);
	return errno ? NULL : bo->map;
}
#endif

#ifdef HAVE_LIBDRM_INTEL
#include <intel_bufmgr.h>

static void *map_intel(int fd, int dmabuf)
{
	drm_intel_bufmgr *bufmgr = drm_intel_bufmgr_gem_init(fd, 4096);
	drm_intel_bo *bo = bufmgr ? drm_intel_bo_gem_create_from_prime(bufmgr, dmabuf, SIZE) : NULL;

	if (!bo)
		errx(2, "libdrm_intel cannot import");
	errno = -drm_intel_bo_map(bo, true);
	return errno ? NULL : bo->virtual;
}
#endif

#ifdef HAVE_LIBDRM_FREEDRENO
#include <freedreno_drmif.h>

static void *map_freedreno(int fd, int dmabuf)
{
	struct fd_device *dev = fd_device_new(fd);
	struct fd_bo *bo = dev ? fd_bo_from_dmabuf(dev, dmabuf) : NULL;

	if (!bo)
		errx(2, "libdrm_freedreno cannot import");
	return fd_bo_map(bo);
}
#endif

#ifdef HAVE_LIBDRM_TEGRA
#include <tegra.h>

static void *map_tegra(int fd, int dmabuf)
{
	struct drm_tegra *drm;
	struct drm_tegra_bo *bo;
	uint32_t handle;
	void *p;

	if (drm_tegra_new(fd, &drm) || drmPrimeFDToHandle(fd, dmabuf, &handle) ||
	    drm_tegra_bo_wrap(drm, handle, 0, SIZE, &bo))
		errx(2, "libdrm_tegra cannot import");
	errno = -drm_tegra_bo_map(bo, &p);
	return errno ? NULL : p;
}
#endif

static const struct {
	const char *driver;
	void *(*map)(int fd, int dmabuf);	/* NULL and errno */
} libraries[] = {
#ifdef HAVE_LIBDRM_NOUVEAU
	{ "nouveau", map_nouveau },
#endif
#ifdef HAVE_LIBDRM_INTEL
	{ "i915", map_intel },
#endif
#ifdef HAVE_LIBDRM_FREEDRENO
	{ "msm", map_freedreno },
#endif
#ifdef HAVE_LIBDRM_TEGRA
	{ "tegra", map_tegra },
#endif
	{ NULL, NULL },
};

int main(int argc, char **argv)
{
	struct export e;
	uint8_t *p;
	int fd, i;

	if (argc != 3)
		errx(2, "see the top of libdrm.c for how to use it");
	importer = argv[1];
	exporter = argv[2];
	for (i = 0; libraries[i].driver && strcmp(libraries[i].driver, importer); i++)
		;
	if (!libraries[i].driver)
		return 77;
	fd = card();
	e = export_new(exporter, SIZE);
	p = libraries[i].map(fd, e.dmabuf);
	if (p)
		puts(came_of(p, SIZE, &e));
	else
		printf("map %s\n", strerrorname_np(errno));
	return 0;
}
