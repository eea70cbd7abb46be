/* SPDX-License-Identifier: MIT */
/* What primeshim report prints, and maps. all that the status files say, on standard output. */
#ifndef PRIMESHIM_TOOLS_REPORT_H
#define PRIMESHIM_TOOLS_REPORT_H

#include "status/status.h"

/* @status: as for verdict_of(); @command: the words of what ended so, or none; NULL at its end. */
void report_text(const struct status *files, size_t n, int status, char *const *command);
void report_csv(const struct status *files, size_t n);

/* One object. */
void report_json(const struct status *files, size_t n, int status, char *const *command);

/* The mappings of one, sorted by address; and a list of those in them all. */
void maps_text(struct status *p);
void maps_json(const struct status *files, size_t n);

/* The events after number *@seen, which it moves on. False where the output is gone. */
bool watch_print(const struct status *p, uint32_t *seen);

#endif
