/* SPDX-License-Identifier: MIT */
/*
 * What status files come to: an answer, a sentence, and what to do. verdict-rows.c has the table of
 * situations; docs/verdicts.md is the same table for readers.
 */
#ifndef PRIMESHIM_TOOLS_VERDICT_H
#define PRIMESHIM_TOOLS_VERDICT_H

#include <stdbool.h>
#include <stddef.h>

#include "status/seen.h"
#include "status/status.h"

enum answer {
	ANSWER_HEALED,
	ANSWER_OTHER_MODE,
	ANSWER_NOT_THIS,
	ANSWER_UNKNOWN,		/* the sentence says why */
	ANSWER_COUNT
};

/* A row of the table. @text may have one %s: an errno, a signal, or a program. */
struct verdict_row {
	const char *name;	/* of the situation, in one word: "refused-died" */
	enum answer answer;
	const char *situation, *text, *advice;	/* advice: "" where there is nothing to do */
};

/* All rows, in the table's order; the row after the last has no name. */
extern const struct verdict_row verdict_rows[];

const char *answer_text(enum answer answer);

/* What a verdict is made from. */
struct evidence {
	const struct status *files;
	size_t n;
	int status;		/* of the command that made @files, >= 128: a signal. -1: unknown */
	const char *dir;	/* the directory of @files; NULL: there is none */
	const struct seen *seen;	/* what primeshim witness saw; NULL: nobody looked */
	char *const *command;	/* the words of the command that made @files, then NULL */
};

struct verdict {
	const struct verdict_row *row;
	char text[256];		/* the row's sentence, with the detail in it */
	char advice[512];	/* the row's, with the command in the place of COMMAND */
};

struct verdict verdict_of(const struct evidence *e);

/*
 * What the dma-bufs that the programs map themselves come to; without a row: they map none.
 * verdict_of() gives the same where there is no import.
 */
struct verdict direct_verdict(const struct evidence *e);

/*
 * Would mode deny refuse what the driver has mapped? Returns a sentence, and yes or no in *@breaks.
 * NULL: not known, since the shim made the mappings.
 */
const char *deny_text(const struct evidence *e, bool *breaks);

/* What to do about a dma-buf that could not be mapped, by the errno. */
const char *reason_text(int reason);

/* "SIGSEGV" for 139; NULL if no signal ended the command. */
const char *signal_text(int status);

#endif
