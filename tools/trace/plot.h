/* SPDX-License-Identifier: MIT */
/* A plot: which lanes it has (plot.c), and how they are drawn (plot-draw.c, plot-lane.c,
 * plot-svg.c). */
#ifndef PRIMESHIM_TOOLS_PLOT_H
#define PRIMESHIM_TOOLS_PLOT_H

#include <stdio.h>

#include "timeline.h"

/* All lives of one import: the same handle of the same dma-buf. */
struct lane {
	const struct span *first;	/* what it is called after */
	size_t things;			/* how many spans and marks are in it */
	bool shown, band;
	double y;			/* where its top is */
};

/* A process. */
struct strip {
	const struct status *status;
	struct timeline t;
	struct lane *lanes;
	size_t nlanes, shown;
	int *lane_of;		/* by span; every span has a lane */
	int *lane_of_mark;	/* by mark; -1: it is of the process */
	double y, height;
};

struct plot {
	FILE *f;
	struct strip *strips;
	size_t nstrips;
	uint64_t from, to;	/* of all of them */
	double height;
};

/* In units of the picture, which are pixels at its own size. */
#define PLOT_WIDTH	1200.0
#define PLOT_LEFT	236.0	/* where time begins */
#define PLOT_RIGHT	1176.0
#define PLOT_TOP	128.0	/* of the first strip */
#define STRIP_HEAD	34.0
#define LANE_HEIGHT	32.0

/* The picture of these. */
void plot_write(FILE *f, const struct status *files, size_t n);

void plot_draw(const struct plot *p);

/* One lane's spans and marks. */
void plot_lane(const struct plot *p, const struct strip *s, int lane);

/* What happened to the process itself: its mode's changes, its end. */
void plot_process_marks(const struct plot *p, const struct strip *s);

double plot_x(const struct plot *p, uint64_t at);

/* Text as XML has it. */
void plot_text(FILE *f, const char *text);

/* A sign of that kind with its middle at @x, @y. */
void plot_sign(FILE *f, enum mark_kind kind, bool rescued, double x, double y);

#endif
