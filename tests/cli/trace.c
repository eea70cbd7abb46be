// SPDX-License-Identifier: MIT
/*
 * An ordinary client of the fake kernel (drivers-client.h). It leaves a status file behind in which
 * trace and plot find something to show. trace.sh says what it expects of each word.
 *
 *   trace kill		is killed by SIGKILL with an import mapped
 *   trace fork		its child has its parent's import, makes another and maps it
 *   trace loop N	maps and unmaps N times
 *   trace split	unmaps the middle of a mapping, then its beginning
 *   trace flip		maps, prints its number, waits for a line, and maps again
 *   trace many N	has N imports, of which each is mapped once more than the one before
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/drivers-client.h"

static int fd;

static uint32_t imported(void)
{
	int dmabuf = new_dmabuf(SIZE, FILL, true);
	uint32_t handle = 0;

	need(dmabuf >= 0 && !import(fd, dmabuf, &handle), "an import");
	close(dmabuf);
	return handle;
}

static uint8_t *mapped(uint32_t handle)
{
	uint8_t *p = NULL;

	need(!map(fd, ways(driver), handle, 0, SIZE, &p), "a mapping");
	return p;
}

static void killed(int n)
{
	(void)n;
	mapped(imported());
	raise(SIGKILL);
}

static void forked(int n)
{
	uint32_t handle = imported();
	pid_t child = fork();
	uint8_t *p;

	(void)n;
	if (!child) {
		p = mapped(imported());
		p[0] = 1;
		unmap(p, SIZE);
		exit(0);
	}
	waitpid(child, NULL, 0);
	unmap(mapped(handle), SIZE);
	close_handle(fd, handle);
}

static void loop(int n)
{
	uint32_t handle = imported();

	while (n--)
		unmap(mapped(handle), SIZE);
	close_handle(fd, handle);
}

static void split(int n)
{
	uint8_t *p = mapped(imported());

	/* Long enough to be seen beside the time for which others may have the CPU. */
	(void)n;
	usleep(100 * 1000);
	munmap(p + PAGE, PAGE);
	usleep(100 * 1000);
	munmap(p, PAGE);
	usleep(100 * 1000);
}

static void flip(int n)
{
	uint32_t handle = imported();

	(void)n;
	unmap(mapped(handle), SIZE);
	printf("%d\n", (int)getpid());
	fflush(stdout);
	getchar();
	unmap(mapped(handle), SIZE);
	close_handle(fd, handle);
}

static void many(int n)
{
	for (int i = 0; i < n; i++) {
		uint32_t handle = imported();

		for (int j = 0; j < i + 1; j++)
			unmap(mapped(handle), SIZE);
	}
}

static const struct {
	const char *name;
	void (*run)(int n);
} scenes[] = {
	{ "kill", killed }, { "fork", forked }, { "loop", loop }, { "split", split },
	{ "flip", flip },
	{ "many", many },
};

int main(int argc, char **argv)
{
	new_dmabuf = dlsym(RTLD_DEFAULT, "fake_export");
	need(new_dmabuf, "the fake kernel");
	mode = argc > 1 ? argv[1] : "";
	driver = named("vgem");
	fd = card(driver);
	for (size_t i = 0; i < sizeof(scenes) / sizeof(scenes[0]); i++)
		if (!strcmp(mode, scenes[i].name)) {
			scenes[i].run(argc > 2 ? atoi(argv[2]) : 0);
			return 0;
		}
	return 2;
}
