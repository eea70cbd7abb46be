// SPDX-License-Identifier: MIT
/* The result of primeshim ab for people: a table for a terminal of any width, or in Markdown. */
#include "config.h"

#include <err.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "ab.h"
#include "ab-stats.h"

#define CELL	160
#define ROWS	(1 + NMEASURES + NCOUNTS)

enum column { COLUMN_LABEL, COLUMN_A, COLUMN_B, COLUMN_RATIO, NCOLUMNS };

struct table {
	char cells[ROWS + 1][NCOLUMNS][CELL];	/* the first row is the head */
	unsigned int nrows;
};

/* What a number is a multiple of, from the largest on. */
struct unit {
	double size;
	const char *name;
};
static const struct unit time_units[] = { { 1, "s" }, { 1e-3, "ms" }, { 1e-6, "us" } };
static const struct unit byte_units[] = { { 1 << 30, "GiB" }, { 1 << 20, "MiB" }, { 1 << 10, "KiB" } };
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

static const char *plus_minus = "+-";

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
	size_t u = 0;

	while (u < NUNITS - 1 && median < units[u].size)
		u++;
	if (!n)
		snprintf(cell, CELL, "-");
	else if (n < 3)
		snprintf(cell, CELL, "%s %s", digits(median / units[u].size, text, sizeof(text)),
			 units[u].name);
	else
		snprintf(cell, CELL, "%s %s %s%s", digits(median / units[u].size, text, sizeof(text)),
			 units[u].name, plus_minus,
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

	if (!r->known)
		snprintf(cell, CELL, "-");
	else if (!r->enough)
		snprintf(cell, CELL, "%s (too few runs)", digits(r->estimate, estimate, sizeof(estimate)));
	else
		snprintf(cell, CELL, "%s (%s to %s)", digits(r->estimate, estimate, sizeof(estimate)),
			 digits(r->low, low, sizeof(low)), digits(r->high, high, sizeof(high)));
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
		struct ratio r = stats_ratio(v[SIDE_A], ab->done[SIDE_A], v[SIDE_B], ab->done[SIDE_B]);

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

static struct table *make_table(const struct ab *ab)
{
	struct table *t = calloc(1, sizeof(*t));
	bool alike = ends_alike(ab);

	if (!t)
		err(2, "ab: table");
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

/* Columns that a text takes in a terminal. */
static unsigned int width_of(const char *s)
{
	wchar_t wide[CELL];
	size_t n = mbstowcs(wide, s, CELL);
	int width = n == (size_t)-1 || n == CELL ? -1 : wcswidth(wide, n);

	return width < 0 ? strlen(s) : (size_t)width;
}

static void put_padded(const char *s, unsigned int width)
{
	unsigned int has = width_of(s);

	printf("%s%*s", s, has < width ? (int)(width - has) : 0, "");
}

/* A text in lines of @columns (0: one line), broken at blanks, all but the first indented more. */
static void put_wrapped(unsigned int indent, const char *s, unsigned int columns)
{
	unsigned int at = indent;
	bool first = true;

	printf("%*s", (int)indent, "");
	while (*s) {
		size_t len = strcspn(s, " ");
		char word[CELL];
		unsigned int width;

		snprintf(word, sizeof(word), "%.*s", (int)len, s);
		width = width_of(word);
		if (columns && !first && at + 1 + width > columns) {
			printf("\n%*s", (int)indent + 2, "");
			at = indent + 2;
			first = true;
		}
		if (!first)
			putchar(' ');
		/* What is longer is left to the terminal. */
		printf("%.*s", (int)len, s);
		at += width + !first;
		first = false;
		s += len + (s[len] == ' ');
	}
	putchar('\n');
}

/* What is to be said of all of it before the table: the command and how often it ran. */
static void tell_head(const struct ab *ab, char *command, size_t len, char *runs, size_t rlen)
{
	FILE *f = fmemopen(command, len, "w");

	if (!f)
		err(2, "ab: memory");
	for (char **arg = ab->command; *arg; arg++)
		fprintf(f, "%s%s", arg == ab->command ? "" : " ", *arg);
	fclose(f);
	command[len - 1] = '\0';
	text_tame(command);
	if (ab->done[SIDE_A] == ab->n && ab->done[SIDE_B] == ab->n)
		snprintf(runs, rlen, "%u run%s each way, in turn", ab->n, ab->n == 1 ? "" : "s");
	else
		snprintf(runs, rlen, "PARTIAL: stopped by %s%s after %u of %u runs (%u of A, %u of B)",
			 ab->stopped ? "SIG" : "an error", ab->stopped ? sigabbrev_np(ab->stopped) : "",
			 ab->done[SIDE_A] + ab->done[SIDE_B], 2 * ab->n, ab->done[SIDE_A],
			 ab->done[SIDE_B]);
}

/* Calls @put with each line that follows the table. */
static void tell_notes(const struct ab *ab, void (*put)(const char *label, const char *text, void *arg),
		       void *arg)
{
	char text[512], label[64];
	bool uncounted = false;

	for (size_t i = 0; i < ab->noutputs; i++) {
		char *name = strdup(ab->outputs[i].path ? ab->outputs[i].path : "stdout");

		if (!name)
			err(2, "ab: memory");
		text_tame(name);
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
		put(NULL, "They do not end alike, so their times and memory are not compared.", arg);
	else if (!stats_rank(ab->done[SIDE_A], ab->done[SIDE_B]))
		put(NULL, "Too few runs for an interval: 4 each way are needed.", arg);
	if (uncounted)
		put(NULL, "Without the shim, and in mode off, nothing is counted.", arg);
}

static void put_note(const char *label, const char *text, void *arg)
{
	unsigned int *columns = arg;
	char *line;

	if (asprintf(&line, "%s%s%s", label ? label : "", label ? ": " : "", text) < 0)
		err(2, "ab: memory");
	put_wrapped(0, line, *columns);
	free(line);
}

static void put_wide(const struct table *t, const unsigned int *widths)
{
	for (unsigned int r = 0; r < t->nrows; r++) {
		unsigned int last = NCOLUMNS - 1;

		while (last && !t->cells[r][last][0])
			last--;
		for (unsigned int c = 0; c < last; c++)
			put_padded(t->cells[r][c], widths[c] + 2);
		puts(t->cells[r][last]);
	}
}

/* One thing a line. */
static void put_narrow(const struct table *t, unsigned int columns)
{
	static const char *const names[NCOLUMNS] = { "", "A ", "B ", "B/A " };

	for (int s = 0; s < NSIDES; s++)
		put_wrapped(0, t->cells[0][COLUMN_A + s], columns);
	for (unsigned int r = 1; r < t->nrows; r++) {
		const char *label = t->cells[r][COLUMN_LABEL];

		put_wrapped(0, label + strspn(label, " "), columns);
		for (int c = COLUMN_A; c < NCOLUMNS; c++) {
			char line[CELL + 8];

			if (!t->cells[r][c][0])
				continue;
			snprintf(line, sizeof(line), "%s%s", names[c], t->cells[r][c]);
			put_wrapped(1, line, columns);
		}
	}
}

void print_table(const struct ab *ab, unsigned int columns)
{
	unsigned int widths[NCOLUMNS] = { 0 }, all = 2 * (NCOLUMNS - 1);
	char command[1024], runs[128];
	struct table *t;

	if (MB_CUR_MAX > 1)
		plus_minus = "\u00b1";
	t = make_table(ab);
	tell_head(ab, command, sizeof(command), runs, sizeof(runs));
	put_wrapped(0, command, columns);
	put_wrapped(0, runs, columns);
	putchar('\n');
	for (unsigned int c = 0; c < NCOLUMNS; c++) {
		for (unsigned int r = 0; r < t->nrows; r++)
			if (width_of(t->cells[r][c]) > widths[c])
				widths[c] = width_of(t->cells[r][c]);
		all += widths[c];
	}
	if (columns && all > columns)
		put_narrow(t, columns);
	else
		put_wide(t, widths);
	putchar('\n');
	tell_notes(ab, put_note, &columns);
	free(t);
}

/* What Markdown would heed is made plain. */
static void put_plain(const char *s)
{
	for (; *s; s++) {
		if (strchr("|\\`*_<>[]&#~", *s))
			putchar('\\');
		putchar(*s);
	}
}

static void put_item(const char *label, const char *text, void *arg)
{
	(void)arg;
	fputs("* ", stdout);
	if (label) {
		put_plain(label);
		fputs(": ", stdout);
	}
	put_plain(text);
	putchar('\n');
}

void print_markdown(const struct ab *ab)
{
	char command[1024], runs[128];
	struct table *t;

	plus_minus = "\u00b1";
	t = make_table(ab);
	tell_head(ab, command, sizeof(command), runs, sizeof(runs));
	put_plain(command);
	printf("  \n%s\n\n", runs);
	for (unsigned int r = 0; r < t->nrows; r++) {
		for (unsigned int c = 0; c < NCOLUMNS; c++) {
			const char *cell = t->cells[r][c];

			fputs(c ? " | " : "| ", stdout);
			put_plain(cell + strspn(cell, " "));
		}
		puts(" |");
		if (!r)
			puts("| --- | --- | --- | --- |");
	}
	putchar('\n');
	tell_notes(ab, put_item, NULL);
	free(t);
}
