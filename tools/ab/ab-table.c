// SPDX-License-Identifier: MIT
/* What primeshim ab tells people, as cells and lines; see ab-table.h. */
#include "config.h"

#include <err.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "ab-stats.h"
#include "ab-table.h"
#include "lib/text.h"

/* What a number is a multiple of, from the largest on. */
struct unit {
	double size;
	const char *name;
};
static const struct unit time_units[] = { { 1, "s" }, { 1e-3, "ms" }, { 1e-6, "us" } };
static const struct unit byte_units[] = {
	{ 1 << 30, "GiB" }, { 1 << 20, "MiB" }, { 1 << 10, "KiB" },
};
#define NUNITS	(sizeof(time_units) / sizeof(time_units[0]))

static const struct {
	const char *label;
	const struct unit *units;
} measured[NMEASURES] = {
	[MEASURE_WALL] = { "wall time", time_units },
	[MEASURE_CPU] = { "CPU time", time_units },
	[MEASURE_MEMORY] = { "peak memory", byte_units },
};

static const char *const counted[NCOUNTS] = {
	[COUNT_IMPORTS] = "imports",
	[COUNT_REFUSED] = "maps refused",
	[COUNT_RESCUED] = "  rescued",
	[COUNT_DMABUF] = "maps of dma-buf",
	[COUNT_BEGINS] = "syncs begun",
	[COUNT_BLOCKED] = "  blocked for",
};

static const char *before_spread;

/* With three digits, or all that are before the point. */
static const char *digits(double v, char *text, size_t len)
{
	snprintf(text, len, "%.*f", v >= 99.95 ? 0 : v >= 9.995 ? 1 : 2, v);
	return text;
}

/* "12.3 ms +-0.4" */
static void put_spread(char *cell, const double *v, unsigned int n, const struct unit *units)
{
	double median = n ? stats_median(v, n) : 0;
	char text[32], spread[32];
	const char *name;
	size_t u = 0;

	while (u < NUNITS - 1 && median < units[u].size)
		u++;
	name = units[u].name;
	digits(median / units[u].size, text, sizeof(text));
	if (!n)
		snprintf(cell, CELL, "-");
	else if (n < 3)
		snprintf(cell, CELL, "%s %s", text, name);
	else
		snprintf(cell, CELL, "%s %s %s%s", text, name, before_spread,
			 digits(stats_deviation(v, n) / units[u].size, spread, sizeof(spread)));
}

/* "3", or where runs differ "3 (2 to 4)" */
static void put_count(char *cell, const double *v, unsigned int n)
{
	if (!n)
		snprintf(cell, CELL, "-");
	else if (v[0] == v[n - 1])
		snprintf(cell, CELL, "%.0f", v[0]);
	else
		snprintf(cell, CELL, "%.10g (%.0f to %.0f)", stats_median(v, n), v[0], v[n - 1]);
}

static void put_ratio(char *cell, const struct ratio *r)
{
	char estimate[32], low[32], high[32];

	digits(r->estimate, estimate, sizeof(estimate));
	if (!r->known)
		snprintf(cell, CELL, "-");
	else if (!r->enough)
		snprintf(cell, CELL, "%s (too few runs)", estimate);
	else
		snprintf(cell, CELL, "%s (%s to %s)", estimate, digits(r->low, low, sizeof(low)),
			 digits(r->high, high, sizeof(high)));
}

static void put_measure(const struct ab *ab, char (*row)[CELL], enum measure m, bool alike)
{
	double *v[NSIDES];

	snprintf(row[COLUMN_LABEL], CELL, "%s", measured[m].label);
	for (int s = 0; s < NSIDES; s++) {
		v[s] = measures_sorted(ab, s, m);
		put_spread(row[COLUMN_A + s], v[s], ab->done[s], measured[m].units);
	}
	snprintf(row[COLUMN_RATIO], CELL, "-");
	if (alike) {
		struct ratio r = stats_ratio(v[SIDE_A], ab->done[SIDE_A],
					     v[SIDE_B], ab->done[SIDE_B]);

		put_ratio(row[COLUMN_RATIO], &r);
	}
	free(v[SIDE_A]);
	free(v[SIDE_B]);
}

static void put_counts(const struct ab *ab, char (*row)[CELL], enum count c)
{
	snprintf(row[COLUMN_LABEL], CELL, "%s", counted[c]);
	for (int s = 0; s < NSIDES; s++) {
		unsigned int n;
		double *v = counts_sorted(ab, s, c, &n);

		for (unsigned int i = 0; c == COUNT_BLOCKED && i < n; i++)
			v[i] *= 1e-9;
		if (c == COUNT_BLOCKED && n && v[n - 1] > 0)
			put_spread(row[COLUMN_A + s], v, n, time_units);
		else
			put_count(row[COLUMN_A + s], v, n);
		free(v);
	}
}

struct table *table_make(const struct ab *ab, const char *plus_minus)
{
	struct table *t = calloc(1, sizeof(*t));
	bool alike = ends_alike(ab);

	if (!t)
		err(2, "ab: table");
	before_spread = plus_minus;
	for (int s = 0; s < NSIDES; s++) {
		snprintf(t->cells[0][COLUMN_A + s], CELL, "%c: %s", "AB"[s], ab->ways[s].word);
		ends_tell(ab->runs[s], ab->done[s], t->cells[1][COLUMN_A + s], CELL);
	}
	snprintf(t->cells[0][COLUMN_RATIO], CELL, "B/A (95 %% interval)");
	snprintf(t->cells[1][COLUMN_LABEL], CELL, "ended");
	t->nrows = 2;
	for (int m = 0; m < NMEASURES; m++)
		put_measure(ab, t->cells[t->nrows++], m, alike);
	for (int c = 0; c < NCOUNTS; c++)
		put_counts(ab, t->cells[t->nrows++], c);
	return t;
}

/* A word as a shell would want it. */
static void put_word(FILE *f, const char *s)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
		"_@%+=:,./-";

	if (*s && !s[strspn(s, plain)]) {
		fputs(s, f);
		return;
	}
	putc('\'', f);
	for (; *s; s++)
		fputs(*s == '\'' ? "'\\''" : (char[]){ *s, '\0' }, f);
	putc('\'', f);
}

void table_head(const struct ab *ab, char *command, size_t len, char *runs, size_t rlen)
{
	FILE *f = fmemopen(command, len, "w");

	if (!f)
		err(2, "ab: memory");
	for (char **arg = ab->command; *arg; arg++) {
		if (arg != ab->command)
			putc(' ', f);
		put_word(f, *arg);
	}
	fclose(f);
	command[len - 1] = '\0';
	text_tame(command, true);
	if (ab->done[SIDE_A] == ab->n && ab->done[SIDE_B] == ab->n)
		snprintf(runs, rlen, "%u run%s each way, in turn", ab->n, ab->n == 1 ? "" : "s");
	else
		snprintf(runs, rlen,
			 "PARTIAL: stopped by %s%s after %u of %u runs (%u of A, %u of B)",
			 ab->stopped ? "SIG" : "an error",
			 ab->stopped ? sigabbrev_np(ab->stopped) : "",
			 ab->done[SIDE_A] + ab->done[SIDE_B], 2 * ab->n, ab->done[SIDE_A],
			 ab->done[SIDE_B]);
}

void table_notes(const struct ab *ab, put_line *put, void *arg)
{
	char text[512], label[64];
	bool uncounted = false;

	for (size_t i = 0; i < ab->noutputs; i++) {
		char *name = text_tamed(ab->outputs[i].path ? ab->outputs[i].path : "stdout");

		output_tell(ab, &ab->outputs[i], text, sizeof(text));
		put(name, text, arg);
		free(name);
	}
	for (int s = 0; s < NSIDES; s++) {
		uncounted = uncounted || (ab->done[s] && !ab->runs[s][0].counted);
		if (!ab->complaint[s])
			continue;
		snprintf(label, sizeof(label), "stderr of %c, run %u", "AB"[s], ab->complained[s]);
		put(label, ab->complaint[s], arg);
	}
	if (!ends_alike(ab) && ab->done[SIDE_A] && ab->done[SIDE_B])
		put(NULL, "They do not end alike: their times and memory are not compared.", arg);
	else if (!stats_rank(ab->done[SIDE_A], ab->done[SIDE_B]))
		put(NULL, "Too few runs for an interval: 4 each way are needed.", arg);
	if (uncounted)
		put(NULL, "Without the shim, and in mode off, nothing is counted.", arg);
}
