// SPDX-License-Identifier: MIT
/* Bad input and odd histories: the program sees the kernel's own answers, and loses nothing. */
#include "config.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <xf86drm.h>

#include "lib/client.h"
#include "lib/room.h"

#define WINDOW (1ULL << 41)	/* where the shim's own offsets begin */

static int map_error_at(void *addr, int fd, uint64_t off, size_t len)
{
	void *p = mmap(addr, len, PROT_READ, MAP_SHARED | MAP_FIXED, fd, off);

	return p == MAP_FAILED ? errno : 0;
}

static void same_number_other_file(void)
{
	struct export e = export_new(exporter, SIZE);
	int fd = card(), fd2;
	uint64_t off = 0;

	map_dumb(fd, import(fd, &e), &off);
	close(fd);
	check(map_error(fd, off, PAGE, PROT_READ, MAP_SHARED) == EBADF,
	      "mmap of a descriptor closed since the import is EBADF");
	check(map_dumb(fd, 1, &off) == EBADF, "and so is the map ioctl");
	fd2 = card();
	check(fd2 == fd, "(the descriptor's number is used again)");
	check(map_error(fd, off, PAGE, PROT_READ, MAP_SHARED) == EINVAL,
	      "on the file opened there since, the old offset is EINVAL");
	check(map_dumb(fd, 1, &off) == ENOENT, "and the old handle ENOENT");
	close(fd);
	export_free(&e);
}

static void learned(void)
{
	struct export e = export_new(exporter, SIZE);
	struct drm_prime_handle raw = { .fd = e.dmabuf };
	int fd = card(), fd2;
	uint64_t off = 0;
	uint8_t *p;

	fill(e.view, e.size, 6);
	if (syscall(SYS_ioctl, fd, DRM_IOCTL_PRIME_FD_TO_HANDLE, &raw) < 0)
		err(2, "import by a raw system call");
	p = map(fd, raw.handle, e.size, PROT_READ);
	check(shows(p, 0, e.size, 6), "an import by a raw system call is learned");
	munmap(p, e.size);
	fd2 = dup(fd);
	p = map(fd2, raw.handle, e.size, PROT_READ);
	check(shows(p, 0, e.size, 6), "and so is one made through a duplicate of the descriptor");
	munmap(p, e.size);
	close(fd2);
	map_dumb(fd, raw.handle, &off);
	/* A close that is not seen, and the number used again for another dma-buf. */
	syscall(SYS_ioctl, fd, DRM_IOCTL_GEM_CLOSE, &(struct drm_gem_close){ raw.handle, 0 });
	export_free(&e);
	e = export_new(exporter, SIZE / 2);
	fill(e.view, e.size, 7);
	raw = (struct drm_prime_handle){ .fd = e.dmabuf };
	syscall(SYS_ioctl, fd, DRM_IOCTL_PRIME_FD_TO_HANDLE, &raw);
	check(map_error(fd, off, PAGE, PROT_READ, MAP_SHARED) == EINVAL,
	      "the offset of a handle that was closed unseen is EINVAL, whose ever the number is");
	p = map(fd, raw.handle, e.size, PROT_READ);
	check(shows(p, 0, e.size, 7), "a number closed and used again unseen shows the new buffer");
	munmap(p, e.size);
	export_free(&e);
	close(fd);
}

static void readonly(void)
{
	struct export e = export_readonly("heap", SIZE);
	int fd = card();
	uint64_t off = 0;
	uint8_t *p;

	check(!map_dumb(fd, import(fd, &e), &off), "a read-only dma-buf can be mapped");
	p = map_at(fd, off, e.size, PROT_READ);
	check(p != MAP_FAILED && !p[0] && !p[e.size - 1], "to read");
	munmap(p, e.size);
	check(map_error(fd, off, e.size, PROT_READ | PROT_WRITE, MAP_SHARED) == EINVAL,
	      "but not to write (EINVAL)");
	export_free(&e);
	close(fd);
}

static void no_descriptors(void)
{
	struct export e = export_new(exporter, SIZE);
	struct rlimit old, none;
	int fd = card();
	uint32_t handle = import(fd, &e);
	uint64_t off = 0;
	uint8_t *p;

	fill(e.view, e.size, 8);
	getrlimit(RLIMIT_NOFILE, &old);
	none = old;
	none.rlim_cur = 3;	/* what is open stays open, and nothing more can be */
	setrlimit(RLIMIT_NOFILE, &none);
	check(map_dumb(fd, handle, &off) == EINVAL,
	      "without a free descriptor the map ioctl says what it says natively");
	setrlimit(RLIMIT_NOFILE, &old);
	check(!map_dumb(fd, handle, &off), "with one it gives an offset");
	setrlimit(RLIMIT_NOFILE, &none);
	check(map_error(fd, off, PAGE, PROT_READ, MAP_SHARED) == EINVAL,
	      "without one mmap says what it says natively");
	setrlimit(RLIMIT_NOFILE, &old);
	p = map_at(fd, off, e.size, PROT_READ);
	check(shows(p, 0, e.size, 8), "and nothing is lost");
	munmap(p, e.size);
	export_free(&e);
	close(fd);
}

static void placed(void)
{
	struct export e = export_new(exporter, SIZE);
	int fd = card(), before;
	uint64_t off = 0;
	uint8_t *spot = room_new(SIZE), *p;

	fill(e.view, e.size, 9);
	map_dumb(fd, import(fd, &e), &off);
	before = count_fds();
	p = mmap(spot, SIZE, PROT_READ, MAP_SHARED | MAP_FIXED, fd, off);
	check(p == spot && shows(p, 0, SIZE, 9), "MAP_FIXED is where it was asked for");
	check(map_error_at(spot + PAGE, fd, off + 4 * PAGE, 2 * PAGE) == EINVAL,
	      "a part of it without room before it says what it says natively");
	munmap(spot + PAGE, 3 * PAGE);
	p = mmap(spot + 4 * PAGE, PAGE, PROT_READ, MAP_SHARED | MAP_FIXED, fd, off + 3 * PAGE);
	check(p == spot + 4 * PAGE && shows(p, 3 * PAGE, PAGE, 9) &&
	      shows(p + PAGE, 5 * PAGE, PAGE, 9), "with room it is where it was asked for");
	check(count_fds() == before + 1, "one private descriptor for all mappings of a buffer");
	mmap(spot, SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	check(count_fds() == before, "an anonymous map over all of it ends it");
	check(!mprotect(spot, SIZE, PROT_READ) && !spot[0] && !spot[2 * PAGE] && !spot[SIZE - 1],
	      "and is there itself");
	room_free(spot, SIZE);

	p = map_at(fd, off, SIZE, PROT_READ | PROT_WRITE);
	munmap(p, PAGE);
	munmap(p + SIZE - PAGE, PAGE);
	munmap(p + 5 * PAGE, PAGE);
	check(shows(p + PAGE, PAGE, 4 * PAGE, 9) && shows(p + 6 * PAGE, 6 * PAGE, PAGE, 9) &&
	      count_fds() == before + 1, "front, back and middle can be unmapped");
	munmap(p + PAGE, 4 * PAGE);
	munmap(p + 6 * PAGE, 9 * PAGE);
	check(count_fds() == before, "and then the rest");
	export_free(&e);
	close(fd);
}

static void errno_is_kept(void)
{
	struct export e = export_new(exporter, SIZE);
	struct drm_mode_map_dumb m = { 0 };
	int fd = card();
	uint8_t *p;

	errno = 77;
	m.handle = import(fd, &e);
	drmIoctl(fd, DRM_IOCTL_MODE_MAP_DUMB, &m);
	p = map_at(fd, m.offset, SIZE, PROT_READ);
	munmap(p, SIZE);
	close_handle(fd, m.handle);
	check(p != MAP_FAILED && errno == 77, "errno is kept where calls succeed");
	export_free(&e);
	close(fd);
}

void misuse(void)
{
	same_number_other_file();
	learned();
	readonly();
	no_descriptors();
	placed();
	errno_is_kept();
}

/* What a call says of a read-only argument, and how many descriptors it leaves. */
static void say_readonly(const char *what, int fd, unsigned long request, const void *arg,
			 size_t size)
{
	void *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int before = count_fds(), ret;

	memcpy(page, arg, size);
	mprotect(page, PAGE, PROT_READ);
	ret = drmIoctl(fd, request, page) ? errno : 0;
	printf("%s with a read-only argument: %d, %d descriptors left\n", what, ret,
	       count_fds() - before);
	munmap(page, PAGE);
}

/* Lines of errnos that the kernel alone decides. The caller compares two runs. */
void answers(void)
{
	struct drm_mode_create_dumb dumb = { .width = 64, .height = 64, .bpp = 32 };
	struct drm_mode_map_dumb *nowhere = (void *)8;
	struct export e = export_new(exporter, SIZE);
	struct drm_prime_handle ph = { .handle = 1, .flags = ~0U };
	struct drm_mode_map_dumb m = { 0 };
	int fd = card(), null = open("/dev/null", O_RDWR), ret;
	uint32_t handle = 0;
	uint64_t off = 0;

#define SAY(what, value) printf("%s: %d\n", what, (int)(value))
	SAY("map of a handle that never was", map_dumb(fd, 4242, &off));
	SAY("map of handle 0", map_dumb(fd, 0, &off));
	SAY("close of a handle that never was", close_handle(fd, 4242));
	SAY("import of what is no dma-buf", drmPrimeFDToHandle(fd, null, &handle) ? errno : 0);
	SAY("import of what is not open", drmPrimeFDToHandle(fd, 999, &handle) ? errno : 0);
	ret = drmPrimeFDToHandle(fd, e.dmabuf, &handle) ? errno : 0;
	SAY("import", ret);
	SAY("handle", handle);
	SAY("import to nowhere", drmIoctl(fd, DRM_IOCTL_PRIME_FD_TO_HANDLE, nowhere) ? errno : 0);
	SAY("export to nowhere", drmIoctl(fd, DRM_IOCTL_PRIME_HANDLE_TO_FD, nowhere) ? errno : 0);
	SAY("map to nowhere", drmIoctl(fd, DRM_IOCTL_MODE_MAP_DUMB, nowhere) ? errno : 0);
	SAY("close of nowhere", drmIoctl(fd, DRM_IOCTL_GEM_CLOSE, nowhere) ? errno : 0);
	SAY("destroy of nowhere", drmIoctl(fd, DRM_IOCTL_MODE_DESTROY_DUMB, nowhere) ? errno : 0);
	SAY("export with wrong flags", drmIoctl(fd, DRM_IOCTL_PRIME_HANDLE_TO_FD, &ph) ? errno : 0);
	SAY("offset 0", map_error(fd, 0, PAGE, PROT_READ, MAP_SHARED));
	SAY("offset of nobody", map_error(fd, WINDOW, PAGE, PROT_READ, MAP_SHARED));
	SAY("another", map_error(fd, WINDOW + (1ULL << 40), PAGE, PROT_READ, MAP_SHARED));
	SAY("odd offset", map_error(fd, WINDOW + 1, PAGE, PROT_READ, MAP_SHARED));
	SAY("length 0", map_error(fd, WINDOW, 0, PROT_READ, MAP_SHARED));
	SAY("on a descriptor not open", map_error(999, WINDOW, PAGE, PROT_READ, MAP_SHARED));
	SAY("map ioctl on it", map_dumb(999, 1, &off));
	SAY("map ioctl on /dev/null", map_dumb(null, 1, &off));
	SAY("munmap of an odd address", munmap((void *)1, PAGE) ? errno : 0);
	SAY("munmap of nothing", munmap(NULL, 0) ? errno : 0);
	if (!drmIoctl(fd, DRM_IOCTL_MODE_CREATE_DUMB, &dumb)) {
		struct export self = { .owner = -1 };

		SAY("own buffer", dumb.handle);
		SAY("map of it", map_dumb(fd, dumb.handle, &off));
		SAY("its offset is the driver's", off < WINDOW);
		SAY("mmap of it", map_error(fd, off, dumb.size, PROT_READ, MAP_SHARED));
		SAY("private", map_error(fd, off, dumb.size, PROT_READ | PROT_WRITE, MAP_PRIVATE));
		SAY("part of it", map_error(fd, off + PAGE, PAGE, PROT_READ, MAP_SHARED));
		SAY("too long", map_error(fd, off, dumb.size + PAGE, PROT_READ, MAP_SHARED));
		drmPrimeHandleToFD(fd, dumb.handle, DRM_CLOEXEC | DRM_RDWR, &self.dmabuf);
		ph = (struct drm_prime_handle){ .handle = dumb.handle };
		say_readonly("export", fd, DRM_IOCTL_PRIME_HANDLE_TO_FD, &ph, sizeof(ph));
		ph.handle = handle;
		say_readonly("its export", fd, DRM_IOCTL_PRIME_HANDLE_TO_FD, &ph, sizeof(ph));
		ph = (struct drm_prime_handle){ .fd = e.dmabuf };
		say_readonly("import", fd, DRM_IOCTL_PRIME_FD_TO_HANDLE, &ph, sizeof(ph));
		m.handle = handle;
		say_readonly("map of it", fd, DRM_IOCTL_MODE_MAP_DUMB, &m, sizeof(m));
		m.handle = dumb.handle;
		say_readonly("map", fd, DRM_IOCTL_MODE_MAP_DUMB, &m, sizeof(m));
		SAY("imported into itself", import(fd, &self));
		SAY("map of that", map_dumb(fd, dumb.handle, &off));
		SAY("its offset is the driver's", off < WINDOW);
		SAY("mmap of that", map_error(fd, off, dumb.size, PROT_READ, MAP_SHARED));
		SAY("destroyed",
		    drmIoctl(fd, DRM_IOCTL_MODE_DESTROY_DUMB, &dumb.handle) ? errno : 0);
		SAY("map afterwards", map_dumb(fd, dumb.handle, &off));
	}
	SAY("close", close_handle(fd, handle));
	SAY("close twice", close_handle(fd, handle));
	SAY("map after the close", map_dumb(fd, handle, &off));
}
