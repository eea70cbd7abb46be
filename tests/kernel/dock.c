// SPDX-License-Identifier: MIT
/*
 * Plugs a monitor into evdi while a command runs, and looks at it as DisplayLink's daemon does:
 * where nobody looks, page flips never end. Without a dock evdi is an output without a monitor.
 *
 *   dock FILE COMMAND [ARG]...
 *
 * Each picture that the driver gives replaces FILE as it comes: 640x480, four bytes a pixel. Exit
 * status: the command's; 2 for what is missing.
 */
#include "config.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <drm.h>
#include <xf86drm.h>

#include "lib/exporters.h"

/* Of evdi_drm.h, which no Debian package has beside the module; the same in 1.12 and 1.14. */
struct drm_evdi_connect {
	int32_t connected;
	int32_t dev_index;
	const unsigned char *edid;
	uint32_t edid_length;
	uint32_t pixel_area_limit;
	uint32_t pixel_per_second_limit;
};

struct drm_evdi_request_update {
	int32_t reserved;
};

struct drm_evdi_grabpix {
	int32_t mode;
	int32_t buf_width;
	int32_t buf_height;
	int32_t buf_byte_stride;
	unsigned char *buffer;
	int32_t num_rects;
	struct drm_clip_rect *rects;
};

#define EVDI_GRABPIX_MODE_DIRTY 1
#define DRM_IOCTL_EVDI_CONNECT DRM_IOWR(DRM_COMMAND_BASE, struct drm_evdi_connect)
#define DRM_IOCTL_EVDI_REQUEST_UPDATE \
	DRM_IOWR(DRM_COMMAND_BASE + 1, struct drm_evdi_request_update)
#define DRM_IOCTL_EVDI_GRABPIX DRM_IOWR(DRM_COMMAND_BASE + 2, struct drm_evdi_grabpix)
#define DRM_EVDI_EVENT_UPDATE_READY 0x80000000

enum { WIDTH = 640, HEIGHT = 480, RECTS = 16 };

/* A monitor of one mode, 640x480 at 60 Hz; the sum is made below. */
static unsigned char edid[128] = {
	0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x00,
	0x42, 0x68, 0x01, 0x00, 0x01, 0x00, 0x00, 0x00,		/* PSH, product 1 */
	0x01, 0x20, 0x01, 0x03, 0x80, 0x20, 0x18, 0x78, 0x0a,	/* EDID 1.3, digital, 32x24 cm */
	0xee, 0x95, 0xa3, 0x54, 0x4c, 0x99, 0x26, 0x0f, 0x50, 0x54,	/* sRGB */
	0x20, 0x00, 0x00,					/* 640x480 at 60 Hz */
	0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01,
	0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01,
	/* 25.17 MHz, 640+160, 480+45 */
	0xd5, 0x09, 0x80, 0xa0, 0x20, 0xe0, 0x2d, 0x10, 0x10, 0x60, 0xa2, 0x00,
	0x40, 0xf0, 0x10, 0x00, 0x00, 0x18,
	0x00, 0x00, 0x00, 0x10, [90] = 0x00, 0x00, 0x00, 0x10, [108] = 0x00, 0x00, 0x00, 0x10,
};

static unsigned char picture[WIDTH * HEIGHT * 4];

/* A reader of @path finds the picture before, or this one whole. */
static void write_picture(const char *path)
{
	char fresh[4096];
	FILE *f;

	snprintf(fresh, sizeof(fresh), "%s.new", path);
	f = fopen(fresh, "we");
	if (!f || fwrite(picture, sizeof(picture), 1, f) != 1 || fclose(f) || rename(fresh, path))
		err(2, "%s", path);
}

static void plug_in(int fd)
{
	struct drm_evdi_connect c = {
		.connected = 1, .edid = edid, .edid_length = sizeof(edid),
		.pixel_area_limit = WIDTH * HEIGHT, .pixel_per_second_limit = WIDTH * HEIGHT * 60,
	};
	unsigned char sum = 0;

	for (size_t i = 0; i < sizeof(edid) - 1; i++)
		sum += edid[i];
	edid[sizeof(edid) - 1] = -sum;
	if (drmIoctl(fd, DRM_IOCTL_EVDI_CONNECT, &c))
		err(2, "EVDI_CONNECT");
}

/* Is there a new picture now? If not, an event says when. */
static bool request(int fd)
{
	struct drm_evdi_request_update r = { 0 };

	return drmIoctl(fd, DRM_IOCTL_EVDI_REQUEST_UPDATE, &r) == 1;
}

static void grab(int fd, const char *path)
{
	struct drm_clip_rect rects[RECTS];
	struct drm_evdi_grabpix g = {
		.mode = EVDI_GRABPIX_MODE_DIRTY, .buf_width = WIDTH, .buf_height = HEIGHT,
		.buf_byte_stride = WIDTH * 4, .buffer = picture, .num_rects = RECTS, .rects = rects,
	};

	if (!drmIoctl(fd, DRM_IOCTL_EVDI_GRABPIX, &g))
		write_picture(path);
	else if (errno != EAGAIN)	/* EAGAIN: the output has been switched off meanwhile. */
		warn("EVDI_GRABPIX");
}

/* Reads what the driver has to say. Does it say that there is a new picture? */
static bool told(int fd)
{
	char text[4096];
	ssize_t n = read(fd, text, sizeof(text));
	struct drm_event e;
	bool ready = false;

	for (ssize_t at = 0; at + (ssize_t)sizeof(e) <= n; at += e.length) {
		memcpy(&e, text + at, sizeof(e));
		ready |= e.type == DRM_EVDI_EVENT_UPDATE_READY;
		if (e.length < sizeof(e))
			break;
	}
	return ready;
}

/* For a tenth of a second, as the command may end meanwhile. *@asked: the driver owes an event. */
static void look(int fd, bool *asked, const char *path)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	if (!*asked && request(fd)) {
		grab(fd, path);
		return;
	}
	*asked = true;
	if (poll(&p, 1, 100) == 1 && told(fd)) {
		*asked = false;
		grab(fd, path);
	}
}

int main(int argc, char **argv)
{
	bool asked = false;
	int fd, status;
	pid_t pid;

	if (argc < 3)
		errx(2, "see the top of dock.c for how to use it");
	fd = open_card("evdi");
	if (fd < 0)
		errx(2, "no DRM device with the driver evdi");
	drmDropMaster(fd);
	write_picture(argv[1]);
	plug_in(fd);
	pid = fork();
	if (!pid) {
		execvp(argv[2], argv + 2);
		err(2, "%s", argv[2]);
	}
	if (pid < 0)
		err(2, "fork");
	while (!waitpid(pid, &status, WNOHANG))
		look(fd, &asked, argv[1]);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
