/* SPDX-License-Identifier: MIT */
/* What primeshim report, maps and watch print on stdout, from status files. */
#ifndef PRIMESHIM_TOOLS_REPORT_H
#define PRIMESHIM_TOOLS_REPORT_H

#include "verdict.h"

void report_text(const struct evidence *e);
void report_csv(const struct status *files, size_t n);

/* Prints one object. */
void report_json(const struct evidence *e);

/* Prints the mappings of one process, sorted by address; and those of all processes, as a list. */
void maps_text(struct status *p);
void maps_json(const struct status *files, size_t n);

/* Prints the events after number *@seen, and moves *@seen on. False: stdout cannot be written. */
bool watch_print(const struct status *p, uint32_t *seen);

#endif
