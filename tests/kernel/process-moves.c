// SPDX-License-Identifier: MIT
/*
 * mremap() of an import's mapping: the answers must be those of the program's own mapping of the
 * dma-buf, of which the shim has no record.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>

#include "process.h"
#include "lib/room.h"

#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4
#endif

/*
 * A story of a mapping @p of all of it; @spot: a room of 2 * SIZE. It unmaps what it made outside
 * of rooms, and nothing twice there: what it has let go may be somebody else's by then.
 */
typedef void story_fn(const struct subject *s, uint8_t *p, uint8_t *spot, struct answers *a);

static void shrink(const struct subject *s, uint8_t *p, uint8_t *spot, struct answers *a)
{
	uint8_t *q = mremap(p, SIZE, SIZE / 2, 0);

	(void)spot;
	answer_map(a, "shrink", q);
	answer(a, "in place", q == p);
	answer(a, "bytes", right(s, p, 0, PAGES / 2));
	answer_map(a, "the same size", mremap(p, SIZE / 2, SIZE / 2, MREMAP_MAYMOVE));
	answer_map(a, "grow in place", mremap(p, SIZE / 2, SIZE, 0));
	answer_map(a, "grow anywhere", mremap(p, SIZE / 2, SIZE, MREMAP_MAYMOVE));
	answer(a, "bytes", right(s, p, 0, PAGES / 2));
	munmap(p, SIZE / 2);
}

static void move(const struct subject *s, uint8_t *p, uint8_t *spot, struct answers *a)
{
	uint8_t *q = mremap(p, SIZE, SIZE, MREMAP_MAYMOVE | MREMAP_FIXED, spot);

	answer_map(a, "move", q);
	answer(a, "to there", q == spot);
	answer(a, "bytes", right(s, spot, 0, PAGES));
	q = mremap(spot, SIZE, SIZE / 4, MREMAP_MAYMOVE | MREMAP_FIXED, spot + SIZE);
	answer_map(a, "shrink and move", q);
	answer(a, "bytes", right(s, spot + SIZE, 0, PAGES / 4));
	spot[SIZE] ^= 0xff;
	answer(a, "seen by the exporter", s->e.view[0] == spot[SIZE]);
	spot[SIZE] ^= 0xff;
	munmap(spot, 2 * SIZE);
}

static void grow_and_move(const struct subject *s, uint8_t *p, uint8_t *spot, struct answers *a)
{
	answer_map(a, "grow and move",
		 mremap(p, SIZE, SIZE + PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, spot));
	answer(a, "bytes", right(s, p, 0, PAGES));
	munmap(p, SIZE);
}

static void keep(const struct subject *s, uint8_t *p, uint8_t *spot, struct answers *a)
{
	uint8_t *q = mremap(p, SIZE, SIZE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, NULL);

	(void)spot;
	answer_map(a, "DONTUNMAP", q);
	if (q != MAP_FAILED)
		munmap(q, SIZE);
	q = mremap(p, 0, SIZE, MREMAP_MAYMOVE);
	answer_map(a, "old length 0", q);
	if (q != MAP_FAILED)
		munmap(q, SIZE);
	answer(a, "bytes", right(s, p, 0, PAGES));
	munmap(p, SIZE);
}

static void wrong(const struct subject *s, uint8_t *p, uint8_t *spot, struct answers *a)
{
	const int fixed = MREMAP_MAYMOVE | MREMAP_FIXED;

	answer_map(a, "odd address", mremap(p + 1, SIZE, SIZE, MREMAP_MAYMOVE));
	answer_map(a, "new length 0", mremap(p, SIZE, 0, MREMAP_MAYMOVE));
	answer_map(a, "unknown flag", mremap(p, SIZE, SIZE, 1 << 10));
	answer_map(a, "FIXED without MAYMOVE", mremap(p, SIZE, SIZE, MREMAP_FIXED, spot));
	answer_map(a, "odd target", mremap(p, SIZE, SIZE, fixed, spot + 1));
	answer_map(a, "onto itself", mremap(p, SIZE, SIZE, fixed, p + PAGE));
	answer_map(a, "beyond the end", mremap(p + PAGE, SIZE, 2 * SIZE, MREMAP_MAYMOVE));
	answer(a, "bytes", right(s, p, 0, PAGES));
	munmap(p, SIZE);
}

/* Pages 4 to 7 of it have been moved away, if @moved: the rest, of @pages in all, is unmapped. */
static void unmap_around(uint8_t *p, const uint8_t *moved, size_t pages)
{
	munmap(p, (moved == MAP_FAILED ? 8 : 4) * PAGE);
	munmap(p + 8 * PAGE, (pages - 8) * PAGE);
}

/* The pages have been touched: those of shmem are counted from where a mapping begins. */
static void inside(const struct subject *s, uint8_t *p, uint8_t *spot, struct answers *a)
{
	uint8_t *moved, *q;

	answer(a, "bytes", right(s, p, 0, PAGES));
	moved = mremap(p + 4 * PAGE, 4 * PAGE, 4 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, spot);
	answer_map(a, "move of a part", moved);
	answer(a, "the part", right(s, spot, 4, 4));
	answer(a, "front and back", right(s, p, 0, 4) && right(s, p + 8 * PAGE, 8, 8));
	q = mremap(p + 8 * PAGE, 8 * PAGE, 2 * PAGE, MREMAP_MAYMOVE);
	answer_map(a, "shrink of the back", q);
	answer(a, "it", right(s, p + 8 * PAGE, 8, 2));
	/* It keeps its size and its place, so nothing moves, whoever is in the gap now. */
	answer_map(a, "over a gap", mremap(p, SIZE, SIZE, MREMAP_MAYMOVE));
	unmap_around(p, moved, q == MAP_FAILED ? PAGES : 10);
	answer(a, "the part", right(s, spot, 4, 4));
	munmap(spot + PAGE, PAGE);
	answer(a, "what is left of it", right(s, spot, 4, 1) && right(s, spot + 2 * PAGE, 6, 2));
	munmap(spot, 2 * SIZE);
}

static void inside_untouched(const struct subject *s, uint8_t *p, uint8_t *spot, struct answers *a)
{
	uint8_t *q = mremap(p + 4 * PAGE, 4 * PAGE, 4 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, spot);

	answer_map(a, "move of a part", q);
	answer(a, "the part", right(s, spot, 4, 4));
	answer(a, "the front", right(s, p, 0, 4));
	answer(a, "the back", right(s, p + 8 * PAGE, 8, 8));
	unmap_around(p, q, PAGES);
	munmap(spot, 2 * SIZE);
}

static const struct {
	const char *name;
	story_fn *tell;
} stories[] = {
	{ "shrink and grow", shrink },
	{ "move", move },
	{ "grow and move", grow_and_move },
	{ "keep the old mapping", keep },
	{ "what is wrong", wrong },
	{ "move of a part", inside },
	{ "move of a part not touched before", inside_untouched },
};

/* MREMAP_FIXED over another import's mapping, and of a buffer over its own. */
static void onto(void)
{
	struct subject s = subject_new(), t = subject_new();
	struct brackets since = brackets_now();
	uint8_t *p = map_at(s.fd, s.off, SIZE, RW), *from = map_at(t.fd, t.off, SIZE, RW), *q;

	right(&s, p, 0, PAGES);		/* see inside() */
	q = mremap(from, SIZE / 2, SIZE / 2, MREMAP_MAYMOVE | MREMAP_FIXED, p);
	check(q == p && right(&t, p, 0, PAGES / 2) && right(&s, p + SIZE / 2, 8, PAGES / 2),
	      "mremap onto a half of another import's mapping");
	check(privates(&s, NULL) == 1 && privates(&t, NULL) == 1, "both are mapped then");
	q = map_at(t.fd, t.off, SIZE, RW);
	q = mremap(q, SIZE, SIZE, MREMAP_MAYMOVE | MREMAP_FIXED, p);
	check(q == p && right(&t, p, 0, PAGES) && !privates(&s, NULL) && privates(&t, NULL) == 1,
	      "and onto all of it");
	munmap(p, SIZE);
	check(privates(&t, NULL) == 1, "the half that was left where it came from stays");
	munmap(from + SIZE / 2, SIZE / 2);
	check(over(&t, since), "all of them end");
	subject_free(&s);
	subject_free(&t);
}

/* A part that was mapped at an offset, which the shim maps with what is before it. */
static void of_a_part(void)
{
	struct subject s = subject_new();
	struct brackets since = brackets_now();
	uint8_t *room = room_new(2 * SIZE), *spot = room + SIZE, *p, *q;

	/* The shim needs a hole there: what is before the part goes with it. */
	munmap(room, 2 * SIZE);
	p = map_at(s.fd, s.off + 4 * PAGE, 8 * PAGE, RW);
	q = mremap(p, 8 * PAGE, 8 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, spot);
	check(q == spot && right(&s, q, 4, 8), "a part at an offset is moved");
	q = mremap(q, 8 * PAGE, 4 * PAGE, MREMAP_MAYMOVE);
	check(q == spot && right(&s, q, 4, 4) && privates(&s, NULL) == 1, "and shrunk");
	munmap(q, 4 * PAGE);
	check(over(&s, since), "and ends, with what was before it");
	room_free(room, 2 * SIZE);
	subject_free(&s);
}

void moves(void)
{
	for (size_t i = 0; i < sizeof(stories) / sizeof(stories[0]); i++) {
		struct subject s = subject_new();
		struct brackets since = brackets_now();
		struct answers native = { 0 }, shim = { 0 };
		uint8_t *p = mmap(NULL, SIZE, RW, MAP_SHARED, s.e.dmabuf, 0);
		uint8_t *spot = room_new(2 * SIZE);
		char text[96];

		stories[i].tell(&s, p, spot, &native);
		room_free(spot, 2 * SIZE);
		spot = room_new(2 * SIZE);
		stories[i].tell(&s, map_at(s.fd, s.off, SIZE, RW), spot, &shim);
		snprintf(text, sizeof(text), "mremap, %s: as of the dma-buf itself",
			 stories[i].name);
		check(same(&native, &shim), text);
		snprintf(text, sizeof(text), "mremap, %s: all is over", stories[i].name);
		check(over(&s, since), text);
		room_free(spot, 2 * SIZE);
		subject_free(&s);
	}
	onto();
	of_a_part();
}
