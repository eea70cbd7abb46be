// SPDX-License-Identifier: MIT
/*
 * The place of a mapping on a real kernel: MAP_FIXED over a place that another thread watches,
 * mprotect() of a part at an offset, mremap() of several mappings at once.
 */
#include "config.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "process.h"

#define ROUNDS	200
#define THEIRS	0x77

/* Pages of the program's own between guards. What is in a gap there may be others' later. */
static uint8_t *pages_new(size_t pages)
{
	uint8_t *p = mmap(NULL, (pages + 2) * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	mprotect(p + PAGE, pages * PAGE, RW);
	return p + PAGE;
}

static void guards_free(uint8_t *p, size_t pages)
{
	munmap(p - PAGE, PAGE);
	munmap(p + pages * PAGE, PAGE);
}

/* Another thread, which lands on the place where that is free, and keeps it until it is NULL. */
static struct {
	uint8_t *_Atomic place;
	atomic_size_t len;
	atomic_bool idle, over;
	atomic_uint landed, lost;
} lander;

static void *land(void *arg)
{
	(void)arg;
	while (!lander.over) {
		uint8_t *at = lander.place, *p;
		size_t len = lander.len;

		lander.idle = !at;
		if (!at) {
			sched_yield();
			continue;
		}
		p = mmap(at, len, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (p == at) {
			memset(p, THEIRS, len);
			lander.landed++;
			while (lander.place == at)
				sched_yield();
			/* Where it is another's now this dies, or finds their bytes. */
			for (size_t i = 0; i < len; i += PAGE)
				lander.lost += p[i] != THEIRS;
		}
		if (p != MAP_FAILED)
			munmap(p, len);
	}
	return NULL;
}

/* MAP_FIXED of so much, many times: the errno of all, or -1 where they differ. */
static int map_over(int fd, uint64_t off, size_t len)
{
	int all = 0;

	lander.landed = lander.lost = 0;
	lander.len = len;
	for (int i = 0; i < ROUNDS; i++) {
		uint8_t *spot = pages_new(len / PAGE), *p;
		int err;

		lander.place = spot;
		while (lander.idle)
			sched_yield();
		p = mmap(spot, len, RW, MAP_SHARED | MAP_FIXED, fd, off);
		err = p == MAP_FAILED ? errno : p == spot ? 0 : -1;
		for (int n = 0; err && n < 10000 && !lander.landed; n++)
			sched_yield();
		lander.place = NULL;
		while (!lander.idle)
			sched_yield();
		all = i && err != all ? -1 : err;
		if (!err)
			munmap(spot, len);
		guards_free(spot, len / PAGE);
	}
	return all;
}

static void watched(void)
{
	struct subject s = subject_new();
	struct brackets since = brackets_now();
	const size_t more = s.e.size + PAGE;
	pthread_t thread;
	int native, shim;

	pthread_create(&thread, NULL, land, NULL);
	check(!map_over(s.fd, s.off, SIZE) && !lander.landed,
	      "MAP_FIXED shows no gap to another thread");
	native = map_over(s.e.dmabuf, 0, more);
	check(native == EINVAL && lander.landed, "natively a refused one leaves a gap");
	shim = map_over(s.fd, s.off, more);
	check(shim == native && lander.landed && !lander.lost,
	      "so does that of an import, and what is mapped there stays");
	lander.over = true;
	pthread_join(thread, NULL);
	check(over(&s, since), "all of them end");
	subject_free(&s);
}

/* The pages of shmem are counted from where a mapping begins: mprotect() may not move that. */
static void protected(void)
{
	struct subject s = subject_new();
	struct brackets since = brackets_now();
	uint8_t *p;

	p = map_at(s.fd, s.off + 4 * PAGE, 8 * PAGE, RW);
	check(!mprotect(p, 8 * PAGE, PROT_READ) && right(&s, p, 4, 8),
	      "a part at an offset, mprotected before it was touched");
	check(!mprotect(p, 8 * PAGE, RW), "and again");
	p[PAGE + 50] ^= 0xff;
	check(s.e.view[5 * PAGE + 50] == p[PAGE + 50], "a write arrives");
	p[PAGE + 50] ^= 0xff;
	munmap(p, 8 * PAGE);
	check(over(&s, since), "and it ends");
	subject_free(&s);
}

/* May one mremap() move several mappings? */
static bool moves_many(void)
{
	unsigned int major = 0, minor = 0;
	struct utsname u;

	uname(&u);
	return sscanf(u.release, "%u.%u", &major, &minor) == 2 &&
	       (major > 6 || (major == 6 && minor >= 17));
}

static uint8_t *map_there(const struct subject *s, uint8_t *where, size_t first, size_t pages)
{
	return mmap(where, pages * PAGE, RW, MAP_SHARED | MAP_FIXED, s->fd, s->off + first * PAGE);
}

/* A whole, a gap with a part behind it, and pages of the program's own between. */
static void several(void)
{
	const size_t all = PAGES + 4 + 8 + 1;
	struct subject s = subject_new(), t = subject_new();
	struct brackets since = brackets_now();
	uint8_t *from = pages_new(all), *to = pages_new(all), *p;
	const uint8_t *a = to, *b = to + (PAGES + 4) * PAGE;

	map_there(&s, from, 0, PAGES);
	munmap(from + PAGES * PAGE, 4 * PAGE);
	p = map_there(&t, from + (PAGES + 4) * PAGE, 4, 8);
	check(p == from + (PAGES + 4) * PAGE, "a part in a gap that is just large enough");
	memset(from + (all - 1) * PAGE, THEIRS, PAGE);
	p = mremap(from, all * PAGE, all * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, to);
	if (!moves_many()) {
		check(p == MAP_FAILED && errno == EFAULT, "this kernel moves one mapping a call");
		munmap(to, all * PAGE);
		to = from;
		a = to;
		b = to + (PAGES + 4) * PAGE;
	} else {
		check(p == to, "mremap of several mappings at once");
		/* Where they were others may map by now. */
		p = mmap(from, PAGES * PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		munmap(p, PAGES * PAGE);
	}
	check(right(&s, a, 0, PAGES) && right(&t, b, 4, 8) && to[(all - 1) * PAGE] == THEIRS,
	      "each shows what it did");
	check(privates(&s, NULL) == 1 && privates(&t, NULL) == 1, "both are mapped");
	munmap(to, PAGES * PAGE);
	check(!privates(&s, NULL) && privates(&t, NULL) == 1, "the one ends with its unmap");
	munmap(to + (PAGES + 4) * PAGE, 9 * PAGE);
	check(over(&s, since) && over(&t, since), "and the other");
	subject_free(&s);
	subject_free(&t);
}

void places(void)
{
	watched();
	protected();
	several();
}
