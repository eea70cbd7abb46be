// SPDX-License-Identifier: MIT
/*
 * What a process may do with its descriptors, handles, mappings, threads, signals and children
 * while it has imports, on a real kernel under the shim. An ordinary program.
 *
 *   process IMPORTER EXPORTER [PART...]
 *
 * Prints "ok - ..." or "not ok - ..." for each promise. Exit status 1 if one is broken. The
 * brackets of udmabuf are counted by kprobe events named begin and end, which the caller has
 * enabled (tests/kernel/kernel.sh); those of other exporters cannot be.
 */
#include "config.h"

#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <xf86drm.h>

#include "process.h"

static const struct {
	const char *name;
	void (*run)(void);
} parts[] = {
	{ "files", files },
	{ "ranges", ranges },
	{ "children", children },
	{ "handles", handles },
	{ "mappings", mappings },
	{ "moves", moves },
	{ "places", places },
	{ "private", private },
	{ "threads", threads },
	{ "signals", signals },
	{ "races", races },
};

#define PARTS (sizeof(parts) / sizeof(parts[0]))

static int next_seed(void)
{
	static int seed;

	return ++seed;
}

struct subject subject_on(int fd)
{
	struct subject s = { .e = export_new(exporter, SIZE), .fd = fd, .seed = next_seed() };
	struct stat st;

	fill(s.e.view, s.e.size, s.seed);
	if (fstat(s.e.dmabuf, &st) < 0)
		err(2, "fstat of a dma-buf");
	s.dev = st.st_dev;
	s.ino = st.st_ino;
	s.handle = import(s.fd, &s.e);
	if (map_dumb(s.fd, s.handle, &s.off))
		errx(2, "%s <- %s cannot be mapped: is the shim there?", importer, exporter);
	return s;
}

struct subject subject_new(void)
{
	return subject_on(card());
}

struct subject subject_native(void)
{
	struct drm_mode_create_dumb create = { .width = PAGE / 4, .height = PAGES, .bpp = 32 };
	struct subject s = { .e = { .dmabuf = -1, .owner = -1 }, .fd = card() };

	s.seed = next_seed();
	if (drmIoctl(s.fd, DRM_IOCTL_MODE_CREATE_DUMB, &create) < 0)
		err(2, "%s: MODE_CREATE_DUMB", importer);
	s.handle = create.handle;
	s.e.size = create.size;
	if (map_dumb(s.fd, s.handle, &s.off))
		errx(2, "%s: a dumb buffer cannot be mapped", importer);
	s.e.view = map_at(s.fd, s.off, s.e.size, RW);
	fill(s.e.view, s.e.size, s.seed);
	return s;
}

void subject_free(struct subject *s)
{
	if (s->fd >= 0)
		close(s->fd);
	export_free(&s->e);
}

bool right(const struct subject *s, const uint8_t *p, size_t first, size_t pages)
{
	if (p == MAP_FAILED)
		return false;
	for (size_t i = 0; i < pages; i++)
		if (!shows(p + i * PAGE + 8, (first + i) * PAGE + 8, 8, s->seed) ||
		    !shows(p + (i + 1) * PAGE - 8, (first + i + 1) * PAGE - 8, 8, s->seed))
			return false;
	return true;
}

bool maps_at(const struct subject *s, int fd)
{
	uint8_t *p = map_at(fd, s->off, SIZE, PROT_READ);
	bool ok = right(s, p, 0, PAGES);

	return p != MAP_FAILED && !munmap(p, SIZE) && ok;
}

bool maps(const struct subject *s, int fd)
{
	uint64_t off = 0;

	return !map_dumb(fd, s->handle, &off) && off == s->off && maps_at(s, fd);
}

int privates(const struct subject *s, int *number)
{
	DIR *d = opendir("/proc/self/fd");
	const struct dirent *entry;
	int n = 0;

	while ((entry = readdir(d))) {
		int fd = atoi(entry->d_name);
		struct stat st;

		if (entry->d_name[0] == '.' || fd == s->e.dmabuf || fstat(fd, &st) < 0 ||
		    st.st_ino != s->ino || st.st_dev != s->dev)
			continue;
		n++;
		if (number)
			*number = fd;
	}
	closedir(d);
	return n;
}

/* Lines of /proc/self/maps that show the dma-buf @ino, or with 0 any. */
static int lines_of(ino_t ino)
{
	FILE *f = fopen("/proc/self/maps", "re");
	unsigned long number;
	char line[512];
	int n = 0;

	while (fgets(line, sizeof(line), f))
		n += strstr(line, "/dmabuf") && sscanf(line, "%*s %*s %*s %*s %lu", &number) == 1 &&
		     (!ino || number == ino);
	fclose(f);
	return n;
}

struct brackets brackets_now(void)
{
	struct brackets now = { -1, -1 };
	char name[64];
	long hits;
	FILE *f;

	if (strcmp(exporter, "udmabuf"))
		return (struct brackets){ 0, 0 };
	f = fopen("/sys/kernel/tracing/kprobe_profile", "re");
	while (f && fscanf(f, "%63s %ld %*d", name, &hits) == 2)
		*(!strcmp(name, "begin") ? &now.begin : &now.end) = hits;
	if (now.begin < 0 || now.end < 0)
		errx(2, "no kprobe events begin and end: see tests/kernel/kernel.sh");
	fclose(f);
	return now;
}

/* Pages that stay for the next map have a mapping and a descriptor; kernel-warm.sh counts them. */
static bool keeps(void)
{
	const char *keep = getenv("PRIMESHIM_KEEP");

	return !keep || strcmp(keep, "off");
}

int privates_left(const struct subject *s)
{
	return keeps() ? 0 : privates(s, NULL);
}

bool over(const struct subject *s, struct brackets since)
{
	struct brackets now = brackets_now();
	long begun = now.begin - since.begin, ended = now.end - since.end;
	int left = privates_left(s), lines = keeps() ? 0 : lines_of(s->ino);

	/* The exporter's own view of the heap's buffers is a mapping of the dma-buf. */
	if (!keeps())
		lines -= !strcmp(exporter, "heap");

	if (begun == ended && (begun || strcmp(exporter, "udmabuf")) && !left && !lines)
		return true;
	printf("# %ld begins, %ld ends, %d private descriptors, %d mappings\n", begun, ended, left,
	       lines);
	return false;
}

void answer(struct answers *a, const char *step, long got)
{
	if (a->n == sizeof(a->at) / sizeof(a->at[0]))
		errx(2, "too many steps");
	a->at[a->n].step = step;
	a->at[a->n++].got = got;
}

void answer_map(struct answers *a, const char *step, const void *p)
{
	answer(a, step, p == MAP_FAILED ? errno : 0);
}

bool same(const struct answers *native, const struct answers *import)
{
	bool ok = native->n == import->n && native->n;

	for (int i = 0; i < native->n && i < import->n; i++) {
		if (native->at[i].got == import->at[i].got)
			continue;
		printf("# %s: natively %ld, of an import %ld\n", native->at[i].step,
		       native->at[i].got, import->at[i].got);
		ok = false;
	}
	return ok;
}

bool ended_well(pid_t child)
{
	int status = 0;

	return child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) &&
	       !WEXITSTATUS(status);
}

static bool wanted(const char *part, char **list)
{
	if (!*list)
		return true;
	for (; *list; list++)
		if (!strcmp(part, *list))
			return true;
	return false;
}

int main(int argc, char **argv)
{
	if (argc < 3)
		errx(2, "see the top of process.c for how to use it");
	importer = argv[1];
	exporter = argv[2];
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc == 7 && !strcmp(argv[3], "exec-child")) {
		exec_child(argv + 4);
		return broken;
	}
	closefrom(3);	/* what the caller left open would change the numbers */
	for (char **arg = argv + 3; *arg; arg++) {
		bool known = false;

		for (size_t i = 0; i < PARTS; i++)
			known |= !strcmp(*arg, parts[i].name);
		if (!known)
			errx(2, "there is no part %s", *arg);
	}
	for (size_t i = 0; i < PARTS; i++) {
		int before = count_fds();

		if (!wanted(parts[i].name, argv + 3))
			continue;
		parts[i].run();
		check(count_fds() == before && !lines_of(0), parts[i].name);
	}
	return broken;
}
