// SPDX-License-Identifier: MIT
/* What may happen to a mapping in its place, and to its private descriptor. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "process.h"
#include "lib/room.h"

#define MANY 64

/* The buffer at @where, which is in a room. */
static uint8_t *placed(const struct subject *s, uint8_t *where)
{
	return mmap(where, SIZE, RW, MAP_SHARED | MAP_FIXED, s->fd, s->off);
}

static void cut(void)
{
	struct subject s = subject_new();
	struct brackets since = brackets_now();
	uint8_t *p = map_at(s.fd, s.off, SIZE, RW);

	check(right(&s, p, 0, PAGES), "a mapping shows the buffer");
	munmap(p, PAGE);
	munmap(p + SIZE - PAGE, PAGE);
	munmap(p + 5 * PAGE, 2 * PAGE);
	check(right(&s, p + PAGE, 1, 4) && right(&s, p + 7 * PAGE, 7, 8) &&
	      privates(&s, NULL) == 1,
	      "its front, back and middle are unmapped, the rest shows it");
	munmap(p + PAGE, 4 * PAGE);
	check(right(&s, p + 7 * PAGE, 7, 8) && privates(&s, NULL) == 1, "the last piece shows it");
	/* Of the rest others may have made use since. */
	munmap(p + 7 * PAGE, 8 * PAGE);
	check(over(&s, since), "and ends");
	subject_free(&s);
}

/* In a room, where holes stay holes, so that one call may go over them. */
static void cut_in_a_room(void)
{
	struct subject s = subject_new();
	struct brackets since = brackets_now();
	uint8_t *room = room_new(3 * SIZE), *p = room + SIZE;

	check(placed(&s, p) == p && right(&s, p, 0, PAGES), "MAP_FIXED shows the buffer");
	munmap(p + 2 * PAGE, 3 * PAGE);
	munmap(p + 8 * PAGE, PAGE);
	check(right(&s, p, 0, 2) && right(&s, p + 5 * PAGE, 5, 3) &&
	      right(&s, p + 9 * PAGE, 9, 7) && privates(&s, NULL) == 1,
	      "two holes leave three pieces of it");
	munmap(p - 2 * PAGE, SIZE + 4 * PAGE);
	check(over(&s, since), "an munmap of more than all of them ends it");
	room_free(room, 3 * SIZE);
	subject_free(&s);
}

static void replaced(void)
{
	struct subject s = subject_new(), t = subject_new();
	struct brackets since = brackets_now();
	uint8_t *p = map_at(s.fd, s.off, SIZE, RW), *q;

	/* Pages of shmem are counted from where a mapping begins: not so when they are there. */
	right(&s, p, 0, PAGES);
	q = mmap(p + 4 * PAGE, 4 * PAGE, RW, MAP_SHARED | MAP_FIXED, t.fd, t.off);
	check(q == p + 4 * PAGE && right(&s, p, 0, 4) && right(&t, q, 0, 4) &&
	      right(&s, p + 8 * PAGE, 8, 8), "MAP_FIXED of another import over the middle");
	check(privates(&s, NULL) == 1 && privates(&t, NULL) == 1, "both are mapped then");
	mmap(p + 4 * PAGE, 4 * PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	check(!q[0] && right(&s, p, 0, 4) && privates(&s, NULL) == 1 && !privates(&t, NULL),
	      "an anonymous map over that ends it and no other");
	q = mmap(p, SIZE, RW, MAP_SHARED | MAP_FIXED, s.fd, s.off);
	check(q == p && right(&s, p, 0, PAGES) && privates(&s, NULL) == 1,
	      "MAP_FIXED of the same import over all");
	mmap(p, SIZE, RW, MAP_SHARED | MAP_FIXED, t.fd, t.off);
	check(right(&t, p, 0, PAGES) && !privates(&s, NULL), "and of the other");
	munmap(p, SIZE);
	check(over(&s, since) && !privates(&t, NULL), "all of them end");
	subject_free(&s);
	subject_free(&t);
}

/* Is something mapped there? */
static bool there(void *p)
{
	unsigned char in_core;

	return !mincore(p, PAGE, &in_core) || errno != ENOMEM;
}

/* A MAP_FIXED that fails over pages 4 to 7 of a mapping; what is left of it? */
static struct answers refused(const struct subject *s, uint8_t *p, int fd, uint64_t off, size_t len)
{
	struct answers a = { 0 };

	answer_map(&a, "MAP_FIXED", mmap(p + 4 * PAGE, len, RW, MAP_SHARED | MAP_FIXED, fd, off));
	answer(&a, "the front", right(s, p, 0, 4));
	answer(&a, "the middle is mapped", there(p + 4 * PAGE));
	if (there(p + 4 * PAGE))
		answer(&a, "the middle", right(s, p + 4 * PAGE, 4, 4));
	answer(&a, "the back is mapped", there(p + 8 * PAGE));
	if (there(p + 8 * PAGE))
		answer(&a, "the back", right(s, p + 8 * PAGE, 8, 8));
	return a;
}

static void refused_over(void)
{
	struct subject s = subject_new(), t = subject_new();
	struct brackets since = brackets_now();
	struct answers native, shim;
	const size_t len = t.e.size + PAGE;
	uint8_t *p = room_new(len), *q = room_new(len);
	int left;

	mmap(p, SIZE, RW, MAP_SHARED | MAP_FIXED, s.e.dmabuf, 0);
	placed(&s, q);
	native = refused(&s, p, s.fd, PAGE, 4 * PAGE);
	shim = refused(&s, q, s.fd, PAGE, 4 * PAGE);
	check(same(&native, &shim), "a MAP_FIXED that the device refuses leaves what it would");
	check(privates(&s, NULL) == 1, "of which something is still mapped");
	munmap(p, SIZE);
	munmap(q, SIZE);

	/* Over all of it, and a page more than the buffer has. */
	mmap(p, SIZE, RW, MAP_SHARED | MAP_FIXED, s.e.dmabuf, 0);
	placed(&s, q);
	answer_map(&native, "too long", mmap(p, len, RW, MAP_SHARED | MAP_FIXED, t.e.dmabuf, 0));
	left = there(p);
	answer(&native, "mapped", left);
	munmap(p, SIZE);
	answer_map(&shim, "too long", mmap(q, len, RW, MAP_SHARED | MAP_FIXED, t.fd, t.off));
	answer(&shim, "mapped", there(q));
	check(same(&native, &shim) && privates(&s, NULL) == there(q),
	      "and one that is too long for an import");
	munmap(q, SIZE);
	check(over(&s, since) && !privates(&t, NULL), "all is over then");
	room_free(p, len);
	room_free(q, len);
	subject_free(&s);
	subject_free(&t);
}

static void many(void)
{
	struct subject s = subject_new();
	struct brackets since = brackets_now(), last;
	uint8_t *p[MANY];
	bool ok = true, one = true;

	for (int i = 0; i < MANY; i++) {
		p[i] = map_at(s.fd, s.off, SIZE - i % 4 * PAGE, i % 3 ? PROT_READ : RW);
		ok &= right(&s, p[i], 0, PAGES - i % 4);
	}
	one = privates(&s, NULL) == 1;
	for (int i = 0; i < MANY; i++)
		ok &= right(&s, p[i], 0, PAGES - i % 4);
	check(ok && one, "64 mappings of one import share one private descriptor");
	for (int i = 1; i < MANY; i++)
		munmap(p[i * 27 % MANY], SIZE - i * 27 % MANY % 4 * PAGE);
	last = brackets_now();
	check(right(&s, p[0], 0, PAGES) && privates(&s, NULL) == 1, "the last of them is left");
	munmap(p[0], SIZE);
	check(over(&s, since), "all end");
	check(strcmp(exporter, "udmabuf") || brackets_now().end == last.end + 1,
	      "the bracket of the last, once");
	subject_free(&s);
}

void mappings(void)
{
	cut();
	cut_in_a_room();
	replaced();
	refused_over();
	many();
}

/* The number that the next descriptor will have. */
static int lowest(void)
{
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	close(fd);
	return fd;
}

void private(void)
{
	struct subject s = subject_new();
	struct brackets since = brackets_now();
	int before = lowest(), fd = -1, null, moved = -1;
	uint8_t *p = map_at(s.fd, s.off, SIZE, RW);

	check(privates(&s, &fd) == 1 && lowest() == before && fd > before + 200,
	      "the private descriptor is high and takes no number from the program");
	check(fcntl(fd, F_GETFD) == FD_CLOEXEC, "it has FD_CLOEXEC");
	check(close(fd) < 0 && errno == EBADF, "it cannot be closed (EBADF)");
	check(dup(fd) < 0 && errno == EBADF && dup2(fd, 90) < 0 && errno == EBADF &&
	      dup3(fd, 90, 0) < 0 && errno == EBADF && fcntl(fd, F_DUPFD, 0) < 0 &&
	      errno == EBADF && fcntl(fd, F_DUPFD_CLOEXEC, 0) < 0 && errno == EBADF,
	      "nor duplicated (EBADF)");
	check(fcntl(90, F_GETFD) < 0 && privates(&s, NULL) == 1, "which changes nothing");
	munmap(p, SIZE);
	check(over(&s, since), "it is gone with the last mapping");

	since = brackets_now();
	p = map_at(s.fd, s.off, SIZE, RW);
	privates(&s, &fd);
	check(dup2(90, fd) < 0 && errno == EBADF && privates(&s, &fd) == 1 &&
	      right(&s, p, 0, PAGES), "a dup2 onto its number that fails loses nothing");
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	check(dup2(null, fd) == fd && write(fd, p, SIZE) == SIZE, "dup2 onto its number works");
	check(privates(&s, &moved) == 1 && moved != fd && right(&s, p, 0, PAGES),
	      "it has another then");
	munmap(p, SIZE);
	check(over(&s, since) && write(fd, "", 1) == 1,
	      "the mapping ends, and the program's descriptor stays");
	check(!close(fd), "until the program closes it");
	close(null);
	subject_free(&s);
}
