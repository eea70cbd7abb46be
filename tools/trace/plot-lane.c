// SPDX-License-Identifier: MIT
/*
 * Draws a lane: the import's life, its brackets within, mappings below, signs above; see plot.h.
 * Neighbours of a kind that are too narrow to be seen are drawn as one.
 */
#include "config.h"

#include <string.h>

#include "status/summary.h"
#include "plot.h"

#define BAR_TOP		11.0	/* of the import's bar, below the lane's top */
#define BAR_HEIGHT	11.0
#define MAPPING_TOP	23.5
#define MAPPING_STEP	3.4	/* between mappings of the same time */
#define MAPPING_ROWS	2
#define NARROW		0.7	/* pixels */
#define SIGN_GAP	8.0

/* Several spans or marks of a kind, drawn as one. */
struct group {
	const struct span *first;
	const struct mark *mark;
	double x, to, y;
	size_t n;
	uint64_t ns, waited;
};

static void title(const struct plot *p, const char *text)
{
	fputs("<title>", p->f);
	plot_text(p->f, text);
	fputs("</title>", p->f);
}

static void box(const struct plot *p, const char *class, double x, double y, double width,
		double height, const char *text)
{
	fprintf(p->f,
		"<rect class=\"%s\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" "
		"height=\"%.1f\"%s>",
		class, x, y, width < 0.8 ? 0.8 : width, height,
		!strcmp(class, "import") ? " rx=\"2\"" : "");
	title(p, text);
	fputs("</rect>\n", p->f);
}

/* "from 1.2 ms, for 3.4 ms, not ended" */
static void when(char *text, size_t len, const struct plot *p, const struct span *s)
{
	char from[32], lasted[32];

	snprintf(text, len, "from %s, for %s%s%s",
		 time_text(from, sizeof(from), s->from > p->from ? s->from - p->from : 0),
		 time_text(lasted, sizeof(lasted), s->to - s->from),
		 s->unseen ? ", begun before" : "", s->open ? ", not ended" : "");
}

static void draw_import(const struct plot *p, const struct strip *st, const struct span *s,
			double y)
{
	double x = plot_x(p, s->from), to = plot_x(p, s->to);
	char label[128], time[96], bytes[32], text[320];

	when(time, sizeof(time), p, s);
	snprintf(text, sizeof(text), "%s, %s, dma-buf %llu%s: %s",
		 span_label(&st->t, s, label, sizeof(label)),
		 bytes_text(bytes, sizeof(bytes), s->bytes), (unsigned long long)s->ino,
		 s->learned ? ", learned when its map was refused" : "", time);
	box(p, "import", x, y + BAR_TOP, to - x, BAR_HEIGHT, text);
	/* Arrows: it began before the picture, or goes on behind it. */
	if (s->unseen)
		fprintf(p->f, "<path class=\"more\" d=\"M%.1f %.1fl-5 4l5 4z\"/>\n", x - 1,
			y + BAR_TOP + 1.5);
	if (s->open)
		fprintf(p->f, "<path class=\"more\" d=\"M%.1f %.1fl5 4l-5 4z\"/>\n", to + 1,
			y + BAR_TOP + 1.5);
}

static void draw_mapping(const struct plot *p, const struct group *g)
{
	const struct span *s = g->first;
	char time[96], bytes[32], text[256];

	when(time, sizeof(time), p, s);
	if (g->n > 1)
		snprintf(text, sizeof(text), "%zu mappings, one after the other", g->n);
	else
		snprintf(text, sizeof(text), "%s mapped %s by the %s at 0x%llx%s: %s",
			 bytes_text(bytes, sizeof(bytes), s->bytes), direction_name(s->prot),
			 s->outcome == OUTCOME_NATIVE ? "driver" : "dma-buf",
			 (unsigned long long)s->addr, s->split ? ", left over by an munmap" : "",
			 time);
	box(p, s->outcome == OUTCOME_NATIVE ? "native" : "mapping", g->x, g->y, g->to - g->x, 2.6,
	    text);
}

static void draw_bracket(const struct plot *p, const struct group *g)
{
	const struct span *s = g->first;
	double waits = g->ns ? (double)g->waited / g->ns * (g->to - g->x) : 0;
	char time[96], waited[32], all[32], text[256];

	when(time, sizeof(time), p, s);
	time_text(waited, sizeof(waited), g->waited);
	if (g->n > 1)
		snprintf(text, sizeof(text), "%zu brackets, %s in all, %s of it in START", g->n,
			 time_text(all, sizeof(all), g->ns), waited);
	else
		snprintf(text, sizeof(text), "%s bracket of thread %u: %s; START took %s",
			 direction_name(s->prot), s->tid, time, waited);
	box(p, s->prot & 2 ? "rw" : "read", g->x, g->y, g->to - g->x, BAR_HEIGHT - 2, text);
	if (waits >= 0.3)
		box(p, "wait", g->x, g->y, waits, BAR_HEIGHT - 2, text);
}

static void draw_group(const struct plot *p, const struct group *g)
{
	if (!g->n)
		return;
	if (g->first->kind == SPAN_MAPPING)
		draw_mapping(p, g);
	else
		draw_bracket(p, g);
}

/* Adds a span to the group if it cannot be seen apart from it; else draws the group first. */
static void add_span(const struct plot *p, struct group *g, const struct span *s, double y)
{
	double x = plot_x(p, s->from), to = plot_x(p, s->to);
	bool joins = g->n && x - g->to < NARROW &&
		     (to - x < 2 * NARROW || g->to - g->x < 2 * NARROW) &&
		     s->prot == g->first->prot && s->outcome == g->first->outcome;

	if (!joins) {
		draw_group(p, g);
		*g = (struct group){ .first = s, .x = x, .y = y };
	}
	g->to = to > g->to ? to : g->to;
	g->n++;
	g->ns += s->to - s->from;
	g->waited += s->granted - s->from;
}

static void draw_mappings(const struct plot *p, const struct strip *st, int lane)
{
	struct group rows[MAPPING_ROWS] = { { 0 } };
	uint64_t until[MAPPING_ROWS] = { 0 };

	for (size_t i = 0; i < st->t.nspans; i++) {
		const struct span *s = &st->t.spans[i];
		unsigned int row = 0;

		if (st->lane_of[i] != lane || s->kind != SPAN_MAPPING)
			continue;
		while (row + 1 < MAPPING_ROWS && until[row] > s->from)
			row++;
		until[row] = s->to;
		add_span(p, &rows[row], s, st->lanes[lane].y + MAPPING_TOP + row * MAPPING_STEP);
	}
	for (unsigned int row = 0; row < MAPPING_ROWS; row++)
		draw_group(p, &rows[row]);
}

static void draw_sign(const struct plot *p, const struct strip *st, const struct group *g)
{
	char what[192], at[32], text[256];
	const struct mark *m = g->mark;

	if (!g->n)
		return;
	mark_text(&st->t, m, what, sizeof(what));
	snprintf(text, sizeof(text), "%s at %s", what,
		 time_text(at, sizeof(at), m->at > p->from ? m->at - p->from : 0));
	if (g->n > 1)
		snprintf(text, sizeof(text), "%zu of these: %s", g->n, what);
	fputs("<g>", p->f);
	title(p, text);
	plot_sign(p->f, m->kind, m->event.outcome != OUTCOME_REFUSED, (g->x + g->to) / 2, g->y);
	fputs("</g>\n", p->f);
}

static bool same_sign(const struct mark *a, const struct mark *b)
{
	return (a->event.outcome == OUTCOME_REFUSED) == (b->event.outcome == OUTCOME_REFUSED) &&
	       a->event.native == b->event.native && a->event.reason == b->event.reason;
}

static void draw_signs(const struct plot *p, const struct strip *st, int lane)
{
	struct group kinds[MARK_KINDS] = { { 0 } };

	for (size_t i = 0; i < st->t.nmarks; i++) {
		const struct mark *m = &st->t.marks[i];
		struct group *g = &kinds[m->kind];
		double x = plot_x(p, m->at);

		if (st->lane_of_mark[i] != lane)
			continue;
		if (!g->n || x - g->x > SIGN_GAP || !same_sign(m, g->mark)) {
			draw_sign(p, st, g);
			*g = (struct group){ .mark = m, .x = x, .y = st->lanes[lane].y + 6 };
		}
		g->to = x;
		g->n++;
	}
	for (unsigned int kind = 0; kind < MARK_KINDS; kind++)
		draw_sign(p, st, &kinds[kind]);
}

void plot_lane(const struct plot *p, const struct strip *st, int lane)
{
	struct group brackets = { 0 };

	for (size_t i = 0; i < st->t.nspans; i++)
		if (st->lane_of[i] == lane && st->t.spans[i].kind == SPAN_IMPORT)
			draw_import(p, st, &st->t.spans[i], st->lanes[lane].y);
	for (size_t i = 0; i < st->t.nspans; i++)
		if (st->lane_of[i] == lane && st->t.spans[i].kind == SPAN_BRACKET)
			add_span(p, &brackets, &st->t.spans[i], st->lanes[lane].y + BAR_TOP + 1);
	draw_group(p, &brackets);
	draw_mappings(p, st, lane);
	draw_signs(p, st, lane);
}

void plot_process_marks(const struct plot *p, const struct strip *st)
{
	double x = plot_x(p, st->t.to), last = -1000;
	char text[192];

	for (size_t i = 0; i < st->t.nmarks; i++) {
		const struct mark *m = &st->t.marks[i];
		double at = plot_x(p, m->at);

		if (m->kind != MARK_POLICY)
			continue;
		mark_text(&st->t, m, text, sizeof(text));
		fprintf(p->f, "<path class=\"flip\" d=\"M%.1f %.1fV%.1f\">", at, st->y + 18,
			st->y + st->height);
		title(p, text);
		fputs("</path>\n", p->f);
		/* Only if there is room for the text. */
		if (at - last < 60)
			continue;
		fprintf(p->f, "<text class=\"fliptext\" x=\"%.1f\" y=\"%.1f\"%s>%s</text>\n",
			at > PLOT_RIGHT - 80 ? at - 4 : at + 4, st->y + 28,
			at > PLOT_RIGHT - 80 ? " text-anchor=\"end\"" : "",
			mode_name(m->event.handle));
		last = at;
	}
	if (st->status->life == LIFE_RUNNING)
		return;
	fprintf(p->f, "<path class=\"%s\" d=\"M%.1f %.1fV%.1f\">",
		st->status->life == LIFE_KILLED ? "killed" : "end", x,
		st->y + STRIP_HEAD - 4, st->y + st->height);
	title(p, life_name(st->status->life));
	fputs("</path>\n", p->f);
}
