// SPDX-License-Identifier: MIT
/*
 * Looks at a dma-buf through radeon, as a GL driver would: libdrm_radeon's own calls import and map
 * it. An ordinary program, which knows nothing of primeshim. Where an import can be mapped, what
 * the CPU sees there is the test picture that was put in.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <radeon_bo.h>
#include <radeon_bo_gem.h>

#include "dmabuf-picture.h"

static const char usage[] =
	"Usage: radeon-map [options] OUT.png [IN.png]\n"
	"Puts a test picture into a dma-buf, imports that into a radeon with libdrm_radeon, maps it\n"
	"with radeon_bo_map() and writes what the CPU sees to OUT.png, and to IN.png what was put in.\n"
	"\n"
	"Options:\n"
	"  --device FILE            the card (default: the first one of the driver radeon)\n"
	"  --exporter udmabuf|heap  what makes the dma-buf (default: udmabuf)\n"
	"  --help                   prints this\n"
	"\n"
	"Exit status: 0 mapped and written, 1 a step failed, 2 bad use\n";

static void __attribute__((noreturn)) bad_use(const char *why)
{
	fprintf(stderr, "radeon-map: %s; see --help\n", why);
	exit(2);
}

static void show(int drm, int dmabuf, const char *out)
{
	struct radeon_bo_manager *bom = radeon_bo_manager_gem_ctor(drm);
	struct radeon_bo *bo;
	int ret;

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
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "device", required_argument, NULL, 'd' },
		{ "exporter", required_argument, NULL, 'e' },
		{ "help", no_argument, NULL, 'h' },
		{ }
	};
	const char *device = NULL, *exporter = "udmabuf";
	int c, drm, dmabuf;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 'd':
			device = optarg;
			break;
		case 'e':
			exporter = optarg;
			break;
		case 'h':
			fputs(usage, stdout);
			return 0;
		default:
			return 2;	/* getopt_long() has said why */
		}
	}
	if (strcmp(exporter, "udmabuf") && strcmp(exporter, "heap"))
		bad_use("--exporter is neither udmabuf nor heap");
	if (argc - optind < 1 || argc - optind > 2)
		bad_use("give OUT.png, or OUT.png and IN.png");

	dmabuf = make_dmabuf(exporter, argv[optind + 1]);
	drm = open_device(device, "radeon");
	show(drm, dmabuf, argv[optind]);
	close(drm);
	close(dmabuf);
	return 0;
}
