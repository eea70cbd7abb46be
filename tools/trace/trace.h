/* SPDX-License-Identifier: MIT */
/* The two things that primeshim trace can write; trace.c asks for one of them. */
#ifndef PRIMESHIM_TOOLS_TRACE_H
#define PRIMESHIM_TOOLS_TRACE_H

#include <stdio.h>

#include "page/pages.h"

/* Trace events as JSON, of all pages. */
void trace_json(FILE *f, const struct page *pages, size_t n);

/*
 * Lines into ftrace's trace_marker: of a process that runs until it ends or SIGINT comes, of others
 * all that there is. @marker: the file, or NULL: the kernel's. Ends the program with one line and
 * status 2 where it cannot be written.
 */
void trace_ftrace(const char *marker, struct page *pages, size_t n);

#endif
