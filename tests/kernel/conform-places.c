// SPDX-License-Identifier: MIT
/*
 * The part of conform.c about the place of a mapping: what a refused MAP_FIXED leaves there, and
 * what mprotect() may make of a mapping.
 */
#include "config.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <drm.h>

#include "conform.h"

#define MARK	77

static size_t page;

/* Two places of five pages, with guard pages around each; the first page of the first is marked. */
static uint8_t *place_new(void)
{
	uint8_t *guard = mmap(NULL, 7 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint8_t *p = guard + page;

	if (guard == MAP_FAILED || mprotect(p, 5 * page, RW) < 0)
		err(2, "pages to map over");
	*p = MARK;
	return p;
}

static void place_free(uint8_t *p)
{
	munmap(p - page, 7 * page);
}

static const char *left(uint8_t *p)
{
	unsigned char in_core;

	if (mincore(p, page, &in_core) < 0)
		return errno == ENOMEM ? "gone" : "unknown";
	return *p == MARK ? "kept" : "replaced";
}

/* mmap() over pages of the program's own: the answer, and what has become of them. */
static void over(const char *name, size_t len, int prot, int flags, int fd, uint64_t off)
{
	uint8_t *p = place_new();
	void *out = mmap(p, len, prot, flags, fd, off);
	const char *answer = out == MAP_FAILED ? strerrorname_np(errno) :
			     out == p ? "there" : "elsewhere";

	printf("over, %s: %s, the place is %s\n", name, answer, left(p));
	if (out != MAP_FAILED && out != p)
		munmap(out, len);
	place_free(p);
}

void places(void)
{
	const int fixed = MAP_SHARED | MAP_FIXED, no_replace = MAP_SHARED | MAP_FIXED_NOREPLACE;
	int fd = node(O_RDWR), other = node(O_RDWR), ro = node(O_RDONLY);
	int a = foreign(SIZE, O_RDWR), r = foreign(SIZE, O_RDONLY);
	uint64_t off = 0;
	uint8_t *p;

	page = sysconf(_SC_PAGESIZE);
	say("create to map over", dumb(fd, 64, 48, 32));
	say("its offset", map_dumb(fd, 1, &off));
	over("all of it", SIZE, RW, fixed, fd, off);
	over("less", page, RW, fixed, fd, off);
	over("too much", SIZE + page, RW, fixed, fd, off);
	over("from inside", page, RW, fixed, fd, off + page);
	over("offset 0", SIZE, RW, fixed, fd, 0);
	over("an odd offset", SIZE, RW, fixed, fd, off + 1);
	over("nothing", 0, RW, fixed, fd, off);
	over("everything", -page, RW, fixed, fd, off);
	over("more than everything", -1, RW, fixed, fd, off);
	over("privately", SIZE, RW, MAP_PRIVATE | MAP_FIXED, fd, off);
	over("privately to read", SIZE, PROT_READ, MAP_PRIVATE | MAP_FIXED, fd, off);
	over("without a type", SIZE, RW, MAP_FIXED, fd, off);
	over("by another file", SIZE, RW, fixed, other, off);
	over("too much by another file", SIZE + page, RW, fixed, other, off);
	over("a read-only file to write", SIZE, RW, fixed, ro, off);
	over("a read-only file to write too much", SIZE + page, RW, fixed, ro, off);
	over("a closed file", SIZE, RW, fixed, 9999, off);
	over("not replacing", SIZE, RW, no_replace, fd, off);
	over("not replacing, too much", SIZE + page, RW, no_replace, fd, off);
	over("not replacing, a read-only file to write", SIZE, RW, no_replace, ro, off);

	over("a dma-buf", SIZE, RW, fixed, a, 0);
	over("a dma-buf, too much", SIZE + page, RW, fixed, a, 0);
	over("a dma-buf, beyond", page, RW, fixed, a, SIZE);
	over("a dma-buf, privately", SIZE, RW, MAP_PRIVATE | MAP_FIXED, a, 0);
	over("a dma-buf, an odd offset", SIZE, RW, fixed, a, 1);
	over("a dma-buf, without a type", SIZE, RW, MAP_FIXED, a, 0);
	over("a dma-buf, not replacing, too much", SIZE + page, RW, no_replace, a, 0);
	over("a read-only dma-buf", SIZE, PROT_READ, fixed, r, 0);
	over("a read-only dma-buf to write", SIZE, RW, fixed, r, 0);
	over("a read-only dma-buf to write too much", SIZE + page, RW, fixed, r, 0);

	p = place_new();
	say("at an odd address", answer((long)mmap(p + 1, SIZE, RW, fixed, fd, off)));
	printf("it is %s\n", left(p));
	munmap(p, 5 * page);
	say("into a gap, too much", answer((long)mmap(p, SIZE + page, RW, no_replace, fd, off)));
	printf("it is %s\n", left(p));
	say("into it", mmap(p, SIZE, RW, no_replace, fd, off) == p);
	place_free(p);
	close(a);
	close(r);
	close(ro);
	close(other);
	close(fd);
}

/* Mapped to read, by @fd at @off; then written to, if mprotect() allows that. */
static void protect(const char *name, int fd, uint64_t off, int exporter)
{
	uint8_t *p = NULL, *q = NULL;
	long ret;

	say(name, map(fd, SIZE, PROT_READ, MAP_SHARED, off, &p));
	if (!p)
		return;
	say("to read and write then", ret = answer(mprotect(p, SIZE, RW)));
	if (!ret && !map(exporter, SIZE, PROT_READ, MAP_SHARED, 0, &q)) {
		p[page] = MARK;
		say("a write arrives", q[page] == MARK);
		munmap(q, SIZE);
	}
	say("to read again", answer(mprotect(p, SIZE, PROT_READ)));
	munmap(p, SIZE);
}

void protections(void)
{
	int fd = node(O_RDWR), ro = node(O_RDONLY), a = foreign(SIZE, O_RDWR);
	int r = foreign(SIZE, O_RDONLY), own, forwards, forwards_ro;
	uint64_t off = 0, off_ro = 0;

	protect("a dma-buf to read", a, 0, a);
	protect("a read-only dma-buf to read", r, 0, r);
	say("create to protect", dumb(fd, 64, 48, 32));
	say("its offset", map_dumb(fd, 1, &off));
	own = export(fd, 1, DRM_CLOEXEC);
	say("exported read-only", access_of(own));
	protect("it to read", own, 0, own);
	protect("by the device to read", fd, off, own);
	say("import it by a read-only file", import(ro, own));
	protect("by a read-only file to read", ro, off, own);
	close(own);
	close(fd);
	close(ro);

	/* An import of a device that maps it by dma_buf_mmap(). */
	forwards = node_that_forwards(O_RDWR, r, &off);
	forwards_ro = node_that_forwards(O_RDONLY, r, &off_ro);
	protect("a read-only import to read", forwards, off, r);
	protect("a read-only import by a read-only file", forwards_ro, off_ro, r);
	close(forwards);
	close(forwards_ro);
	forwards = node_that_forwards(O_RDWR, a, &off);
	protect("an import to read", forwards, off, a);
	over("an import", SIZE, RW, MAP_SHARED | MAP_FIXED, forwards, off);
	over("an import, too much", SIZE + page, RW, MAP_SHARED | MAP_FIXED, forwards, off);
	over("an import, privately", SIZE, PROT_READ, MAP_PRIVATE | MAP_FIXED, forwards, off);
	close(forwards);
	close(a);
	close(r);
}
