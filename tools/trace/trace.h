/* SPDX-License-Identifier: MIT */
/* What primeshim trace writes. */
#ifndef PRIMESHIM_TOOLS_TRACE_H
#define PRIMESHIM_TOOLS_TRACE_H

#include <stdio.h>

#include "status/status.h"

/* Writes the events of all @n files as JSON, in the Trace Event Format. */
void trace_json(FILE *f, const struct status *files, size_t n);

/* A command that writes the events of status files into a file; @how is its --help. */
int write_events(int argc, char **argv, const char *how,
		void (*write)(FILE *f, const struct status *files, size_t n));

#endif
