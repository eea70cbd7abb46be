// SPDX-License-Identifier: MIT
/*
 * What a program may expect of imports on a real kernel. An ordinary program: the caller decides
 * whether the shim is there, which only changes what the program expects.
 *
 *   matrix native IMPORTER EXPORTER   the import succeeds and its map is refused
 *   matrix shim IMPORTER EXPORTER     it can be mapped, and shows the right bytes both ways
 *   matrix misuse IMPORTER            under the shim: bad input and odd histories
 *   matrix answers IMPORTER           prints errnos that must be the same with and without
 *   matrix brackets IMPORTER N        maps, reads, writes and unmaps an import N times; no output
 *   matrix threads IMPORTER           many threads import, map, check and close on one file
 *   matrix card IMPORTER              prints its card node; exit status 2 if there is none
 *
 * Prints "ok - ..." or "not ok - ..." for each promise. Exit status 1 if one is broken.
 */
#include "config.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <xf86drm.h>

#include "lib/client.h"

/* The importer's render node, or -1. */
static int render_node(void)
{
	int fd = card(), render;
	char *node = drmGetRenderDeviceNameFromFd(fd);

	render = node ? open(node, O_RDWR | O_CLOEXEC) : -1;
	free(node);
	close(fd);
	return render;
}

static void native(void)
{
	struct export e = export_new(exporter, SIZE);
	int fd = card();
	uint64_t off;

	check(map_dumb(fd, import(fd, &e), &off) == EINVAL, "natively the map is refused (EINVAL)");
	close(fd);
	fd = render_node();
	check(fd < 0 || map_dumb(fd, import(fd, &e), &off) == EACCES,
	      "natively, and on a render node (EACCES)");
	export_free(&e);
	close(fd);
}

/* Software GL of a compositor draws with what it has imported there. */
static void rendered(void)
{
	struct export e = export_new(exporter, SIZE);
	int fd = render_node();
	uint8_t *p = fd < 0 ? e.view : map(fd, import(fd, &e), e.size, PROT_READ | PROT_WRITE);

	fill(e.view, e.size, 1);
	check(shows(p, 0, e.size, 1), "on a render node it shows what the exporter wrote");
	if (fd >= 0 && p != MAP_FAILED)
		munmap(p, e.size);
	export_free(&e);
	close(fd);
}

static void shim(void)
{
	struct export e = export_new(exporter, SIZE);
	int fd = card(), before = count_fds();
	uint32_t handle = import(fd, &e), again;
	uint64_t off = 0, off2 = 0;
	uint8_t *p, *q;

	fill(e.view, e.size, 1);
	p = map(fd, handle, e.size, PROT_READ);
	check(shows(p, 0, e.size, 1), "mapped to read, it shows what the exporter wrote");
	munmap(p, e.size);

	p = map(fd, handle, e.size, PROT_READ | PROT_WRITE);
	check(shows(p, 0, e.size, 1), "mapped to write, it shows what the exporter wrote");
	if (p != MAP_FAILED)
		fill(p, e.size, 2);
	check(shows(e.view, 0, e.size, 2), "the exporter sees what was written");
	fill(e.view, e.size, 3);
	check(shows(p, 0, e.size, 3), "and the mapping what the exporter writes afterwards");
	munmap(p, e.size);

	check(!map_dumb(fd, handle, &off), "the map ioctl gives an offset");
	p = map_at(fd, off + 2 * PAGE, 3 * PAGE, PROT_READ | PROT_WRITE);
	check(shows(p, 2 * PAGE, 3 * PAGE, 3), "a map of a part at an offset shows that part");
	if (p != MAP_FAILED)
		p[PAGE] ^= 0xff;
	check((e.view[3 * PAGE] ^ byte(3 * PAGE, 3)) == 0xff, "and writes to it");
	munmap(p, 3 * PAGE);
	fill(e.view, e.size, 3);
	p = map_at(fd, off, PAGE, PROT_READ);
	check(shows(p, 0, PAGE, 3), "a map of the first page alone shows it");
	munmap(p, PAGE);
	check(map_error(fd, off, e.size + PAGE, PROT_READ, MAP_SHARED) == EINVAL,
	      "a length beyond the end is EINVAL");
	check(map_error(fd, off + PAGE, e.size, PROT_READ, MAP_SHARED) == EINVAL,
	      "and so is one from an offset on");

	check(!map_dumb(fd, handle, &off2) && off == off2, "the offset stays the same");
	p = map_at(fd, off, e.size, PROT_READ);
	munmap(p, e.size);
	p = map_at(fd, off, e.size, PROT_READ);
	q = map_at(fd, off, e.size, PROT_READ | PROT_WRITE);
	check(shows(p, 0, e.size, 3) && shows(q, 0, e.size, 3), "unmapped and mapped again, twice");
	munmap(p, e.size);

	check(!close_handle(fd, handle), "the handle can be closed while mapped");
	check(shows(q, 0, e.size, 3), "the mapping outlives the handle");
	if (q != MAP_FAILED)
		fill(q, e.size, 4);
	check(shows(e.view, 0, e.size, 4), "and still writes to the buffer");
	check(map_dumb(fd, handle, &off2) == ENOENT, "the closed handle is ENOENT");
	check(map_error(fd, off, PAGE, PROT_READ, MAP_SHARED) == EINVAL,
	      "the closed handle's offset is EINVAL");
	munmap(q, e.size);
	check(close_handle(fd, handle) == EINVAL, "a second close is EINVAL");

	again = import(fd, &e);
	check(again == handle, "the number is used again");
	p = map(fd, again, e.size, PROT_READ);
	check(shows(p, 0, e.size, 4), "imported again it can be mapped again");
	munmap(p, e.size);
	check(import(fd, &e) == again, "a second import gives the same handle");
	close_handle(fd, again);

	export_free(&e);
	e = export_new(exporter, SIZE);		/* as many descriptors as before */
	fill(e.view, e.size, 5);
	again = import(fd, &e);
	p = map(fd, again, e.size, PROT_READ);
	check(again == handle && shows(p, 0, e.size, 5),
	      "another dma-buf under the same number shows its own bytes");
	munmap(p, e.size);
	close_handle(fd, again);
	check(count_fds() == before, "no descriptor is left open");
	check(!maps_of("/dmabuf"), "no mapping is left");
	export_free(&e);
	close(fd);
}

static void brackets(int n)
{
	struct export e = export_new(exporter, SIZE);
	int fd = card();
	uint32_t handle = import(fd, &e);

	for (int i = 0; i < n; i++) {
		uint8_t *p = map(fd, handle, SIZE, i & 1 ? PROT_READ | PROT_WRITE : PROT_READ);

		if (p == MAP_FAILED)
			err(1, "map");
		if (i & 1)
			p[i] = i;
		/* A child that maps nothing and exits leaves its parent's brackets alone. */
		if (i == 0 && !fork())
			exit(0);
		else if (i == 0)
			wait(NULL);
		munmap(p, SIZE);
	}
}

static void *thread(void *arg)
{
	struct export e = export_new(exporter, SIZE);
	int fd = *(int *)arg;
	static int seeds;
	int seed = __atomic_add_fetch(&seeds, 1, __ATOMIC_RELAXED);
	long wrong = 0;

	fill(e.view, e.size, seed);
	for (int i = 0; i < 150; i++) {
		uint32_t handle = import(fd, &e);
		uint8_t *p = map(fd, handle, SIZE, PROT_READ | (i & 1 ? PROT_WRITE : 0));

		wrong += !shows(p, 0, 64, seed);
		if (i % 3)
			close_handle(fd, handle);
		wrong += !shows(p, 0, 64, seed);
		munmap(p, SIZE);
		if (i % 3 == 0)
			close_handle(fd, handle);
	}
	export_free(&e);
	return (void *)wrong;
}

static void threads(void)
{
	int fd = card(), before = count_fds();
	pthread_t t[8];
	long wrong = 0;

	for (int i = 0; i < 8; i++)
		if (pthread_create(&t[i], NULL, thread, &fd))
			errx(2, "pthread_create");
	for (int i = 0; i < 8; i++) {
		void *ret;

		pthread_join(t[i], &ret);
		wrong += (long)ret;
	}
	check(!wrong, "eight threads on one file see their own bytes");
	check(count_fds() == before, "and leave no descriptor open");
}

int main(int argc, char **argv)
{
	const char *what = argc > 2 ? argv[1] : "";

	importer = argc > 2 ? argv[2] : "";
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc == 4 && !strcmp(what, "native"))
		exporter = argv[3], native();
	else if (argc == 4 && !strcmp(what, "shim"))
		exporter = argv[3], shim(), rendered();
	else if (argc == 3 && !strcmp(what, "misuse"))
		misuse();
	else if (argc == 3 && !strcmp(what, "answers"))
		answers();
	else if (argc == 4 && !strcmp(what, "brackets"))
		brackets(atoi(argv[3]));
	else if (argc == 3 && !strcmp(what, "threads"))
		threads();
	else if (argc == 3 && !strcmp(what, "card"))
		print_card();
	else
		errx(2, "see the top of matrix.c for how to use it");
	return broken;
}
