// SPDX-License-Identifier: MIT
/*
 * What becomes of an import that the shim keeps mapped when the exporter moves its memory, or when
 * a device goes; an ordinary program but for what it asks the kernel. As root. For kernel-warm.sh
 * and kernel-moved.sh.
 *
 *   gone moved IMPORTER KEEP	amdgpu puts a buffer out of its VRAM: it is told to; vgem has the
 *				import, too; it is swapped then
 *   gone pinned IMPORTER	amdgpu cannot, while IMPORTER has the import
 *   gone unplugged IMPORTER EXPORTER KEEP importer|exporter
 *				the device is taken from its driver and given back later; the last
 *				line says what came of each step in between
 *
 * KEEP: as PRIMESHIM_KEEP.
 */
#include "config.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <xf86drm.h>

#include "lib/client.h"

#define RW	(PROT_READ | PROT_WRITE)

static struct export e;
static uint32_t handle;
static int drm;
static bool kept;

static uint8_t *by_handle(void)
{
	uint64_t off = 0;
	uint8_t *p = map_offset(drm, handle, &off) ? MAP_FAILED : map_at(drm, off, e.size, RW);

	if (p == MAP_FAILED)
		err(2, "mmap of the import");
	return p;
}

/* A mapping of the dma-buf that the shim does not touch, as it is none of an import. */
static uint8_t *by_exporter(void)
{
	return mmap(NULL, e.size, RW, MAP_SHARED, e.dmabuf, 0);
}

/* Is a dma-buf mapped there? */
static bool is_mapped(const void *p)
{
	FILE *f = fopen("/proc/self/maps", "re");
	char line[512], want[32];
	bool is = false;

	if (!f)
		err(2, "/proc/self/maps");
	snprintf(want, sizeof(want), "%lx-", (unsigned long)(uintptr_t)p);
	while (fgets(line, sizeof(line), f))
		is |= !strncmp(line, want, strlen(want)) && strstr(line, "/dmabuf:");
	fclose(f);
	return is;
}

static void as_wanted(const void *p, const char *when)
{
	char text[80];

	snprintf(text, sizeof(text), "%s %s", when, kept ? "the pages are kept" :
							   "nothing is mapped");
	check(is_mapped(p) == kept, text);
}

/* How many page faults reading it has, where it shows what it should; else -1. */
static long faults(const uint8_t *p, int seed)
{
	struct rusage before, after;
	bool right;

	getrusage(RUSAGE_SELF, &before);
	right = shows(p, 0, e.size, seed);
	getrusage(RUSAGE_SELF, &after);
	return right ? after.ru_minflt - before.ru_minflt : -1;
}

/* A mapping right after another one, with the same bytes. */
static void again(const uint8_t *p, int seed)
{
	long n = faults(p, seed);

	check(n >= 0, "the next mapping shows the same bytes");
	check((n == 0) == kept, kept ? "without a page fault" : "with page faults");
}

/* A file of amdgpu's in debugfs, opened. */
static FILE *debug(const char *name)
{
	struct stat st;
	char path[80];
	FILE *f;

	if (fstat(e.owner, &st))
		err(2, "fstat");
	snprintf(path, sizeof(path), "/sys/kernel/debug/dri/%u/%s", minor(st.st_rdev), name);
	f = fopen(path, "re");
	if (!f)
		err(2, "%s", path);
	return f;
}

/* Where amdgpu has the buffer: VRAM, GTT or CPU. */
static const char *place(void)
{
	static const char *const places[] = { "VRAM", "GTT", "CPU" };
	FILE *f = debug("amdgpu_gem_info");
	const char *at = "nowhere";
	char line[512];

	while (fgets(line, sizeof(line), f)) {
		char word[16] = "";

		if (!strstr(line, " exported as ") || sscanf(line, "%*s %*u byte %15s", word) != 1)
			continue;
		for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
			if (!strcmp(word, places[i]))
				at = places[i];
	}
	fclose(f);
	return at;
}

static void evict(void)
{
	FILE *f = debug("amdgpu_evict_vram");
	char line[64];

	if (!fgets(line, sizeof(line), f) || strcmp(line, "0\n"))
		errx(2, "amdgpu_evict_vram says %s", line);
	fclose(f);
}

static void begin(void)
{
	e = export_new(exporter, SIZE);
	drm = card();
	handle = import(drm, &e);
}

static void end(void)
{
	close_handle(drm, handle);
	close(drm);
	export_free(&e);
}

/* Another device that has the import and needs it to stay where it is. */
static int other = -1;

static void import_elsewhere(void)
{
	other = open_card("vgem");
	if (other < 0)
		errx(2, "vgem is not there");
	import(other, &e);
}

/* TTM's own limit of memory, by which it begins to swap; what was there is read before. */
static void pages_limit(char *text, size_t len, bool set)
{
	const char *path = "/sys/module/ttm/parameters/pages_limit";
	int fd = open(path, (set ? O_WRONLY : O_RDONLY) | O_CLOEXEC);

	if (fd < 0 || (set ? write(fd, text, strlen(text)) : read(fd, text, len - 1)) <= 0)
		err(2, "%s", path);
	close(fd);
}

/* For want of memory */
static void swap(void)
{
	char limit[32] = "";
	struct export more;
	uint8_t *p;

	evict();
	p = by_handle();
	check(shows(e.view, 0, e.size, 2) && shows(p, 0, e.size, 2),
	      "in system memory it is mapped, too");
	munmap(p, e.size);
	as_wanted(p, "after munmap()");
	pages_limit(limit, sizeof(limit), false);
	pages_limit("1", 0, true);
	more = export_new(exporter, SIZE);
	evict();
	pages_limit(limit, 0, true);
	export_free(&more);
	check(faults(e.view, 2) > 0, "TTM swaps it");
}

/* @move: by which the buffer gets to @to. */
static void moved_while_kept(void (*move)(void), const char *to)
{
	uint8_t *p, *q;
	long fresh;

	begin();
	check(!strcmp(place(), "VRAM"), "an import leaves the buffer in VRAM");
	fill(e.view, e.size, 1);
	p = by_handle();
	check(shows(p, 0, e.size, 1), "its mapping shows what the exporter's owner wrote");
	fill(p, e.size, 2);
	munmap(p, e.size);
	as_wanted(p, "after munmap()");
	q = by_handle();
	again(q, 2);
	munmap(q, e.size);

	move();
	check(!strcmp(place(), to), "the exporter moves the buffer to system memory");
	as_wanted(q, "after the move");
	check(shows(e.view, 0, e.size, 2), "what was there has moved with it");
	fill(e.view, e.size, 3);
	p = by_exporter();
	fresh = faults(p, 3);
	munmap(p, e.size);
	check(fresh > 0, "natively a mapping of the dma-buf has page faults");
	q = by_handle();
	check(faults(q, 3) == fresh,
	      "the next mapping has as many, and shows what the owner has written since");
	fill(q, e.size, 4);
	check(shows(e.view, 0, e.size, 4), "and the owner sees what the program writes");
	munmap(q, e.size);
	as_wanted(q, "after munmap()");
	end();
}

static void moved_while_mapped(void)
{
	uint8_t *p, *q;

	begin();
	p = by_handle();
	fill(p, e.size, 5);
	check(!strcmp(place(), "VRAM"), "another one is in VRAM");
	evict();
	check(!strcmp(place(), "CPU"), "and moves while it is mapped");
	fill(e.view, e.size, 6);
	check(shows(p, 0, e.size, 6), "then the mapping shows what the owner has written since");
	munmap(p, e.size);
	as_wanted(p, "after munmap()");
	q = by_handle();
	again(q, 6);
	munmap(q, e.size);
	end();
}

static void pinned(void)
{
	begin();
	check(!strcmp(place(), "GTT"), "the import moves the buffer out of VRAM");
	evict();
	check(!strcmp(place(), "GTT"), "and pins it there");
	end();
}

static sigjmp_buf out;
static char said[1024];

static void bus(int sig)
{
	siglongjmp(out, sig);
}

static void say(const char *when, const char *what)
{
	size_t len = strlen(said);

	snprintf(said + len, sizeof(said) - len, " %s %s", when, what);
}

static void say_error(const char *when, int error)
{
	say(when, error ? strerrorname_np(error) : "0");
}

static void say_byte(const char *when, volatile uint8_t *p)
{
	char text[16];

	if (sigsetjmp(out, 1)) {
		say(when, "SIGBUS");
		return;
	}
	p[0]++;
	snprintf(text, sizeof(text), "%u", p[0]);
	say(when, text);
}

static void say_map(uint8_t *p)
{
	if (p == MAP_FAILED) {
		say_error("mmap", errno);
		return;
	}
	say_byte("byte", p);
	munmap(p, e.size);
}

static void write_to(const char *directory, const char *name, const char *text)
{
	char path[PATH_MAX];
	int fd;

	if (snprintf(path, sizeof(path), "%s/%s", directory, name) >= (int)sizeof(path))
		errx(2, "%s", directory);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		err(2, "%s", path);
	close(fd);
}

/* The directory of sysfs that the link @name of the device of the node @fd leads to. */
static void sysfs(int fd, const char *name, char *directory)
{
	struct stat st;
	char path[80];

	if (fstat(fd, &st))
		err(2, "fstat");
	snprintf(path, sizeof(path), "/sys/dev/char/%u:%u/%s", major(st.st_rdev),
		 minor(st.st_rdev), name);
	if (!realpath(path, directory))
		err(2, "%s", path);
}

/* Maps by the offset of before, which a program may keep, and by a map ioctl. */
static void say_maps(uint64_t off)
{
	for (int i = 0; i < 2; i++) {
		int error;

		say_map(map_at(drm, off, e.size, RW));
		error = map_offset(drm, handle, &off);
		say_error("ioctl", error);
		if (!error)
			say_map(map_at(drm, off, e.size, RW));
	}
}

static void unplugged(bool exporters)
{
	char driver[PATH_MAX], device[PATH_MAX], *name;
	int before = export_count(), fd;
	uint64_t off = 0;
	uint8_t *p;

	signal(SIGBUS, bus);
	begin();
	sysfs(exporters ? e.owner : drm, "device", device);
	name = strrchr(device, '/') + 1;
	sysfs(exporters ? e.owner : drm, "device/driver", driver);
	e.view[0] = 10;
	if (map_offset(drm, handle, &off))
		err(2, "the map ioctl");
	say_maps(off);
	p = by_handle();
	munmap(p, e.size);
	as_wanted(p, "after munmap()");
	/* Unplugged between the map ioctl and mmap() */
	if (map_offset(drm, handle, &off))
		err(2, "the map ioctl");
	write_to(driver, "unbind", name);
	p = map_at(drm, off, e.size, RW);
	say_error("| between", p == MAP_FAILED ? errno : 0);
	if (p != MAP_FAILED)
		munmap(p, e.size);
	say_byte("| own", e.view);
	say_map(by_exporter());
	say_maps(off);
	fd = -1;
	say_error("export", drmPrimeHandleToFD(drm, handle, DRM_CLOEXEC, &fd) ? errno : 0);
	close(fd);
	say_error("GEM_CLOSE", close_handle(drm, handle));
	say_maps(off);
	close(drm);
	check(!maps_of("/dmabuf:"), "after close() nothing is mapped");
	say_byte("own", e.view);
	export_free(&e);
	/* TTM frees an import a little later. */
	for (int i = 0; i < 200 && export_count() > before; i++)
		usleep(10000);
	check(export_count() == before, "and the dma-buf is gone");
	write_to(driver, "bind", name);
	printf("#%s\n", said);
}

int main(int argc, char **argv)
{
	if (argc < 3)
		errx(2, "see the top of gone.c for how to use it");
	importer = argv[2];
	exporter = "amdgpu";
	if (argc == 4 && !strcmp(argv[1], "moved")) {
		kept = strcmp(argv[3], "off");
		moved_while_kept(evict, "CPU");
		moved_while_kept(import_elsewhere, "GTT");
		close(other);
		moved_while_kept(swap, "CPU");
		moved_while_mapped();
	} else if (argc == 3 && !strcmp(argv[1], "pinned")) {
		pinned();
	} else if (argc == 6 && !strcmp(argv[1], "unplugged")) {
		exporter = argv[3];
		kept = strcmp(argv[4], "off");
		unplugged(!strcmp(argv[5], "exporter"));
	} else {
		errx(2, "see the top of gone.c for how to use it");
	}
	return broken;
}
