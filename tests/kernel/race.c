// SPDX-License-Identifier: MIT
/*
 * Threads that touch the pages of an import that nobody has touched yet, at the same time: the
 * fault handler of evdi 1.12 answers the second of two with SIGBUS. An ordinary program, which
 * knows nothing of the shim.
 *
 *   race IMPORTER EXPORTER RUNS	prints how many of the runs ended by SIGBUS
 *   race IMPORTER own RUNS		the same with the device's own dumb buffers
 */
#include "config.h"

#include <err.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <xf86drm.h>

#include "lib/client.h"

enum { PAGES = 4096 };

static uint8_t *pages;
static pthread_barrier_t together;

static void *touch(void *unused)
{
	pthread_barrier_wait(&together);
	for (int i = 0; i < PAGES; i++)
		((volatile uint8_t *)pages)[i * PAGE] = 1;
	return unused;
}

/* A buffer of the importer's own, under a handle. */
static uint32_t own(int fd)
{
	struct drm_mode_create_dumb c = { .width = PAGE / 4, .height = PAGES, .bpp = 32 };

	if (drmIoctl(fd, DRM_IOCTL_MODE_CREATE_DUMB, &c))
		err(2, "CREATE_DUMB");
	return c.handle;
}

/* Ends by SIGBUS, or with status 0. */
static void run(void)
{
	int fd = card(), ret;
	struct export e;
	uint32_t handle;
	pthread_t other;
	uint64_t off;

	if (!strcmp(exporter, "own")) {
		handle = own(fd);
	} else {
		e = export_new(exporter, PAGES * PAGE);
		handle = import(fd, &e);
	}
	ret = map_offset(fd, handle, &off);
	if (ret)
		errx(2, "the map ioctl: %s", strerror(ret));
	pages = map_at(fd, off, PAGES * PAGE, PROT_READ | PROT_WRITE);
	if (pages == MAP_FAILED)
		err(2, "mmap");
	pthread_barrier_init(&together, NULL, 2);
	if (pthread_create(&other, NULL, touch, NULL))
		errx(2, "pthread_create");
	touch(NULL);
	pthread_join(other, NULL);
}

int main(int argc, char **argv)
{
	int runs = argc == 4 ? atoi(argv[3]) : 0, died = 0;

	if (runs < 1)
		errx(2, "see the top of race.c for how to use it");
	importer = argv[1];
	exporter = argv[2];
	for (int i = 0; i < runs; i++) {
		pid_t pid = fork();
		int status;

		if (!pid) {
			run();
			_exit(0);
		}
		if (pid < 0 || waitpid(pid, &status, 0) != pid)
			err(2, "fork");
		if (!WIFSIGNALED(status) && WEXITSTATUS(status))
			return WEXITSTATUS(status);
		died += WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS;
	}
	printf("%d of %d runs\n", died, runs);
	return 0;
}
