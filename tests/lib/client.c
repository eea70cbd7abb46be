// SPDX-License-Identifier: MIT
/* A client of imports, in few words; see client.h. */
#include "config.h"

#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <xf86drm.h>

#include "client.h"

const char *importer, *exporter = "udmabuf";
bool broken;

void check(bool ok, const char *promise)
{
	printf("%s - %s <- %s: %s\n", ok ? "ok" : "not ok", importer, exporter, promise);
	broken |= !ok;
}

int card(void)
{
	int fd = open_card(importer);

	if (fd < 0)
		errx(2, "no DRM device with the driver %s", importer);
	return fd;
}

void print_card(void)
{
	char link[32], path[64] = "";

	snprintf(link, sizeof(link), "/proc/self/fd/%d", card());
	if (readlink(link, path, sizeof(path) - 1) < 0)
		err(2, "%s", link);
	puts(path);
}

uint32_t import(int fd, const struct export *e)
{
	uint32_t handle = 0;

	if (drmPrimeFDToHandle(fd, e->dmabuf, &handle) < 0)
		err(2, "%s cannot import from %s", importer, exporter);
	return handle;
}

int map_dumb(int fd, uint32_t handle, uint64_t *off)
{
	struct drm_mode_map_dumb m = { .handle = handle };

	if (drmIoctl(fd, DRM_IOCTL_MODE_MAP_DUMB, &m))
		return errno;
	*off = m.offset;
	return 0;
}

/*
 * The drivers' map ioctls, by the kernel's numbers. Not from headers, as Debian has some of them on
 * ARM only and some not at all.
 */
static const struct map_ioctl {
	const char *driver;
	uint8_t nr, size, offset;	/* of the argument, and where the offset is in it */
	uint8_t at;			/* not 0: a word of it to be set to @value */
	uint32_t value;
	uint8_t handle;			/* where the handle is */
} map_ioctls[] = {
	{ "amdgpu", 0x41, 8, 0, 0, 0, 0 },
	{ "etnaviv", 0x43, 16, 8, 0, 0, 0 },
	{ "i915", 0x64, 32, 8, 16, 1, 0 },
	{ "lima", 0x42, 16, 8, 0, 0, 0 },
	{ "msm", 0x43, 24, 8, 0, 0, 0 },
	{ "nouveau", 0x84, 40, 24, 0, 0, 0 },
	{ "panfrost", 0x43, 16, 8, 0, 0, 0 },
	{ "radeon", 0x5e, 32, 24, 16, SIZE, 0 },
	{ "tegra", 0x41, 16, 8, 0, 0, 0 },
	{ "v3d", 0x43, 16, 8, 0, 0, 0 },
	{ "vc4", 0x44, 16, 8, 0, 0, 0 },
	{ "xe", 0x42, 40, 16, 0, 0, 8 },
};

int map_offset(int fd, uint32_t handle, uint64_t *off)
{
	for (size_t i = 0; i < sizeof(map_ioctls) / sizeof(map_ioctls[0]); i++) {
		const struct map_ioctl *m = &map_ioctls[i];
		uint8_t arg[64] = { 0 };

		if (strcmp(m->driver, importer))
			continue;
		memcpy(arg + m->handle, &handle, sizeof(handle));
		if (m->at)
			memcpy(arg + m->at, &m->value, sizeof(m->value));
		if (drmIoctl(fd, _IOC(_IOC_READ | _IOC_WRITE, 'd', m->nr, m->size), arg))
			return errno;
		memcpy(off, arg + m->offset, sizeof(*off));
		return 0;
	}
	return map_dumb(fd, handle, off);
}

uint8_t *map_at(int fd, uint64_t off, size_t len, int prot)
{
	return mmap(NULL, len, prot, MAP_SHARED, fd, off);
}

uint8_t *map(int fd, uint32_t handle, size_t len, int prot)
{
	uint64_t off = 0;

	return map_dumb(fd, handle, &off) ? MAP_FAILED : map_at(fd, off, len, prot);
}

int map_error(int fd, uint64_t off, size_t len, int prot, int flags)
{
	return mmap(NULL, len, prot, flags, fd, off) == MAP_FAILED ? errno : 0;
}

int close_handle(int fd, uint32_t handle)
{
	return drmCloseBufferHandle(fd, handle) < 0 ? errno : 0;
}

uint8_t byte(size_t at, int seed)
{
	return at * 7 + at / PAGE * 31 + seed * 101;
}

void fill(uint8_t *p, size_t len, int seed)
{
	for (size_t i = 0; i < len; i++)
		p[i] = byte(i, seed);
}

bool shows(const uint8_t *p, size_t from, size_t len, int seed)
{
	if (p == MAP_FAILED)
		return false;
	for (size_t i = 0; i < len; i++)
		if (p[i] != byte(from + i, seed))
			return false;
	return true;
}

const char *came_of(uint8_t *p, size_t size, const struct export *e)
{
	int status;
	pid_t pid;

	fill(e->view, size, 1);
	pid = fork();
	if (!pid) {
		if (!shows(p, 0, size, 1))
			_exit(1);
		fill(p, size, 2);
		_exit(!shows(e->view, 0, size, 2));
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		err(2, "fork");
	if (WIFSIGNALED(status))
		return WTERMSIG(status) == SIGBUS ? "SIGBUS" : "a signal";
	return WEXITSTATUS(status) ? "other bytes" : "right";
}

int count_fds(void)
{
	DIR *d = opendir("/proc/self/fd");
	int n = 0;

	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

int maps_of(const char *text)
{
	FILE *f = fopen("/proc/self/maps", "re");
	char line[512];
	int n = 0;

	while (fgets(line, sizeof(line), f))
		n += !!strstr(line, text);
	fclose(f);
	return n - !strcmp(exporter, "heap");
}
