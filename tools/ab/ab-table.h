/* SPDX-License-Identifier: MIT */
/* What primeshim ab tells people, as cells and lines, however it is laid out. */
#ifndef PRIMESHIM_TOOLS_AB_TABLE_H
#define PRIMESHIM_TOOLS_AB_TABLE_H

#include "ab.h"

#define CELL	160
#define ROWS	(1 + NMEASURES + NCOUNTS)

enum column { COLUMN_LABEL, COLUMN_A, COLUMN_B, COLUMN_RATIO, NCOLUMNS };

struct table {
	char cells[ROWS + 1][NCOLUMNS][CELL];	/* the first row is the head */
	unsigned int nrows;
};

/* The table, freed by the caller. @plus_minus: what is before a deviation. */
struct table *table_make(const struct ab *ab, const char *plus_minus);

/* What is to be said before it: the command, and how often it ran. */
void table_head(const struct ab *ab, char *command, size_t len, char *runs, size_t rlen);

/* Calls @put with each line that follows it; the label may be NULL. */
typedef void put_line(const char *label, const char *text, void *arg);
void table_notes(const struct ab *ab, put_line *put, void *arg);

#endif
