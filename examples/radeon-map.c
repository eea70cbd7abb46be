// SPDX-License-Identifier: MIT
/*
 * Reads a dma-buf through radeon, as a GL driver would: libdrm_radeon's own calls import and map
 * it. An ordinary program, which knows nothing of primeshim. If the import can be mapped, the CPU
 * sees the test picture there.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <radeon_bo.h>
#include <radeon_bo_gem.h>

#include "dmabuf-picture.h"

static const char usage[] =
	"Usage: radeon-map CARD OUT.png [IN.png]\n"
	"Puts a test picture into a udmabuf, imports that into a radeon with libdrm_radeon, maps\n"
	"it with radeon_bo_map() and writes what the CPU sees to OUT.png, and to IN.png what was\n"
	"put in. CARD is the device's node, /dev/dri/card0 or such.\n"
	"\n"
	"Exit status: 0 mapped and written, 1 a step failed, 2 bad use\n";

static void show(int drm, const char *out, const char *in)
{
	int ret, dmabuf = make_dmabuf("udmabuf", in);
	struct radeon_bo_manager *bom = radeon_bo_manager_gem_ctor(drm);
	struct radeon_bo *bo;

	if (!bom)
		fail("radeon_bo_manager_gem_ctor: out of memory");
	bo = radeon_gem_bo_open_prime(bom, dmabuf, SIZE);
	if (!bo)
		fail("importing the dma-buf with radeon_gem_bo_open_prime: %s", strerror(errno));
	ret = radeon_bo_map(bo, 0);
	if (ret)
		fail("radeon_bo_map: %s", strerror(-ret));
	write_rgb(out, bo->ptr, true);
	radeon_bo_unmap(bo);
	radeon_bo_unref(bo);
	radeon_bo_manager_gem_dtor(bom);
	close(dmabuf);
}

int main(int argc, char **argv)
{
	return card_main(argc, argv, usage, show);
}
