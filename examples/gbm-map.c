// SPDX-License-Identifier: MIT
/*
 * Draws into another device's dma-buf by the CPU, through GBM, as compositors and Android's minigbm
 * do. An ordinary program, which knows nothing of primeshim.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <drm_fourcc.h>
#include <gbm.h>

#include "dmabuf-picture.h"

static const char usage[] =
	"Usage: gbm-map CARD OUT.png [IN.png]\n"
	"Imports a black udmabuf with gbm_bo_import(), draws a test picture where gbm_bo_map()\n"
	"maps it, and writes what another device finds in the dma-buf to OUT.png, and to IN.png\n"
	"what was drawn. CARD is the device's node, /dev/dri/card0 or such.\n"
	"\n"
	"Exit status: 0 drawn and written, 1 a step failed, 2 bad use\n";

/*
 * The picture is linear, and the modifier says so: without one Mesa's v3d takes the buffer for a
 * tiled one. Drivers that know no modifiers get none.
 */
static struct gbm_bo *import(struct gbm_device *gbm, int dmabuf)
{
	struct gbm_import_fd_modifier_data lines = {
		.width = WIDTH, .height = HEIGHT, .format = GBM_FORMAT_XRGB8888,
		.num_fds = 1, .fds = { dmabuf }, .strides = { STRIDE },
		.modifier = DRM_FORMAT_MOD_LINEAR,
	};
	struct gbm_import_fd_data data = {
		.fd = dmabuf, .width = WIDTH, .height = HEIGHT, .stride = STRIDE,
		.format = GBM_FORMAT_XRGB8888,
	};
	struct gbm_bo *bo;

	bo = gbm_bo_import(gbm, GBM_BO_IMPORT_FD_MODIFIER, &lines, GBM_BO_USE_RENDERING);
	return bo ? bo : gbm_bo_import(gbm, GBM_BO_IMPORT_FD, &data, GBM_BO_USE_RENDERING);
}

static void draw(int drm, const char *out, const char *in)
{
	int dmabuf = make_black("udmabuf");
	struct gbm_device *gbm = gbm_create_device(drm);
	struct gbm_bo *bo;
	uint32_t stride;
	void *cookie = NULL, *p;

	if (!gbm)
		fail("gbm_create_device: %s", strerror(errno));
	bo = import(gbm, dmabuf);
	if (!bo)
		fail("gbm_bo_import: %s", strerror(errno));
	p = gbm_bo_map(bo, 0, 0, WIDTH, HEIGHT, GBM_BO_TRANSFER_READ_WRITE, &stride, &cookie);
	if (!p)
		fail("gbm_bo_map: %s", strerror(errno));
	if (stride != STRIDE)
		fail("gbm_bo_map: a line has %u bytes instead of %d", stride, STRIDE);
	draw_picture(p);
	if (in)
		write_rgb(in, p, true);
	gbm_bo_unmap(bo, cookie);
	gbm_bo_destroy(bo);
	gbm_device_destroy(gbm);
	write_dmabuf(dmabuf, out);
	close(dmabuf);
}

int main(int argc, char **argv)
{
	return card_main(argc, argv, usage, draw);
}
