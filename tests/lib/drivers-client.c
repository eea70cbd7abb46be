// SPDX-License-Identifier: MIT
/* A client of the fake kernel's drivers, in few words; see drivers-client.h. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <drm.h>
#include <drm_mode.h>

#include "drivers-client.h"

int (*new_dmabuf)(size_t size, uint8_t fill, bool writable);
int (*new_unmappable)(size_t size, uint8_t fill);
unsigned long (*device_maps)(void);
void *(*kept_address)(void);

const char *mode;
bool rescues, denies, broken;
const struct fake_driver *driver;
const char *way_name = "";

void check(bool ok, const char *promise)
{
	int err = errno;

	printf("%s - %s%s%s, %s: %s", ok ? "ok" : "not ok", driver ? driver->name : "all",
	       *way_name ? ", " : "", way_name, mode, promise);
	printf(ok ? "\n" : " (errno %d)\n", err);
	broken |= !ok;
}

void need(bool ok, const char *what)
{
	if (ok)
		return;
	check(false, what);
	exit(1);
}

int card(const struct fake_driver *d)
{
	char path[32];
	int fd;

	snprintf(path, sizeof(path), "/dev/dri/card%d", (int)(d - fake_drivers));
	fd = open(path, O_RDWR | O_CLOEXEC);
	need(fd >= 0, path);
	return fd;
}

const struct fake_driver *named(const char *name)
{
	for (int i = 0; i < FAKE_DRIVERS; i++)
		if (!strcmp(fake_drivers[i].name, name))
			return &fake_drivers[i];
	need(false, name);
	return NULL;
}

int import(int fd, int dmabuf, uint32_t *handle)
{
	struct drm_prime_handle p = { .fd = dmabuf };

	if (ioctl(fd, DRM_IOCTL_PRIME_FD_TO_HANDLE, &p))
		return errno;
	*handle = p.handle;
	return 0;
}

int export(int fd, uint32_t handle, uint32_t flags)
{
	struct drm_prime_handle p = { .handle = handle, .flags = flags | DRM_CLOEXEC };

	return ioctl(fd, DRM_IOCTL_PRIME_HANDLE_TO_FD, &p) ? -1 : p.fd;
}

uint32_t create(int fd)
{
	struct drm_mode_create_dumb d = { .width = PAGE / 4, .height = SIZE / PAGE, .bpp = 32 };

	need(!ioctl(fd, DRM_IOCTL_MODE_CREATE_DUMB, &d), "an own buffer is made");
	return d.handle;
}

void close_handle(int fd, uint32_t handle)
{
	ioctl(fd, DRM_IOCTL_GEM_CLOSE, &(struct drm_gem_close){ .handle = handle });
}

const struct fake_way *ways(const struct fake_driver *d)
{
	static struct fake_way dumb[2] = {
		{ .name = "MODE_MAP_DUMB", .nr = 0xb3, .size = 16, .handle = 0, .value = 8 },
	};

	if (d->ways[0].name)
		return d->ways;
	dumb[0].err = d->dumb_err;
	return dumb;
}

int ask(int fd, const struct fake_way *w, uint32_t handle, uint64_t start, uint64_t len,
	uint64_t *value)
{
	uint64_t arg[16] = { 0 };
	char *p = (char *)arg;
	uint32_t selected = w->selected;

	memcpy(p + w->handle, &handle, sizeof(handle));
	if (w->selects)
		memcpy(p + w->select, &selected, sizeof(selected));
	if (w->address) {
		memcpy(p + w->start, &start, sizeof(start));
		memcpy(p + w->length, &len, sizeof(len));
	}
	if (ioctl(fd, _IOC(_IOC_READ | _IOC_WRITE, 'd', w->nr, w->size), arg))
		return errno;
	memcpy(value, p + w->value, sizeof(*value));
	return 0;
}

int map(int fd, const struct fake_way *w, uint32_t handle, uint64_t start, uint64_t len,
	uint8_t **out)
{
	uint64_t value = 0;
	int fds[2], err;

	*out = NULL;
	err = ask(fd, w, handle, start, len, &value);
	if (err)
		return err;
	if (w->address) {
		*out = (uint8_t *)(uintptr_t)value;
	} else {
		*out = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, value + start);
		if (*out == MAP_FAILED) {
			*out = NULL;
			return errno;
		}
	}
	need(!pipe(fds), "a pipe");
	err = write(fds[1], *out, 1) == 1 ? 0 : errno == EFAULT ? -SIGBUS : errno;
	close(fds[0]);
	close(fds[1]);
	return err;
}

void unmap(uint8_t *p, size_t len)
{
	if (p)
		need(!munmap(p, len), "munmap");
}

bool shared(uint8_t *p, int dmabuf, uint64_t start, uint64_t len)
{
	uint8_t *view = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, dmabuf, 0);
	bool right = p && view != MAP_FAILED;

	for (uint64_t i = 0; right && i < len; i += 512) {
		right = p[i] == view[start + i];
		p[i] = i / 512 + 1;
		right &= view[start + i] == (uint8_t)(i / 512 + 1);
		view[start + i] = i / 512 + 77;
		right &= p[i] == (uint8_t)(i / 512 + 77);
	}
	if (view != MAP_FAILED)
		munmap(view, SIZE);
	return right;
}
