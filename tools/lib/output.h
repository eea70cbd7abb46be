/* SPDX-License-Identifier: MIT */
/*
 * A file that appears whole or not at all: the program writes it beside its place, and renames it
 * when it is complete. The program writes directly to what is no regular file, such as a pipe. "-"
 * is stdout. Any error ends the program with one line on stderr and status 2.
 */
#ifndef PRIMESHIM_TOOLS_OUTPUT_H
#define PRIMESHIM_TOOLS_OUTPUT_H

#include <stdio.h>

struct output {
	FILE *file;
	const char *name;	/* as the user gave it */
	char *path, *temp;	/* its place, and its name until then; NULL: written directly */
};

void output_open(struct output *o, const char *name);
void output_done(struct output *o);

#endif
