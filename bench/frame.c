// SPDX-License-Identifier: MIT
/*
 * Frames of a program that maps an import, writes all of it, submits it, waits, reads it back and
 * unmaps it: two accesses by the CPU, and one by the device in between. The submit is DIRTYFB, the
 * wait poll() on the dma-buf. An ordinary program, for frames.sh.
 *
 *   frame time IMPORTER FRAMES	prints the nanoseconds that a frame took
 *   frame calls IMPORTER FRAMES	for strace: each frame begins with access("frame")
 */
#include "config.h"

#include <err.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <xf86drmMode.h>

#include "lib/client.h"
#include "measure.h"

#define WIDTH	640
#define HEIGHT	480
#define PITCH	(WIDTH * 4)

static int drm;
static uint32_t handle, fb;
static struct export e;

static unsigned int frame(uint8_t v)
{
	uint8_t *p = map(drm, handle, e.size, PROT_READ | PROT_WRITE);
	struct pollfd done = { .fd = e.dmabuf, .events = POLLOUT };
	unsigned int sum = 0;

	if (p == MAP_FAILED)
		err(2, "mmap of the import: is the shim preloaded?");
	memset(p, v, e.size);
	if (drmModeDirtyFB(drm, fb, NULL, 0))
		err(2, "DIRTYFB");
	if (poll(&done, 1, -1) != 1)
		err(2, "poll");
	for (size_t at = 0; at < e.size; at += sizeof(uint64_t))
		sum += p[at];
	munmap(p, e.size);
	return sum;
}

int main(int argc, char **argv)
{
	int n = argc == 4 ? atoi(argv[3]) : 0, calls;
	double start;

	if (n < 1 || (strcmp(argv[1], "time") && strcmp(argv[1], "calls"))) {
		fprintf(stderr, "Usage: frame time|calls IMPORTER FRAMES\n");
		return 2;
	}
	calls = !strcmp(argv[1], "calls");
	importer = argv[2];
	drm = card();
	e = export_new(exporter, HEIGHT * PITCH);
	handle = import(drm, &e);
	if (drmModeAddFB(drm, WIDTH, HEIGHT, 24, 32, PITCH, handle, &fb))
		err(2, "ADDFB");
	/* The first one makes pages, and asks what is asked once. */
	frame(0);
	start = now_ns();
	for (int i = 1; i <= n; i++) {
		if (calls)
			access("frame", F_OK);
		if (frame(i) != (uint8_t)i * (e.size / sizeof(uint64_t)))
			errx(2, "what was written is not what is read");
	}
	if (calls)
		access("end", F_OK);
	else
		printf("%.0f\n", (now_ns() - start) / n);
	return 0;
}
