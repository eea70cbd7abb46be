/* SPDX-License-Identifier: MIT */
/*
 * A plot. plot.c sorts what happened into lanes; plot-draw.c, plot-lane.c and plot-svg.c draw them.
 */
#ifndef PRIMESHIM_TOOLS_PLOT_H
#define PRIMESHIM_TOOLS_PLOT_H

#include <stdio.h>

#include "timeline.h"

/* All spans of one import: the same handle of the same dma-buf. */
struct lane {
	const struct span *first;	/* gives the lane its name */
	size_t things;			/* how many spans and marks it has */
	bool shown, band;
	double y;			/* its top */
};

/* A process, with its lanes. */
struct strip {
	const struct status *status;
	struct timeline t;
	struct lane *lanes;
	size_t nlanes, shown;
	int *lane_of;		/* the lane of each span */
	int *lane_of_mark;	/* the lane of each mark; -1: it belongs to the process */
	double y, height;
};

struct plot {
	FILE *f;
	struct strip *strips;
	size_t nstrips;
	uint64_t from, to;	/* of all strips */
	double height;
};

/* In units of the picture: pixels at its own size. */
#define PLOT_WIDTH	1200.0
#define PLOT_LEFT	236.0	/* the axis of time begins here */
#define PLOT_RIGHT	1176.0
#define PLOT_TOP	128.0	/* of the first strip */
#define STRIP_HEAD	34.0
#define LANE_HEIGHT	32.0

/* Writes the picture of these processes. */
void plot_write(FILE *f, const struct status *files, size_t n);

void plot_draw(const struct plot *p);

/* Draws one lane's spans and marks. */
void plot_lane(const struct plot *p, const struct strip *s, int lane);

/* Draws what happened to the process itself: changes of its mode, its end. */
void plot_process_marks(const struct plot *p, const struct strip *s);

double plot_x(const struct plot *p, uint64_t at);

/* Writes text as XML wants it. */
void plot_text(FILE *f, const char *text);

/* Draws the sign of that kind, with its middle at @x, @y. */
void plot_sign(FILE *f, enum mark_kind kind, bool rescued, double x, double y);

#endif
