// SPDX-License-Identifier: MIT
/*
 * primeshim plot: the timeline as a picture. Sorts spans and marks into lanes; plot-draw.c draws.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/commands.h"
#include "lib/memory.h"
#include "plot.h"
#include "trace.h"

/* Nobody reads more lanes. */
#define LANES	40

static const char usage[] =
	"Usage: primeshim plot [DIR|PID] -o FILE.svg\n"
	"Draws what processes under the shim did with imports: a lane for each import with its\n"
	"life, its mappings, its brackets and the wait in START, and signs for refusals,\n"
	"fallbacks, denials, touches and changes of mode. The picture needs no other file; a\n"
	"browser names what is under the pointer.\n"
	"\n"
	"  DIR, PID       a directory of status files, or a process (default: $PRIMESHIM_DIR)\n"
	"  -o, --output FILE  the SVG; FILE is replaced once the SVG is complete; - is stdout\n"
	"  --help         prints this\n"
	"\n"
	"Exit status: 0; 1 if there is nothing to show; 2 for bad use, or if a file cannot be\n"
	"read or written.\n"
	"\n"
	"Example:\n"
	"  PRIMESHIM_DIR=/tmp/seen run-with-shim weston; primeshim plot /tmp/seen -o weston.svg\n";

/* Do two spans belong to one lane? */
static bool same_lane(const struct span *a, const struct span *b)
{
	if (a->kind == SPAN_IMPORT && b->kind == SPAN_IMPORT)
		return a->ino == b->ino && a->handle == b->handle && a->importer == b->importer;
	/* Without a known import: the same buffer. */
	return a->kind != SPAN_IMPORT && b->kind != SPAN_IMPORT && a->ino == b->ino;
}

static int lane_for(struct strip *s, const struct span *of)
{
	if (of->import >= 0)
		of = &s->t.spans[of->import];
	for (size_t i = 0; i < s->nlanes; i++)
		if (same_lane(s->lanes[i].first, of))
			return i;
	s->lanes[s->nlanes] = (struct lane){ .first = of };
	return s->nlanes++;
}

static void sort_into_lanes(struct strip *s)
{
	const struct timeline *t = &s->t;

	s->lanes = memory_new(t->nspans, sizeof(*s->lanes));
	s->lane_of = memory_new(t->nspans, sizeof(*s->lane_of));
	s->lane_of_mark = memory_new(t->nmarks, sizeof(*s->lane_of_mark));
	for (size_t i = 0; i < t->nspans; i++) {
		s->lane_of[i] = lane_for(s, &t->spans[i]);
		s->lanes[s->lane_of[i]].things++;
	}
	for (size_t i = 0; i < t->nmarks; i++) {
		s->lane_of_mark[i] = t->marks[i].import < 0 ? -1 : s->lane_of[t->marks[i].import];
		if (s->lane_of_mark[i] >= 0)
			s->lanes[s->lane_of_mark[i]].things++;
	}
}

static int busier(const void *a, const void *b)
{
	const struct lane *p = *(struct lane *const *)a, *q = *(struct lane *const *)b;

	if (p->things != q->things)
		return p->things > q->things ? -1 : 1;
	return p->first->from < q->first->from ? -1 : p->first->from > q->first->from;
}

/* Chooses the busiest lanes of all. */
static void choose_lanes(struct plot *p)
{
	struct lane **all;
	size_t n = 0;

	for (size_t i = 0; i < p->nstrips; i++)
		n += p->strips[i].nlanes;
	all = memory_new(n, sizeof(struct lane *));
	n = 0;
	for (size_t i = 0; i < p->nstrips; i++)
		for (size_t j = 0; j < p->strips[i].nlanes; j++)
			all[n++] = &p->strips[i].lanes[j];
	qsort(all, n, sizeof(struct lane *), busier);
	for (size_t i = 0; i < n && i < LANES; i++)
		all[i]->shown = true;
	free(all);
}

static int earlier(const void *a, const void *b)
{
	const struct lane *p = *(struct lane *const *)a, *q = *(struct lane *const *)b;

	if (p->first->from != q->first->from)
		return p->first->from < q->first->from ? -1 : 1;
	return p < q ? -1 : p > q;
}

/* Places the shown lanes from @y on. Returns where they end. */
static double place_lanes(struct strip *s, double y)
{
	struct lane *shown[LANES];

	for (size_t i = 0; i < s->nlanes; i++)
		if (s->lanes[i].shown)
			shown[s->shown++] = &s->lanes[i];
	qsort(shown, s->shown, sizeof(shown[0]), earlier);
	for (size_t i = 0; i < s->shown; i++) {
		shown[i]->band = i % 2 == 0;
		shown[i]->y = y;
		y += LANE_HEIGHT;
	}
	return y;
}

static void lay_out(struct plot *p)
{
	double y = PLOT_TOP;

	for (size_t i = 0; i < p->nstrips; i++) {
		struct strip *s = &p->strips[i];

		s->y = y;
		y = place_lanes(s, y + STRIP_HEAD);
		if (s->shown < s->nlanes)
			y += 18;
		s->height = y - s->y;
		y += 10;
	}
	p->height = y + 34;
}

void plot_write(FILE *f, const struct status *files, size_t n)
{
	struct plot p = { .f = f, .nstrips = n, .strips = memory_new(n, sizeof(*p.strips)),
			  .from = UINT64_MAX };

	for (size_t i = 0; i < n; i++) {
		struct strip *s = &p.strips[i];

		s->status = &files[i];
		timeline_of(&s->t, &files[i]);
		p.from = s->t.from < p.from ? s->t.from : p.from;
		p.to = s->t.to > p.to ? s->t.to : p.to;
		sort_into_lanes(s);
	}
	choose_lanes(&p);
	lay_out(&p);
	plot_draw(&p);
	for (size_t i = 0; i < n; i++) {
		timeline_free(&p.strips[i].t);
		free(p.strips[i].lanes);
		free(p.strips[i].lane_of);
		free(p.strips[i].lane_of_mark);
	}
	free(p.strips);
}

int cmd_plot(int argc, char **argv)
{
	return write_events(argc, argv, usage, plot_write);
}
