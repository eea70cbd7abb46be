// SPDX-License-Identifier: MIT
/*
 * Draws into a dma-buf through etnaviv by the CPU, as Mesa and an Android gralloc do:
 * libdrm_etnaviv's own calls import, map, prepare and finish it. An ordinary program, which knows
 * nothing of primeshim. If a device's DMA is not coherent with the CPU's caches, the picture
 * reaches the device only if somebody syncs the caches.
 */
#include <stdio.h>
#include <unistd.h>

#include <etnaviv_drmif.h>

#include "dmabuf-picture.h"

static const char usage[] =
	"Usage: etnaviv-map CARD OUT.png [IN.png]\n"
	"Imports a black udmabuf into etnaviv with libdrm_etnaviv, draws a test picture there\n"
	"with the CPU between etna_bo_cpu_prep() and etna_bo_cpu_fini(), and writes what another\n"
	"device finds in the dma-buf to OUT.png, and to IN.png what was drawn.\n"
	"CARD is the device's node, /dev/dri/card0 or such.\n"
	"\n"
	"Exit status: 0 drawn and written, 1 a step failed, 2 bad use\n";

static void draw(int drm, const char *out, const char *in)
{
	int dmabuf = make_black("udmabuf");
	struct etna_device *dev = etna_device_new(drm);
	struct etna_bo *bo = dev ? etna_bo_from_dmabuf(dev, dmabuf) : NULL;
	uint8_t *p;

	if (!bo)
		fail("importing the dma-buf with etna_bo_from_dmabuf");
	p = etna_bo_map(bo);
	if (!p)
		fail("etna_bo_map");
	if (etna_bo_cpu_prep(bo, DRM_ETNA_PREP_READ | DRM_ETNA_PREP_WRITE))
		fail("etna_bo_cpu_prep");
	draw_picture(p);
	if (in)
		write_rgb(in, p, true);
	etna_bo_cpu_fini(bo);
	etna_bo_del(bo);
	etna_device_del(dev);
	write_dmabuf(dmabuf, out);
	close(dmabuf);
}

int main(int argc, char **argv)
{
	return card_main(argc, argv, usage, draw);
}
