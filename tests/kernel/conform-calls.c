// SPDX-License-Identifier: MIT
/* The calls of conform.c; see conform.h. */
#include "config.h"

#include <dlfcn.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/kcmp.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <drm.h>
#include <drm_mode.h>
#include <linux/dma-buf.h>
#include <linux/dma-heap.h>

#include "conform.h"

const char *card;

void say(const char *name, long ret)
{
	if (ret < 0)
		printf("%s: %s\n", name, strerrorname_np(-ret));
	else
		printf("%s: %ld\n", name, ret);
}

long answer(long ret)
{
	return ret < 0 ? -errno : ret;
}

int node(int flags)
{
	int fd = open(card, flags | O_CLOEXEC);

	if (fd < 0)
		err(2, "%s", card);
	return fd;
}

int foreign(size_t size, int access)
{
	struct dma_heap_allocation_data alloc = { .len = size, .fd_flags = access | O_CLOEXEC };
	int (*fake_export)(size_t size, uint8_t fill, bool writable);
	int heap, fd;

	*(void **)&fake_export = dlsym(RTLD_DEFAULT, "fake_export");
	if (fake_export) {
		fd = fake_export(size, 0, access == O_RDWR);
		if (fd < 0)
			err(2, "fake_export");
		return fd;
	}
	heap = open("/dev/dma_heap/system", O_RDONLY | O_CLOEXEC);
	if (heap < 0 || ioctl(heap, DMA_HEAP_IOCTL_ALLOC, &alloc) < 0)
		err(2, "/dev/dma_heap/system");
	close(heap);
	return alloc.fd;
}

int node_that_forwards(int flags, int dmabuf, uint64_t *off)
{
	int fd;

	if (dlsym(RTLD_DEFAULT, "fake_export")) {
		fd = open("/dev/dri/card3", flags | O_CLOEXEC);
		if (import(fd, dmabuf) != 1 || map_dumb(fd, 1, off) < 0)
			err(2, "/dev/dri/card3");
		return fd;
	}
	fd = node(flags);
	if (dumb(fd, 64, 48, 32) != 1 || map_dumb(fd, 1, off) < 0 || gem_close(fd, 1) < 0 ||
	    import(fd, dmabuf) != 1)
		err(2, "%s: an import", card);
	return fd;
}

long import(int fd, int dmabuf)
{
	struct drm_prime_handle p = { .fd = dmabuf };
	long ret = answer(ioctl(fd, DRM_IOCTL_PRIME_FD_TO_HANDLE, &p));

	return ret ? ret : (long)p.handle;
}

long export(int fd, uint32_t handle, uint32_t flags)
{
	struct drm_prime_handle p = { .handle = handle, .flags = flags };
	long ret = answer(ioctl(fd, DRM_IOCTL_PRIME_HANDLE_TO_FD, &p));

	return ret ? ret : p.fd;
}

long gem_close(int fd, uint32_t handle)
{
	struct drm_gem_close c = { .handle = handle };

	return answer(ioctl(fd, DRM_IOCTL_GEM_CLOSE, &c));
}

long flink(int fd, uint32_t handle)
{
	struct drm_gem_flink f = { .handle = handle };
	long ret = answer(ioctl(fd, DRM_IOCTL_GEM_FLINK, &f));

	return ret ? ret : (long)f.name;
}

long gem_open(int fd, uint32_t name, uint64_t *size)
{
	struct drm_gem_open o = { .name = name };
	long ret = answer(ioctl(fd, DRM_IOCTL_GEM_OPEN, &o));

	if (size)
		*size = o.size;
	return ret ? ret : (long)o.handle;
}

long dumb(int fd, uint32_t width, uint32_t height, uint32_t bpp)
{
	struct drm_mode_create_dumb d = { .width = width, .height = height, .bpp = bpp };
	long ret = answer(ioctl(fd, DRM_IOCTL_MODE_CREATE_DUMB, &d));

	return ret ? ret : (long)d.handle;
}

long map_dumb(int fd, uint32_t handle, uint64_t *off)
{
	struct drm_mode_map_dumb m = { .handle = handle };
	long ret = answer(ioctl(fd, DRM_IOCTL_MODE_MAP_DUMB, &m));

	if (off)
		*off = m.offset;
	return ret;
}

long destroy(int fd, uint32_t handle)
{
	struct drm_mode_destroy_dumb d = { .handle = handle };

	return answer(ioctl(fd, DRM_IOCTL_MODE_DESTROY_DUMB, &d));
}

long map(int fd, size_t len, int prot, int flags, uint64_t off, uint8_t **out)
{
	void *p = mmap(NULL, len, prot, flags, fd, off);

	if (p == MAP_FAILED)
		return -errno;
	if (out)
		*out = p;
	else
		munmap(p, len);
	return 0;
}

uint64_t ino(int fd)
{
	struct stat st = { 0 };

	return fstat(fd, &st) < 0 ? 0 : st.st_ino;
}

void same(const char *name, int fd, int other)
{
	printf("%s: inode %s, kcmp %s\n", name, ino(fd) == ino(other) ? "same" : "another",
	       syscall(SYS_kcmp, getpid(), getpid(), KCMP_FILE, fd, other) ? "another" : "same");
}

long access_of(int fd)
{
	return answer(fcntl(fd, F_GETFL)) & O_ACCMODE;
}

long sync_with(int fd, uint64_t flags)
{
	struct dma_buf_sync s = { .flags = flags };

	return answer(ioctl(fd, DMA_BUF_IOCTL_SYNC, &s));
}

long in_child(long (*run)(int, uint32_t), int fd, uint32_t handle)
{
	int status = 0;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (!pid)
		_exit(run(fd, handle) < 0);
	return waitpid(pid, &status, 0) == pid ? status : -ECHILD;
}
