// SPDX-License-Identifier: MIT
/*
 * Shows a picture on an output without a GPU, as a compositor does: draws it into a buffer of
 * another device's that it has imported there, by MODE_MAP_DUMB, and flips to it. An ordinary
 * program, which knows nothing of the shim.
 *
 *   show IMPORTER EXPORTER FILE	EXPORTER own: a buffer of the output's own device
 *
 * When the picture is on the output, writes it to FILE, four bytes a pixel.
 */
#include "config.h"

#include <err.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <xf86drm.h>
#include <xf86drmMode.h>

#include "lib/client.h"

static drmModeModeInfo mode;
static size_t size;

/* The output that has a monitor. */
static uint32_t find_output(int fd)
{
	drmModeResPtr r = drmModeGetResources(fd);

	for (int i = 0; r && i < r->count_connectors; i++) {
		drmModeConnectorPtr c = drmModeGetConnector(fd, r->connectors[i]);

		if (c && c->connection == DRM_MODE_CONNECTED && c->count_modes) {
			mode = c->modes[0];
			return c->connector_id;
		}
		drmModeFreeConnector(c);
	}
	errx(2, "%s has no monitor", importer);
}

static uint32_t own_buffer(int fd)
{
	struct drm_mode_create_dumb c = {
		.width = mode.hdisplay, .height = mode.vdisplay, .bpp = 32,
	};

	if (drmIoctl(fd, DRM_IOCTL_MODE_CREATE_DUMB, &c))
		err(2, "CREATE_DUMB");
	return c.handle;
}

/* A frame buffer with a picture in it. */
static uint32_t frame(int fd, int seed, uint8_t **picture)
{
	uint32_t handle, fb;
	struct export e;

	if (!strcmp(exporter, "own")) {
		handle = own_buffer(fd);
	} else {
		e = export_new(exporter, size);
		handle = import(fd, &e);
	}
	*picture = map(fd, handle, size, PROT_READ | PROT_WRITE);
	if (*picture == MAP_FAILED)
		err(1, "map");
	fill(*picture, size, seed);
	if (drmModeAddFB(fd, mode.hdisplay, mode.vdisplay, 24, 32, mode.hdisplay * 4, handle, &fb))
		err(2, "ADDFB");
	return fb;
}

/* Flips to a frame, and waits until the output has shown it. */
static void show(int fd, uint32_t crtc, uint32_t fb)
{
	drmEventContext events = { .version = 2 };
	struct pollfd p = { .fd = fd, .events = POLLIN };

	/* As long as nobody has looked at the frame before, it is EBUSY. */
	for (int i = 0; drmModePageFlip(fd, crtc, fb, DRM_MODE_PAGE_FLIP_EVENT, NULL); i++) {
		if (errno != EBUSY || i == 2000)
			err(2, "PAGE_FLIP");
		usleep(10000);
	}
	if (poll(&p, 1, 20000) != 1)
		errx(2, "the flip does not end");
	drmHandleEvent(fd, &events);
}

int main(int argc, char **argv)
{
	uint32_t output, crtc, blank, shown;
	drmModeResPtr r;
	uint8_t *picture;
	FILE *f;
	int fd;

	if (argc != 4)
		errx(2, "see the top of show.c for how to use it");
	importer = argv[1];
	exporter = argv[2];
	fd = card();
	output = find_output(fd);
	size = (mode.hdisplay * mode.vdisplay * 4 + PAGE - 1) & ~(PAGE - 1);
	r = drmModeGetResources(fd);
	crtc = r->crtcs[0];
	blank = frame(fd, 1, &picture);
	shown = frame(fd, 2, &picture);
	if (drmModeSetCrtc(fd, crtc, blank, 0, 0, &output, 1, &mode))
		err(2, "SETCRTC");
	show(fd, crtc, shown);
	f = fopen(argv[3], "we");
	if (!f || fwrite(picture, mode.hdisplay * mode.vdisplay * 4, 1, f) != 1 || fclose(f))
		err(2, "%s", argv[3]);
	return 0;
}
