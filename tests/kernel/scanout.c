// SPDX-License-Identifier: MIT
/*
 * Looks at what a display shows: exports the frame buffer of the first active plane, maps that
 * dma-buf, and counts its colours.
 *
 *   scanout CARD [FILE]	prints "WIDTHxHEIGHT COLOURS SHARE FRAME": how many colours there
 *				are (256 means so many or more), which share of the pixels, in per
 *				cent, has another colour than the commonest, and the number of the
 *				frame buffer. FILE gets the picture
 *
 * Exit status: 0; 1 if nothing is shown, 2 if it cannot be had. As root, who need not be master.
 */
#include "config.h"

#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <xf86drm.h>
#include <xf86drmMode.h>

enum { COLOURS = 256 };

static struct {
	uint32_t colour;
	size_t n;
} seen[COLOURS];

/* The frame buffer that the largest active plane shows, which is no cursor. */
static drmModeFB2Ptr find_frame(int fd)
{
	drmModeFB2Ptr found = NULL;
	drmModePlaneResPtr planes;

	drmSetClientCap(fd, DRM_CLIENT_CAP_UNIVERSAL_PLANES, 1);
	planes = drmModeGetPlaneResources(fd);
	for (uint32_t i = 0; planes && i < planes->count_planes; i++) {
		drmModePlanePtr plane = drmModeGetPlane(fd, planes->planes[i]);
		drmModeFB2Ptr fb = plane && plane->fb_id ? drmModeGetFB2(fd, plane->fb_id) : NULL;

		if (fb && (!found || fb->width > found->width))
			found = fb;
	}
	return found;
}

/* Which colours there are. Those that find no room count as the last one. */
static void count(const uint8_t *row, uint32_t width, unsigned int bytes)
{
	for (uint32_t x = 0; x < width; x++) {
		uint32_t colour = 0;
		unsigned int i = 0;

		memcpy(&colour, row + (size_t)x * bytes, bytes);
		colour &= 0xffffff;
		while (i < COLOURS - 1 && seen[i].n && seen[i].colour != colour)
			i++;
		seen[i].colour = colour;
		seen[i].n++;
	}
}

int main(int argc, char **argv)
{
	size_t size, common = 0, all;
	unsigned int colours = 0, bytes;
	drmModeFB2Ptr fb;
	uint8_t *map;
	int fd, buf;

	if (argc < 2 || argc > 3)
		errx(2, "Usage: scanout CARD [FILE]");
	fd = open(argv[1], O_RDWR | O_CLOEXEC);
	if (fd < 0)
		err(2, "%s", argv[1]);
	/* The first to open a card is its master, and would keep others from it. */
	drmDropMaster(fd);
	fb = find_frame(fd);
	if (!fb)
		return 1;
	bytes = fb->pixel_format == 0x36314752 ? 2 : fb->pixel_format == 0x34324752 ? 3 : 4;
	size = (size_t)fb->pitches[0] * fb->height + fb->offsets[0];
	if (drmPrimeHandleToFD(fd, fb->handles[0], O_CLOEXEC, &buf))
		err(2, "the frame cannot be exported");
	map = mmap(NULL, size, PROT_READ, MAP_SHARED, buf, 0);
	if (map == MAP_FAILED)
		err(2, "the frame cannot be mapped");
	for (uint32_t y = 0; y < fb->height; y++)
		count(map + fb->offsets[0] + (size_t)y * fb->pitches[0], fb->width, bytes);
	for (; colours < COLOURS && seen[colours].n; colours++)
		common = seen[colours].n > common ? seen[colours].n : common;
	all = (size_t)fb->width * fb->height;
	printf("%ux%u %u %u %u\n", fb->width, fb->height, colours,
	       (unsigned int)((all - common) * 100 / all), fb->fb_id);
	if (argc == 3) {
		FILE *f = fopen(argv[2], "w");

		if (!f || fwrite(map, 1, size, f) != size || fclose(f))
			err(2, "%s", argv[2]);
	}
	return 0;
}
