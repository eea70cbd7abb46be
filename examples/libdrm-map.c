// SPDX-License-Identifier: MIT
/*
 * Reads a dma-buf through a GPU's driver, as a GL driver or an X.org driver would: the calls of the
 * driver's own library of libdrm import and map it. An ordinary program, which knows nothing of
 * primeshim. If the import can be mapped, the CPU sees the test picture there.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <amdgpu_drm.h>
#include <xf86drm.h>

#include "dmabuf-picture.h"

static const char usage[] =
	"Usage: libdrm-map [--from DRIVER] CARD OUT.png [IN.png]\n"
	"Puts a test picture into a udmabuf, or a buffer of the device with that driver, imports\n"
	"that into a GPU and maps it with the library of libdrm for the GPU's driver: radeon,\n"
	"nouveau or i915; or amdgpu, by plain ioctls. Writes what the CPU sees to OUT.png, and to\n"
	"IN.png what was put in. CARD is the device's node, /dev/dri/card0 or such.\n"
	"\n"
	"Exit status: 0 mapped and written, 1 a step failed, 2 bad use\n";

static const char *exporter = "udmabuf";

/* Ends the program, as the library's call @what said @error, a positive errno. */
static void __attribute__((noreturn)) failed(const char *what, int error)
{
	fail("%s (%s) from %s", strerrorname_np(error), strerror(error), what);
}

#ifdef HAVE_LIBDRM_RADEON
#include <radeon_bo.h>
#include <radeon_bo_gem.h>

static void show_radeon(int drm, int dmabuf, const char *out)
{
	struct radeon_bo_manager *bom = radeon_bo_manager_gem_ctor(drm);
	struct radeon_bo *bo = bom ? radeon_gem_bo_open_prime(bom, dmabuf, SIZE) : NULL;
	int ret;

	if (!bo)
		failed("radeon_gem_bo_open_prime", errno);
	ret = radeon_bo_map(bo, 0);
	if (ret)
		failed("radeon_bo_map", -ret);
	write_rgb(out, bo->ptr, true);
	radeon_bo_unmap(bo);
	radeon_bo_unref(bo);
	radeon_bo_manager_gem_dtor(bom);
}
#endif

#ifdef HAVE_LIBDRM_NOUVEAU
#include <nouveau.h>

/* As IGT's prime_nv_test does. */
static void show_nouveau(int drm, int dmabuf, const char *out)
{
	struct nouveau_device *dev;
	struct nouveau_client *client;
	struct nouveau_bo *bo = NULL;	/* what is there would be dropped */
	int ret;

	ret = nouveau_device_wrap(drm, 0, &dev);
	if (ret)
		failed("nouveau_device_wrap", -ret);
	ret = nouveau_client_new(dev, &client);
	if (ret)
		failed("nouveau_client_new", -ret);
	ret = nouveau_bo_prime_handle_ref(dev, dmabuf, &bo);
	if (ret)
		failed("nouveau_bo_prime_handle_ref", -ret);
	ret = nouveau_bo_map(bo, NOUVEAU_BO_RDWR, client);
	if (ret)
		failed("nouveau_bo_map", -ret);
	write_rgb(out, bo->map, true);
	nouveau_bo_ref(NULL, &bo);
	nouveau_client_del(&client);
	nouveau_device_del(&dev);
}
#endif

#ifdef HAVE_LIBDRM_INTEL
#include <intel_bufmgr.h>

static void show_i915(int drm, int dmabuf, const char *out)
{
	drm_intel_bufmgr *bufmgr = drm_intel_bufmgr_gem_init(drm, 4096);
	drm_intel_bo *bo = bufmgr ? drm_intel_bo_gem_create_from_prime(bufmgr, dmabuf, SIZE) : NULL;
	int ret;

	if (!bo)
		failed("drm_intel_bo_gem_create_from_prime", errno);
	ret = drm_intel_bo_map(bo, true);
	if (ret)
		failed("drm_intel_bo_map", -ret);
	write_rgb(out, bo->virtual, true);
	drm_intel_bo_unmap(bo);
	drm_intel_bo_unreference(bo);
	drm_intel_bufmgr_destroy(bufmgr);
}
#endif

/* Not by libdrm_amdgpu, which needs a GPU with its engines. */
static void show_amdgpu(int drm, int dmabuf, const char *out)
{
	union drm_amdgpu_gem_mmap map = { .in.handle = 0 };
	uint32_t handle;
	void *p;

	if (drmPrimeFDToHandle(drm, dmabuf, &handle))
		failed("drmPrimeFDToHandle", errno);
	map.in.handle = handle;
	if (drmIoctl(drm, DRM_IOCTL_AMDGPU_GEM_MMAP, &map))
		failed("DRM_IOCTL_AMDGPU_GEM_MMAP", errno);
	p = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, drm, map.out.addr_ptr);
	if (p == MAP_FAILED)
		failed("mmap", errno);
	write_rgb(out, p, true);
	munmap(p, SIZE);
	drmCloseBufferHandle(drm, handle);
}

static const struct {
	const char *driver;
	void (*show)(int drm, int dmabuf, const char *out);
} libraries[] = {
#ifdef HAVE_LIBDRM_RADEON
	{ "radeon", show_radeon },
#endif
#ifdef HAVE_LIBDRM_NOUVEAU
	{ "nouveau", show_nouveau },
#endif
#ifdef HAVE_LIBDRM_INTEL
	{ "i915", show_i915 },
#endif
	{ "amdgpu", show_amdgpu },
};

static void show(int drm, const char *out, const char *in)
{
	int dmabuf = make_dmabuf(exporter, in);
	drmVersionPtr version = drmGetVersion(drm);
	size_t i;

	if (!version)
		failed("drmGetVersion", errno);
	for (i = 0; i < sizeof(libraries) / sizeof(libraries[0]); i++)
		if (!strcmp(libraries[i].driver, version->name))
			break;
	if (i == sizeof(libraries) / sizeof(libraries[0]))
		fail("there is no library here for the driver %s", version->name);
	drmFreeVersion(version);
	libraries[i].show(drm, dmabuf, out);
	close(dmabuf);
}

int main(int argc, char **argv)
{
	if (argc > 2 && !strcmp(argv[1], "--from")) {
		exporter = argv[2];
		argc -= 2;
		argv += 2;
	}
	return card_main(argc, argv, usage, show);
}
