/* SPDX-License-Identifier: MIT */
/*
 * What the examples share: a test picture in a dma-buf of udmabuf, of the system heap or of a DRM
 * device, pictures as PNG, and a DRM device to import into. An ordinary program's code, which knows
 * nothing of primeshim.
 */
#ifndef DMABUF_PICTURE_H
#define DMABUF_PICTURE_H

#include <stdbool.h>
#include <stdint.h>

#define WIDTH	256
#define HEIGHT	256
#define STRIDE	(WIDTH * 4)
#define SIZE	(STRIDE * HEIGHT)

/* Ends the program for a step that failed, as one line; exit status 1. */
void __attribute__((noreturn, format(printf, 1, 2))) fail(const char *fmt, ...);

/*
 * A dma-buf of @exporter, "heap", "udmabuf" or the name of a DRM driver, with the test picture in
 * it as XRGB8888, which is written to the file @in as well if that is given. Fails as above.
 */
int make_dmabuf(const char *exporter, const char *in);

/* A black picture. */
int make_black(const char *exporter);

/* The test picture, to where a dma-buf is mapped. */
void draw_picture(uint8_t *p);

/* Writes what is in a dma-buf as a PNG, as another device would find it. Fails as above. */
void write_dmabuf(int dmabuf, const char *out);

/* Writes four bytes a pixel, without the fourth, as a PNG. Fails as above. */
void write_rgb(const char *file, const uint8_t *pixels, bool bgr);

/*
 * The main() of programs that are called with CARD OUT.png [IN.png]: does @work with that card.
 * @in is NULL if the user gives no IN.png.
 */
int card_main(int argc, char **argv, const char *usage,
	      void (*work)(int drm, const char *out, const char *in));

/*
 * Opens @device, or the first card whose driver is @driver, or the first card at all. Fails as
 * above.
 */
int open_device(const char *device, const char *driver);

#endif
