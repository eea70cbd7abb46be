/* SPDX-License-Identifier: MIT */
/* What primeshim trace writes. */
#ifndef PRIMESHIM_TOOLS_TRACE_H
#define PRIMESHIM_TOOLS_TRACE_H

#include <stdio.h>

#include "page/pages.h"

/* Trace events as JSON, of all pages. */
void trace_json(FILE *f, const struct page *pages, size_t n);

/* A command that writes what the pages tell into a file, with @how to use it; see cmd_trace(). */
int write_pages(int argc, char **argv, const char *how,
		void (*write)(FILE *f, const struct page *pages, size_t n));

#endif
