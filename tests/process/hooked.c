// SPDX-License-Identifier: MIT
/*
 * A program that makes every call that the shim hooks, on imports of the fake kernel's first
 * device. hooked.sh and harnesses.sh run it in as many ways as there are. An ordinary program,
 * which knows nothing of the shim. Prints what went wrong, or "all right". Links libc alone.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <drm.h>
#include <drm_mode.h>

#include "lib/room.h"

#ifdef __GLIBC__
#define HAVE_CLOSEFROM 1	/* and close_range() */
#endif

#define PAGES	16
#define ROUNDS	20

static size_t page;
static uint32_t handle;
static off_t offset;

static void need(int ok, const char *what)
{
	if (ok)
		return;
	printf("%s (errno %d)\n", what, errno);
	exit(1);
}

static void map_through(int fd, const char *what)
{
	unsigned char *p = mmap(NULL, PAGES * page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, offset);

	need(p != MAP_FAILED, what);
	need(p[0] == 0x5a && p[PAGES * page - 1] == 0x5a, what);
	need(!munmap(p, PAGES * page), what);
}

static void descriptors(int fd)
{
	int a = dup(fd), b = dup2(fd, 60), c = dup3(fd, 61, O_CLOEXEC);
	int d = fcntl(fd, F_DUPFD, 62), e = fcntl(fd, F_DUPFD_CLOEXEC, 62);

	need(b == 60 && c == 61 && d >= 62 && e > d, "duplicates");
	map_through(a, "mmap of a dup()");
	map_through(b, "mmap of a dup2()");
	map_through(c, "mmap of a dup3()");
	map_through(d, "mmap of an F_DUPFD");
	map_through(e, "mmap of an F_DUPFD_CLOEXEC");
	need(fcntl(c, F_GETFD) == FD_CLOEXEC && fcntl(e, F_GETFD) == FD_CLOEXEC, "O_CLOEXEC");
	need(!close(a) && !close(b) && close(b) < 0 && errno == EBADF, "close()");
	need(dup2(fd, fd) == fd && dup2(999, c) < 0 && errno == EBADF, "dup2()");
	map_through(c, "mmap after a dup2() that failed");
#ifdef HAVE_CLOSEFROM
	need(!close_range(c, c, 0) && fcntl(c, F_GETFD) < 0, "close_range()");
	need(close_range(5, 4, 0) < 0 && errno == EINVAL, "close_range() of nothing");
#endif
	map_through(d, "mmap after the others were closed");
	close(c);
	close(d);
	close(e);
	map_through(fd, "mmap of what is left");
}

static void mappings(int fd)
{
	unsigned char *spot = room_new(PAGES * page);
	unsigned char *p = mmap(NULL, PAGES * page, PROT_READ, MAP_SHARED, fd, offset);

	need(p != MAP_FAILED, "mmap()");
	need(mremap(p, PAGES * page, PAGES * page, MREMAP_MAYMOVE | MREMAP_FIXED, spot) == spot &&
	     spot[3 * page] == 0x5a, "mremap()");
	/* There QEMU's user mode (7.2) unmaps what lies behind it. */
	if (sizeof(long) == 8 || !getenv("EMULATOR"))
		need(mremap(spot, PAGES * page, page, 0) == spot && spot[0] == 0x5a,
		     "mremap() to shrink");
#ifdef HAVE_CLOSEFROM
	/* The descriptor that the bracket needs is none of ours. */
	if (fd < 100) {
		closefrom(100);
		need(spot[0] == 0x5a, "closefrom()");
	}
#endif
	need(!munmap(spot, PAGES * page), "munmap()");
	room_free(spot, PAGES * page);
}

static void *thread(void *arg)
{
	int fd = *(int *)arg;

	for (int i = 0; i < ROUNDS; i++) {
		char *block = malloc(300000);	/* by mmap or munmap, in most allocators */

		map_through(fd, "mmap in a thread");
		memset(block, i, 300000);
		free(block);
	}
	return NULL;
}

int main(void)
{
	int (*fake_export)(size_t size, uint8_t fill, _Bool writable) =
		(int (*)(size_t, uint8_t, _Bool))dlsym(RTLD_DEFAULT, "fake_export");
	struct drm_prime_handle prime = { 0 };
	struct drm_mode_map_dumb map = { 0 };
	struct drm_gem_close gone = { 0 };
	int fd = open("/dev/dri/card0", O_RDWR | O_CLOEXEC), status;
	pthread_t t[4];

	page = sysconf(_SC_PAGESIZE);
	need(fake_export && fd >= 0, "the fake kernel is not there");
	prime.fd = fake_export(PAGES * page, 0x5a, 1);
	need(prime.fd >= 0, "fake_export()");
	need(!ioctl(fd, DRM_IOCTL_PRIME_FD_TO_HANDLE, &prime), "import");
	close(prime.fd);
	handle = map.handle = prime.handle;
	need(!ioctl(fd, DRM_IOCTL_MODE_MAP_DUMB, &map), "the map ioctl");
	offset = map.offset;
	need((uint64_t)offset == map.offset, "an offset beyond off_t");

	map_through(fd, "mmap()");
	descriptors(fd);
	mappings(fd);
	for (int i = 0; i < 4; i++)
		need(!pthread_create(&t[i], NULL, thread, &fd), "pthread_create()");
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	if (!fork()) {
		map_through(fd, "mmap in a child");
		_exit(0);
	}
	need(wait(&status) > 0 && !status, "a child");
	gone.handle = handle;
	need(!ioctl(fd, DRM_IOCTL_GEM_CLOSE, &gone), "GEM_CLOSE");
	need(ioctl(fd, DRM_IOCTL_GEM_CLOSE, &gone) < 0 && errno == EINVAL, "a second GEM_CLOSE");
	need(ioctl(fd, DRM_IOCTL_MODE_MAP_DUMB, &map) < 0 && errno == ENOENT, "map of nothing");
	need(prctl(PR_GET_DUMPABLE) == 1 && !prctl(PR_SET_NAME, "hooked"), "prctl()");
	/* EINVAL where there are no filters, as in QEMU's user mode. */
	need(prctl(PR_SET_SECCOMP, 2, NULL) < 0 && (errno == EFAULT || errno == EINVAL),
	     "prctl() of no filter");
	close(fd);
	puts("all right");
	return 0;
}
