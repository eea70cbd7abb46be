/* SPDX-License-Identifier: MIT */
/* primeshim report --json, and maps --json. */
#ifndef PRIMESHIM_TOOLS_REPORT_H
#define PRIMESHIM_TOOLS_REPORT_H

#include "pages.h"

/* Prints one object with all that the pages say. @status: as for verdict_of(). */
void report_json(const struct page *pages, size_t n, int status);

/* A list of the mappings in them all. */
void maps_json(const struct page *pages, size_t n);

#endif
