// SPDX-License-Identifier: MIT
/* Prints the result of primeshim ab: a table for a terminal of any width, or in Markdown. */
#include "config.h"

#include <err.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "ab.h"
#include "lib/memory.h"
#include "lib/text.h"

enum { CELL = 160, ROWS = 2 + NNUMBERS };
enum column { COLUMN_LABEL, COLUMN_A, COLUMN_B, COLUMN_RATIO, NCOLUMNS };

/* The first row is the head. */
typedef char table[ROWS][NCOLUMNS][CELL];

/* The layout. @columns: of the terminal, or 0. */
struct look {
	bool markdown;
	unsigned int columns;
};

/* Units, from the largest on. */
struct unit {
	double size;
	const char *name;
};
enum { NUNITS = 3 };
static const struct unit seconds[NUNITS] = { { 1, "s" }, { 1e-3, "ms" }, { 1e-6, "us" } };
static const struct unit nanoseconds[NUNITS] = { { 1e9, "s" }, { 1e6, "ms" }, { 1e3, "us" } };
static const struct unit bytes[NUNITS] = {
	{ 1 << 30, "GiB" }, { 1 << 20, "MiB" }, { 1 << 10, "KiB" },
};

static const struct {
	const char *label;
	const struct unit *units;	/* NULL: a plain count */
} rows[NNUMBERS] = {
	[NUMBER_WALL] = { "wall time", seconds },
	[NUMBER_CPU] = { "CPU time", seconds },
	[NUMBER_MEMORY] = { "peak memory", bytes },
	[NUMBER_IMPORTS] = { "imports", NULL },
	[NUMBER_REFUSED] = { "maps refused", NULL },
	[NUMBER_RESCUED] = { "  rescued", NULL },
	[NUMBER_DMABUF] = { "maps of dma-buf", NULL },
	[NUMBER_BEGINS] = { "syncs begun", NULL },
	[NUMBER_BLOCKED] = { "  blocked for", nanoseconds },
};

/* Three digits, or all those before the point. */
static const char *digits(double v, char *text, size_t len)
{
	snprintf(text, len, "%.*f", v >= 99.95 ? 0 : v >= 9.995 ? 1 : 2, v);
	return text;
}

/* "12.3 ms +-0.4" */
static void put_spread(char *cell, const double *v, unsigned int n, const struct unit *unit,
		       const char *plus_minus)
{
	double median = stats_median(v, n);
	char text[32], spread[32] = "";

	for (const struct unit *last = unit + NUNITS - 1; unit < last && median < unit->size;)
		unit++;
	digits(median / unit->size, text, sizeof(text));
	if (n >= 3)
		digits(stats_deviation(v, n) / unit->size, spread, sizeof(spread));
	snprintf(cell, CELL, "%s %s%s%s%s", text, unit->name, *spread ? " " : "",
		 *spread ? plus_minus : "", spread);
}

/* "3", or if the runs differ "3 (2 to 4)" */
static void put_count(char *cell, const double *v, unsigned int n)
{
	if (v[0] == v[n - 1])
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

static void put_row(const struct ab *ab, char (*row)[CELL], enum number k, const char *plus_minus)
{
	struct ratio r = numbers_ratio(ab, k);

	snprintf(row[COLUMN_LABEL], CELL, "%s", rows[k].label);
	for (int s = 0; s < NSIDES; s++) {
		unsigned int n;
		double *v = numbers_sorted(ab, s, k, &n);

		if (!n)
			snprintf(row[COLUMN_A + s], CELL, "-");
		else if (rows[k].units && (k < NMEASURES || v[n - 1] > 0))
			put_spread(row[COLUMN_A + s], v, n, rows[k].units, plus_minus);
		else
			put_count(row[COLUMN_A + s], v, n);
		free(v);
	}
	if (k < NMEASURES)
		put_ratio(row[COLUMN_RATIO], &r);
}

static void make_table(const struct ab *ab, char (*t)[NCOLUMNS][CELL], const char *plus_minus)
{
	for (int s = 0; s < NSIDES; s++) {
		snprintf(t[0][COLUMN_A + s], CELL, "%c: %s", "AB"[s], ab->ways[s].word);
		ends_tell(ab->runs[s], ab->done[s], t[1][COLUMN_A + s], CELL);
	}
	strcpy(t[0][COLUMN_RATIO], "B/A (95 % interval)");
	strcpy(t[1][COLUMN_LABEL], "ended");
	for (int k = 0; k < NNUMBERS; k++)
		put_row(ab, t[2 + k], k, plus_minus);
}

/* How many columns a text takes in a terminal. */
static unsigned int width_of(const char *s)
{
	wchar_t wide[CELL];
	size_t n = mbstowcs(wide, s, CELL);
	int width = n == (size_t)-1 || n == CELL ? -1 : wcswidth(wide, n);

	return width < 0 ? strlen(s) : (size_t)width;
}

/* Prints a text in lines of @columns (0: one line), broken at blanks; the others are indented. */
static void put_wrapped(unsigned int indent, const char *s, unsigned int columns)
{
	unsigned int at = indent;
	bool first = true;

	printf("%*s", (int)indent, "");
	while (*s) {
		int len = strcspn(s, " ");
		char word[CELL];
		unsigned int width;

		snprintf(word, sizeof(word), "%.*s", len, s);
		width = width_of(word);
		if (columns && !first && at + 1 + width > columns) {
			printf("\n%*s", (int)indent + 2, "");
			at = indent + 2;
			first = true;
		}
		/* The terminal breaks longer words. */
		printf("%s%.*s", first ? "" : " ", len, s);
		at += width + !first;
		first = false;
		s += len + (s[len] == ' ');
	}
	putchar('\n');
}

/* Prints a text with a backslash before all that means something in Markdown. */
static void put_plain(const char *s)
{
	for (; *s; s++) {
		if (strchr("|\\`*_<>[]&#~", *s))
			putchar('\\');
		putchar(*s);
	}
}

/* Prints a line below the table. The label may be NULL. */
static void put_note(const struct look *look, const char *label, const char *text)
{
	char *line = memory_text("%s%s%s", label ? label : "", label ? ": " : "", text);

	if (look->markdown) {
		fputs("* ", stdout);
		put_plain(line);
		putchar('\n');
	} else {
		put_wrapped(0, line, look->columns);
	}
	free(line);
}

static void put_wide(char (*t)[NCOLUMNS][CELL], const unsigned int *widths)
{
	for (unsigned int r = 0; r < ROWS; r++) {
		unsigned int last = NCOLUMNS - 1;

		while (last && !t[r][last][0])
			last--;
		for (unsigned int c = 0; c < last; c++)
			printf("%s%*s", t[r][c], (int)(widths[c] + 2 - width_of(t[r][c])), "");
		puts(t[r][last]);
	}
}

/* Prints the table for a narrow terminal: a line for each cell. */
static void put_narrow(char (*t)[NCOLUMNS][CELL], unsigned int columns)
{
	static const char *const names[NCOLUMNS] = { "", "A ", "B ", "B/A " };

	for (int s = 0; s < NSIDES; s++)
		put_wrapped(0, t[0][COLUMN_A + s], columns);
	for (unsigned int r = 1; r < ROWS; r++) {
		const char *label = t[r][COLUMN_LABEL];

		put_wrapped(0, label + strspn(label, " "), columns);
		for (int c = COLUMN_A; c < NCOLUMNS; c++) {
			char line[CELL + 8];

			snprintf(line, sizeof(line), "%s%s", names[c], t[r][c]);
			if (t[r][c][0])
				put_wrapped(1, line, columns);
		}
	}
}

static void put_markdown(char (*t)[NCOLUMNS][CELL])
{
	for (unsigned int r = 0; r < ROWS; r++) {
		for (unsigned int c = 0; c < NCOLUMNS; c++) {
			fputs(c ? " | " : "| ", stdout);
			put_plain(t[r][c] + strspn(t[r][c], " "));
		}
		puts(r ? " |" : " |\n| --- | --- | --- | --- |");
	}
}

static void put_table(char (*t)[NCOLUMNS][CELL], const struct look *look)
{
	unsigned int widths[NCOLUMNS] = { 0 }, all = 2 * (NCOLUMNS - 1);

	for (unsigned int c = 0; c < NCOLUMNS; c++) {
		for (unsigned int r = 0; r < ROWS; r++)
			if (width_of(t[r][c]) > widths[c])
				widths[c] = width_of(t[r][c]);
		all += widths[c];
	}
	if (look->markdown)
		put_markdown(t);
	else if (look->columns && all > look->columns)
		put_narrow(t, look->columns);
	else
		put_wide(t, widths);
}

/* Prints a word as a shell would read it. */
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

/* Prints the command, and how often it ran. */
static void put_head(const struct ab *ab, const struct look *look)
{
	const unsigned int *n = ab->done;
	char command[1024], runs[128];
	FILE *f = fmemopen(command, sizeof(command), "w");

	if (!f)
		err(2, "ab: memory");
	for (char **arg = ab->command; *arg; arg++) {
		fputs(arg == ab->command ? "" : " ", f);
		put_word(f, *arg);
	}
	fclose(f);
	command[sizeof(command) - 1] = '\0';
	text_tame(command, true);
	if (n[SIDE_A] == ab->n && n[SIDE_B] == ab->n)
		snprintf(runs, sizeof(runs), "%u run%s each way, in turn", ab->n,
			 ab->n == 1 ? "" : "s");
	else
		snprintf(runs, sizeof(runs),
			 "PARTIAL: stopped by %s%s after %u of %u runs (%u of A, %u of B)",
			 ab->stopped ? "SIG" : "an error",
			 ab->stopped ? sigabbrev_np(ab->stopped) : "", n[SIDE_A] + n[SIDE_B],
			 2 * ab->n, n[SIDE_A], n[SIDE_B]);
	if (look->markdown) {
		put_plain(command);
		printf("  \n%s\n", runs);
	} else {
		put_wrapped(0, command, look->columns);
		put_wrapped(0, runs, look->columns);
	}
}

static void put_notes(const struct ab *ab, const struct look *look)
{
	char text[512], label[64];
	bool uncounted = false;

	for (size_t i = 0; i < ab->noutputs; i++) {
		char *name = text_tamed(ab->outputs[i].path ? ab->outputs[i].path : "stdout");

		ab_output_text(ab, &ab->outputs[i], text, sizeof(text));
		put_note(look, name, text);
		free(name);
	}
	for (int s = 0; s < NSIDES; s++) {
		uncounted = uncounted || (ab->done[s] && !ab->runs[s][0].counted);
		if (!ab->complaint[s])
			continue;
		snprintf(label, sizeof(label), "stderr of %c, run %u", "AB"[s], ab->complained[s]);
		put_note(look, label, ab->complaint[s]);
	}
	if (!ends_alike(ab) && ab->done[SIDE_A] && ab->done[SIDE_B])
		put_note(look, NULL,
			 "They do not end alike: their times and memory are not compared.");
	else if (!stats_rank(ab->done[SIDE_A], ab->done[SIDE_B]))
		put_note(look, NULL, "Too few runs for an interval: 4 each way are needed.");
	if (uncounted)
		put_note(look, NULL, "Without the shim, and in mode off, nothing is counted.");
}

void print_table(const struct ab *ab, unsigned int columns, bool markdown)
{
	static table t;
	struct look look = { markdown, columns };

	make_table(ab, t, markdown || MB_CUR_MAX > 1 ? "\u00b1" : "+-");
	put_head(ab, &look);
	putchar('\n');
	put_table(t, &look);
	putchar('\n');
	put_notes(ab, &look);
}
