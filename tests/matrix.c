// SPDX-License-Identifier: MIT
/*
 * What a program may expect of imports on a real kernel. An ordinary program: whether the shim is
 * there is the caller's doing, and only changes what is expected.
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

#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <xf86drm.h>

#include "exporters.h"

#define PAGE 4096UL
#define SIZE (16 * PAGE)
#define WINDOW (1ULL << 41)	/* where the shim's own offsets begin */

static const char *importer, *exporter = "udmabuf";
static bool broken;

static void check(bool ok, const char *promise)
{
	printf("%s - %s <- %s: %s\n", ok ? "ok" : "not ok", importer, exporter, promise);
	broken |= !ok;
}

static int card(void)
{
	int fd = open_card(importer);

	if (fd < 0)
		errx(2, "no DRM device with the driver %s", importer);
	return fd;
}

static uint32_t import(int fd, const struct export *e)
{
	uint32_t handle = 0;

	if (drmPrimeFDToHandle(fd, e->dmabuf, &handle) < 0)
		err(2, "%s cannot import from %s", importer, exporter);
	return handle;
}

/* 0 or an errno. */
static int map_dumb(int fd, uint32_t handle, uint64_t *off)
{
	struct drm_mode_map_dumb m = { .handle = handle };

	if (drmIoctl(fd, DRM_IOCTL_MODE_MAP_DUMB, &m))
		return errno;
	*off = m.offset;
	return 0;
}

static uint8_t *map_at(int fd, uint64_t off, size_t len, int prot)
{
	return mmap(NULL, len, prot, MAP_SHARED, fd, off);
}

static uint8_t *map(int fd, uint32_t handle, size_t len, int prot)
{
	uint64_t off = 0;

	return map_dumb(fd, handle, &off) ? MAP_FAILED : map_at(fd, off, len, prot);
}

/* 0 if it worked, which it should not have; else the errno. */
static int map_error(int fd, uint64_t off, size_t len, int prot, int flags)
{
	return mmap(NULL, len, prot, flags, fd, off) == MAP_FAILED ? errno : 0;
}

static int map_error_at(void *addr, int fd, uint64_t off, size_t len)
{
	void *p = mmap(addr, len, PROT_READ, MAP_SHARED | MAP_FIXED, fd, off);

	return p == MAP_FAILED ? errno : 0;
}

static int close_handle(int fd, uint32_t handle)
{
	return drmCloseBufferHandle(fd, handle) < 0 ? errno : 0;
}

/* A byte for each place that differs from page to page and from @seed to @seed. */
static uint8_t byte(size_t at, int seed)
{
	return at * 7 + at / PAGE * 31 + seed * 101;
}

static void fill(uint8_t *p, size_t len, int seed)
{
	for (size_t i = 0; i < len; i++)
		p[i] = byte(i, seed);
}

static bool shows(const uint8_t *p, size_t from, size_t len, int seed)
{
	if (p == MAP_FAILED)
		return false;
	for (size_t i = 0; i < len; i++)
		if (p[i] != byte(from + i, seed))
			return false;
	return true;
}

static int count_fds(void)
{
	DIR *d = opendir("/proc/self/fd");
	int n = 0;

	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

/* Lines of /proc/self/maps with that text, but for the exporter's own view of the heap's buffers. */
static int maps_of(const char *text)
{
	FILE *f = fopen("/proc/self/maps", "re");
	char line[512];
	int n = 0;

	while (fgets(line, sizeof(line), f))
		n += !!strstr(line, text);
	fclose(f);
	return n - !strcmp(exporter, "heap");
}

static void native(void)
{
	struct export e = export_new(exporter, SIZE);
	int fd = card();
	uint64_t off;

	check(map_dumb(fd, import(fd, &e), &off) == EINVAL, "natively the map is refused (EINVAL)");
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
	      "the offset of a handle that was closed unseen is EINVAL, whoever has the number now");
	p = map(fd, raw.handle, e.size, PROT_READ);
	check(shows(p, 0, e.size, 7), "a number closed and used again unseen shows the new buffer");
	munmap(p, e.size);
	export_free(&e);
	close(fd);
}

static void readonly(void)
{
	struct export e = export_readonly(SIZE);
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
	uint8_t *spot = mmap(NULL, SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), *p;

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
	munmap(spot, SIZE);

	p = map_at(fd, off, SIZE, PROT_READ | PROT_WRITE);
	munmap(p, PAGE);
	munmap(p + SIZE - PAGE, PAGE);
	munmap(p + 5 * PAGE, PAGE);
	check(shows(p + PAGE, PAGE, 4 * PAGE, 9) && shows(p + 6 * PAGE, 6 * PAGE, PAGE, 9) &&
	      count_fds() == before + 1, "front, back and middle can be unmapped");
	munmap(p, SIZE);
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

static void misuse(void)
{
	same_number_other_file();
	learned();
	readonly();
	no_descriptors();
	placed();
	errno_is_kept();
}

/* Lines of errnos that the kernel alone decides. The caller compares two runs. */
static void answers(void)
{
	struct drm_mode_create_dumb dumb = { .width = 64, .height = 64, .bpp = 32 };
	struct drm_mode_map_dumb *nowhere = (void *)8;
	struct export e = export_new(exporter, SIZE);
	struct drm_prime_handle ph = { .handle = 1, .flags = ~0U };
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
		SAY("imported into itself", import(fd, &self));
		SAY("map of that", map_dumb(fd, dumb.handle, &off));
		SAY("its offset is the driver's", off < WINDOW);
		SAY("mmap of that", map_error(fd, off, dumb.size, PROT_READ, MAP_SHARED));
		SAY("destroyed", drmIoctl(fd, DRM_IOCTL_MODE_DESTROY_DUMB, &dumb.handle) ? errno : 0);
		SAY("map afterwards", map_dumb(fd, dumb.handle, &off));
	}
	SAY("close", close_handle(fd, handle));
	SAY("close twice", close_handle(fd, handle));
	SAY("map after the close", map_dumb(fd, handle, &off));
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

static void print_card(void)
{
	char link[32], path[64] = "";

	snprintf(link, sizeof(link), "/proc/self/fd/%d", card());
	if (readlink(link, path, sizeof(path) - 1) < 0)
		err(2, "%s", link);
	puts(path);
}

int main(int argc, char **argv)
{
	const char *what = argc > 2 ? argv[1] : "";

	importer = argc > 2 ? argv[2] : "";
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc == 4 && !strcmp(what, "native"))
		exporter = argv[3], native();
	else if (argc == 4 && !strcmp(what, "shim"))
		exporter = argv[3], shim();
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
