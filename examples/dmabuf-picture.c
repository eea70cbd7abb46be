// SPDX-License-Identifier: MIT
/* What the examples share; see dmabuf-picture.h. */
#define _GNU_SOURCE	/* memfd_create() */
#include <errno.h>
#include <fcntl.h>
#include <linux/dma-buf.h>
#include <linux/dma-heap.h>
#include <linux/udmabuf.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <png.h>
#include <xf86drm.h>

#include "dmabuf-picture.h"

void fail(const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "%s: ", program_invocation_short_name);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(1);
}

/* A gradient in each direction and blocks of 40x24 in three corners: no flip or swap keeps it. */
static uint32_t test_pixel(int x, int y)
{
	static const uint32_t blocks[] = { 0xff0000, 0x00ff00, 0x0000ff, 0xffffff };
	uint32_t red = x, green = y, blue = 255 - (x + y) / 2;

	if (y < 24 && x < 160)
		return blocks[x / 40];
	if (y >= HEIGHT - 24 && x < 40)
		return 0xffff00;
	if (y >= HEIGHT - 48 && x >= WIDTH - 40)
		return (x ^ y) & 1 ? 0x000000 : 0xff00ff;
	return red << 16 | green << 8 | blue;
}

/* XRGB8888 is B, G, R, X in memory. The X is not 0xff, so that nobody takes it for alpha. */
void draw_picture(uint8_t *p)
{
	for (int y = 0; y < HEIGHT; y++)
		for (int x = 0; x < WIDTH; x++, p += 4) {
			uint32_t rgb = test_pixel(x, y);

			p[0] = rgb;
			p[1] = rgb >> 8;
			p[2] = rgb >> 16;
			p[3] = 0x55;
		}
}

static void write_png(const char *file, const void *pixels, int format)
{
	png_image image = {
		.version = PNG_IMAGE_VERSION,
		.width = WIDTH,
		.height = HEIGHT,
		.format = format,
	};

	if (!png_image_write_to_file(&image, file, 0, pixels, 0, NULL))
		fail("writing %s: %s", file, image.message);
}

void write_rgb(const char *file, const uint8_t *pixels, bool bgr)
{
	uint8_t *rgb = malloc(WIDTH * HEIGHT * 3);

	if (!rgb)
		fail("out of memory");
	for (int i = 0; i < WIDTH * HEIGHT * 3; i++)
		rgb[i] = pixels[i / 3 * 4 + i % 3];
	write_png(file, rgb, bgr ? PNG_FORMAT_BGR : PNG_FORMAT_RGB);
	free(rgb);
}

static int udmabuf_create(void)
{
	struct udmabuf_create create = { .flags = UDMABUF_FLAGS_CLOEXEC, .size = SIZE };
	int fd = open("/dev/udmabuf", O_RDWR | O_CLOEXEC);
	int memfd, dmabuf;

	if (fd < 0)
		fail("opening /dev/udmabuf: %s", strerror(errno));
	memfd = memfd_create("dmabuf-picture", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (memfd < 0 || ftruncate(memfd, SIZE) || fcntl(memfd, F_ADD_SEALS, F_SEAL_SHRINK))
		fail("making a sealed memfd: %s", strerror(errno));
	create.memfd = memfd;
	dmabuf = ioctl(fd, UDMABUF_CREATE, &create);
	if (dmabuf < 0)
		fail("making a dma-buf with /dev/udmabuf: %s", strerror(errno));
	close(memfd);
	close(fd);
	return dmabuf;
}

static int heap_create(void)
{
	struct dma_heap_allocation_data alloc = { .len = SIZE, .fd_flags = O_RDWR | O_CLOEXEC };
	int fd = open("/dev/dma_heap/system", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		fail("opening /dev/dma_heap/system: %s", strerror(errno));
	if (ioctl(fd, DMA_HEAP_IOCTL_ALLOC, &alloc))
		fail("making a dma-buf with the system heap: %s", strerror(errno));
	close(fd);
	return alloc.fd;
}

/* A buffer of that driver's own. Its lines are longer, as some drivers align them to pages. */
static int dumb_create(const char *driver)
{
	struct drm_mode_create_dumb create = { .width = 1024, .height = SIZE / 4096, .bpp = 32 };
	int fd = open_device(NULL, driver), dmabuf;

	if (drmIoctl(fd, DRM_IOCTL_MODE_CREATE_DUMB, &create))
		fail("making a buffer of %s: %s", driver, strerror(errno));
	if (drmPrimeHandleToFD(fd, create.handle, DRM_CLOEXEC | DRM_RDWR, &dmabuf))
		fail("making a dma-buf of %s: %s", driver, strerror(errno));
	close(fd);
	return dmabuf;
}

static int create(const char *exporter)
{
	if (!strcmp(exporter, "udmabuf"))
		return udmabuf_create();
	return strcmp(exporter, "heap") ? dumb_create(exporter) : heap_create();
}

static void sync_dmabuf(int dmabuf, uint64_t flags)
{
	struct dma_buf_sync sync = { .flags = flags | DMA_BUF_SYNC_RW };
	int ret;

	do
		ret = ioctl(dmabuf, DMA_BUF_IOCTL_SYNC, &sync);
	while (ret && (errno == EINTR || errno == EAGAIN));
	if (ret)
		fail("DMA_BUF_IOCTL_SYNC of the dma-buf: %s", strerror(errno));
}

static uint8_t *map_begin(int dmabuf)
{
	uint8_t *p = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, dmabuf, 0);

	if (p == MAP_FAILED)
		fail("mapping the dma-buf: %s", strerror(errno));
	sync_dmabuf(dmabuf, DMA_BUF_SYNC_START);
	return p;
}

static void map_end(int dmabuf, uint8_t *p)
{
	sync_dmabuf(dmabuf, DMA_BUF_SYNC_END);
	munmap(p, SIZE);
}

int make_black(const char *exporter)
{
	int dmabuf = create(exporter);
	uint8_t *p = map_begin(dmabuf);

	memset(p, 0, SIZE);
	map_end(dmabuf, p);
	return dmabuf;
}

int make_dmabuf(const char *exporter, const char *in)
{
	int dmabuf = make_black(exporter);
	uint8_t *p = map_begin(dmabuf);

	draw_picture(p);
	if (in)
		write_rgb(in, p, true);
	map_end(dmabuf, p);
	return dmabuf;
}

void write_dmabuf(int dmabuf, const char *out)
{
	uint8_t *p = map_begin(dmabuf);

	write_rgb(out, p, true);
	map_end(dmabuf, p);
}

static bool driver_is(int fd, const char *driver)
{
	drmVersionPtr version = drmGetVersion(fd);
	bool same = version && !strcmp(version->name, driver);

	drmFreeVersion(version);
	return same;
}

int open_device(const char *device, const char *driver)
{
	char name[32];
	int fd;

	if (device) {
		fd = open(device, O_RDWR | O_CLOEXEC);
		if (fd < 0)
			fail("opening %s: %s", device, strerror(errno));
		return fd;
	}
	for (int i = 0; i < 64; i++) {
		snprintf(name, sizeof(name), "/dev/dri/card%d", i);
		fd = open(name, O_RDWR | O_CLOEXEC);
		if (fd >= 0 && (!driver || driver_is(fd, driver)))
			return fd;
		if (fd >= 0)
			close(fd);
	}
	if (driver)
		fail("there is no /dev/dri/card* of the driver %s that can be opened", driver);
	fail("there is no /dev/dri/card* that can be opened");
}

int card_main(int argc, char **argv, const char *usage,
	      void (*work)(int drm, const char *out, const char *in))
{
	int drm;

	if (argc == 2 && !strcmp(argv[1], "--help")) {
		fputs(usage, stdout);
		return 0;
	}
	if (argc < 3 || argc > 4) {
		fprintf(stderr, "%s: give CARD and OUT.png, or IN.png, too; see --help\n",
			program_invocation_short_name);
		return 2;
	}
	drm = open_device(argv[1], NULL);
	work(drm, argv[2], argv[3]);
	close(drm);
	return 0;
}
