/* SPDX-License-Identifier: MIT */
/*
 * A file that is there whole or not at all: it is written beside its place, and moved there when it
 * is complete. What is no regular file, as /dev/stdout or a pipe, is written to as it is; "-" is
 * stdout. Whatever goes wrong ends the program with one line and status 2.
 */
#ifndef PRIMESHIM_TOOLS_OUTPUT_H
#define PRIMESHIM_TOOLS_OUTPUT_H

#include <stdio.h>

struct output {
	FILE *file;
	const char *name;	/* as it was asked for */
	char *path, *temp;	/* where it goes, what it is until then; NULL: written as it is */
};

void output_open(struct output *o, const char *name);
void output_done(struct output *o);

#endif
