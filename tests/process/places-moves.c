// SPDX-License-Identifier: MIT
/*
 * The part of places.c about mremap() of a range with several mappings in it, which Linux knows
 * since 6.17: all of them go, with the gaps between, and each bracket ends with its own unmap.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/drivers-client.h"
#include "places.h"

#ifndef SYS_mseal
#define SYS_mseal 462	/* 6.10, the same on every machine */
#endif

enum {
	PAGES = SIZE / PAGE,
	SUBJECTS = 20,		/* more than the shim notes before the call */
	PART = 2,		/* the first page of a part */
	ROOM = PART + SUBJECTS * (PAGES + 1),
	OWN = 0xab,
};

static void (*fake_brackets)(uint64_t ino, unsigned long *begins, unsigned long *ends);

/* An import, mapped: @pages of it from page @first on. */
static struct {
	struct call call;
	int dmabuf;
	uint64_t ino;
	size_t at;		/* where, in pages from the start of the range */
	size_t first, pages;
} subjects[SUBJECTS];

/* Is its bracket, and no more than that one, open; or has it been ended? */
static bool bracket(int i, bool open)
{
	unsigned long begins, ends;

	fake_brackets(subjects[i].ino, &begins, &ends);
	if (begins != 1 || ends != !open)
		printf("# import %d: %lu STARTs, %lu ENDs\n", i, begins, ends);
	return begins == 1 && ends == !open;
}

static bool brackets_open(int from)
{
	for (int i = from; i < SUBJECTS; i++)
		if (!bracket(i, true))
			return false;
	return true;
}

/* Lines of this process's maps that show a dma-buf. */
static int dmabufs_mapped(void)
{
	FILE *f = fopen("/proc/self/maps", "re");
	char line[512];
	int n = 0;

	while (f && fgets(line, sizeof(line), f))
		n += !!strstr(line, "memfd:dmabuf");
	if (f)
		fclose(f);
	return n;
}

/*
 * The range: imports, and a page of the program's own behind each. Every other one is a part, the
 * first where @part says so, with a gap before it for what the shim maps there.
 */
static void fill_range(uint8_t *range, bool part)
{
	size_t at = 0;

	for (int i = 0; i < SUBJECTS; i++) {
		struct stat st;

		subjects[i].dmabuf = new_dmabuf(SIZE, i + 1, true);
		need(subjects[i].dmabuf >= 0 && !fstat(subjects[i].dmabuf, &st), "a dma-buf");
		subjects[i].ino = st.st_ino;
		subjects[i].call = subject(subjects[i].dmabuf);
	}
	for (int i = 0; i < SUBJECTS; i++) {
		uint8_t *p;

		subjects[i].first = i % 2 != part ? PART : 0;
		subjects[i].pages = PAGES - subjects[i].first;
		at += i ? subjects[i].first : 0;
		subjects[i].at = at;
		/* Not before it is wanted: what is mapped meanwhile may land there. */
		if (subjects[i].first)
			munmap(range + (at - PART) * PAGE, PART * PAGE);
		p = mmap(range + at * PAGE, subjects[i].pages * PAGE, RW, MAP_SHARED | MAP_FIXED,
			 subjects[i].call.fd, subjects[i].call.off + subjects[i].first * PAGE);
		need(p == range + at * PAGE, "a mapping in the range");
		at += subjects[i].pages;
		memset(range + at++ * PAGE, OWN, PAGE);
	}
}

/* The program's own page behind one. */
static uint8_t *own(uint8_t *range, int i)
{
	return range + (subjects[i].at + subjects[i].pages) * PAGE;
}

static size_t range_pages(void)
{
	return subjects[SUBJECTS - 1].at + subjects[SUBJECTS - 1].pages;
}

/* Does it show its pages there, and do writes arrive? */
static bool shows(uint8_t *range, int i)
{
	uint8_t *p = range + subjects[i].at * PAGE, *view;
	bool ok = true;

	view = mmap(NULL, SIZE, RW, MAP_SHARED, subjects[i].dmabuf, 0);
	for (size_t n = 0; n < subjects[i].pages; n++) {
		uint8_t *page = view + (subjects[i].first + n) * PAGE;

		page[9] = n + 40;
		ok &= p[n * PAGE] == i + 1 && p[n * PAGE + 9] == n + 40;
	}
	munmap(view, SIZE);
	return ok;
}

static void empty_range(void)
{
	for (int i = 0; i < SUBJECTS; i++) {
		close(subjects[i].call.fd);
		close(subjects[i].dmabuf);
	}
}

/* All of the range; the first one is a part or not. */
static void all_at_once(bool part)
{
	uint8_t *from = room_new(ROOM) + PART * PAGE, *to = room_new(ROOM) + PART * PAGE, *p;
	bool ok = true;
	size_t pages;
	char text[96];

	fill_range(from, part);
	pages = range_pages();
	/* A gap; and what the shim maps before the first one wants room. */
	munmap(own(from, 2), PAGE);
	munmap(to - PART * PAGE, PART * PAGE);
	p = mremap(from, pages * PAGE, pages * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, to);
	for (int i = 0; i < SUBJECTS && p == to; i++)
		ok &= shows(to, i) && (i == 2 || i == SUBJECTS - 1 || *own(to, i) == OWN);
	snprintf(text, sizeof(text), "mremap of many mappings at once%s",
		 part ? ", of which the first is a part" : "");
	check(p == to && ok && brackets_open(0), text);

	/* The old place may be used again; but what is free there may be others' by now. */
	p = mmap(from, pages * PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	need(p != MAP_FAILED, "memory");
	if (p != from)
		printf("# not tried: what was theirs has been given to others\n");
	memset(p, 1, pages * PAGE);
	munmap(p, pages * PAGE);
	ok = brackets_open(0);
	for (int i = 0; i < SUBJECTS; i++) {
		munmap(to + subjects[i].at * PAGE, subjects[i].pages * PAGE);
		ok = ok && bracket(i, false) && brackets_open(i + 1);
	}
	check(ok, "what is done where they were ends none, and the unmap of each ends its own");
	check(!dmabufs_mapped(), "nothing of them is left mapped");
	/* The rooms stay: there are gaps in them, where others may have mapped. */
	empty_range();
}

/* What the shim maps before a part has no room at the new place (documented): all stays. */
static void without_room(void)
{
	uint8_t *from = room_new(ROOM) + PART * PAGE, *to = room_new(ROOM) + PART * PAGE;
	size_t pages;
	bool ok = true;
	void *p;

	fill_range(from, true);
	pages = range_pages();
	p = mremap(from, pages * PAGE, pages * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, to);
	check(p == MAP_FAILED && errno == ENOMEM, "mremap of a part to where no room is before it");
	for (int i = 0; i < SUBJECTS; i++)
		ok &= shows(from, i);
	check(ok && brackets_open(0), "moves nothing");
	for (int i = 0; i < SUBJECTS; i++) {
		munmap(from + subjects[i].at * PAGE, subjects[i].pages * PAGE);
		ok = ok && bracket(i, false) && brackets_open(i + 1);
	}
	check(ok && !dmabufs_mapped(), "and the unmap of each ends its own bracket");
	empty_range();
}

/* A mapping that may not be moved is in the way: those before it have gone by then. */
static int in_part(void)
{
	uint8_t *from = room_new(ROOM) + PART * PAGE, *to = room_new(ROOM) + PART * PAGE;
	size_t pages;
	bool ok = true;
	void *p;

	fill_range(from, false);
	pages = range_pages();
	if (syscall(SYS_mseal, own(from, 1), (size_t)PAGE, 0UL) < 0)
		return 77;
	p = mremap(from, pages * PAGE, pages * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, to);
	check(p == MAP_FAILED && errno == EPERM, "mremap of many, one of which is sealed");
	for (int i = 0; i < SUBJECTS; i++)
		ok &= shows(i < 2 ? to : from, i);
	check(ok && brackets_open(0), "those before it have moved, and the others have not");
	for (int i = 0; i < SUBJECTS; i++) {
		munmap((i < 2 ? to : from) + subjects[i].at * PAGE, subjects[i].pages * PAGE);
		ok = ok && bracket(i, false) && brackets_open(i + 1);
	}
	check(ok, "the unmap of each ends its own bracket");
	check(!dmabufs_mapped(), "nothing of them is left mapped");
	return broken;
}

void moves(void)
{
	void (*moves_many)(bool works);
	int status = 0;
	pid_t pid;

	*(void **)&fake_brackets = dlsym(RTLD_DEFAULT, "fake_brackets");
	*(void **)&moves_many = dlsym(RTLD_DEFAULT, "fake_moves_many");
	need(fake_brackets && moves_many, "the fake kernel");
	driver = named("vgem");
	moves_many(true);
	all_at_once(false);
	all_at_once(true);
	without_room();
	/* What is sealed stays mapped. */
	pid = fork();
	if (!pid)
		_exit(in_part());
	if (waitpid(pid, &status, 0) != pid || (status && WEXITSTATUS(status) != 77))
		broken = true;
	if (WEXITSTATUS(status) == 77)
		printf("# not tried: one that is sealed, as this kernel has no mseal()\n");
	moves_many(false);
}
