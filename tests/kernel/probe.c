// SPDX-License-Identifier: MIT
/*
 * Prints in a word what comes of mapping an import, for docs/matrix.md. An ordinary program, which
 * knows nothing of the shim.
 *
 *   probe IMPORTER EXPORTER [PAGES]
 *				of so many pages (16): prints "import ERRNO", "map ioctl ERRNO",
 *				"mmap ERRNO", "SIGBUS", "other bytes" or "right"
 *   probe card IMPORTER		prints its node
 *   probe drivers		prints the drivers of the DRM devices that are there
 */
#include "config.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <xf86drm.h>

#include "lib/client.h"

static int fd;
static size_t size = SIZE;

static void failed(const char *what, int error)
{
	printf("%s %s\n", what, strerrorname_np(error));
}

static void probe(void)
{
	struct export e = export_new(exporter, size);
	uint32_t handle;
	uint64_t off;
	uint8_t *p;
	int ret;

	fd = open_card(importer);
	if (fd < 0)
		errx(2, "no DRM device with the driver %s", importer);
	if (drmPrimeFDToHandle(fd, e.dmabuf, &handle)) {
		failed("import", errno);
		return;
	}
	ret = map_offset(fd, handle, &off);
	if (ret) {
		failed("map ioctl", ret);
		return;
	}
	p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, off);
	if (p == MAP_FAILED) {
		failed("mmap", errno);
		return;
	}
	puts(came_of(p, size, &e));
	munmap(p, size);
}

static void drivers(void)
{
	char path[32];

	for (int i = 0; i < 16; i++) {
		drmVersionPtr v;

		snprintf(path, sizeof(path), "/dev/dri/card%d", i);
		fd = open(path, O_RDWR | O_CLOEXEC);
		v = fd < 0 ? NULL : drmGetVersion(fd);
		if (v)
			printf("%.*s\n", (int)strcspn(v->name, "-"), v->name);
		drmFreeVersion(v);
		close(fd);
	}
}

int main(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "drivers")) {
		drivers();
		return 0;
	}
	if (argc == 3 && !strcmp(argv[1], "card")) {
		importer = argv[2];
		print_card();
		return 0;
	}
	if (argc == 4)
		size = atoi(argv[3]) * PAGE;
	if (argc < 3 || argc > 4 || !size)
		errx(2, "see the top of probe.c for how to use it");
	importer = argv[1];
	exporter = argv[2];
	probe();
	return 0;
}
