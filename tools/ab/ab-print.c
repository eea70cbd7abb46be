// SPDX-License-Identifier: MIT
/* The result of primeshim ab for people: a table for a terminal of any width, or in Markdown. */
#include "config.h"

#include <err.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "ab-table.h"

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

	t = table_make(ab, MB_CUR_MAX > 1 ? "\u00b1" : "+-");
	table_head(ab, command, sizeof(command), runs, sizeof(runs));
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
	table_notes(ab, put_note, &columns);
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

	t = table_make(ab, "\u00b1");
	table_head(ab, command, sizeof(command), runs, sizeof(runs));
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
	table_notes(ab, put_item, NULL);
	free(t);
}
