/* SPDX-License-Identifier: MIT */
/*
 * The counters of status files, added up the way people ask: who imported from whom, and what came
 * of it.
 */
#ifndef PRIMESHIM_TOOLS_SUMMARY_H
#define PRIMESHIM_TOOLS_SUMMARY_H

#include <stdbool.h>
#include <stdint.h>

#include "status.h"

/* The imports of one exporter's buffers into one importer; in a total, all imports. */
struct summary {
	const char *importer, *exporter;	/* NULL in a total */
	uint64_t imports, learned, bytes;
	uint64_t no_import;		/* imports that the driver refused */
	uint64_t refused;		/* map ioctls that the driver refused */
	uint64_t rescued;		/* refused map ioctls that the shim answered */
	uint64_t dmabuf;		/* mmaps for which the shim mapped the dma-buf */
	uint64_t native;		/* mmaps that the driver made */
	uint64_t sigbus;		/* mmaps whose native page could not be read */
	uint64_t failed;		/* mmaps that failed */
	uint64_t denied;		/* mmaps that mode deny refused */
	uint64_t fallbacks;		/* maps for which the dma-buf could not be mapped */
	int error;			/* the driver's first errno for a map, or 0 */
	int import_error, mmap_error;	/* the same of imports, and of mmaps that failed */
	int reason;			/* the errno of the first fallback, or 0 */
};

/* A summary for each importer and exporter, in the order of the status file. */
struct summary *summarize(const struct status *p, unsigned int *n);

/* All of them in one. */
struct summary summary_total(const struct status *files, size_t n);

uint64_t counter_total(const struct status *files, size_t n, enum counter c);

/* "1 import", "2 imports" */
const char *count_text(char *text, size_t len, uint64_t n, const char *what);

/* "4096 bytes", "1.5 MiB"; "12 us", "1.2 ms", "3.4 s" */
const char *bytes_text(char *text, size_t len, uint64_t bytes);
const char *time_text(char *text, size_t len, uint64_t ns);

/* Nanoseconds from when the file was made until the process ended, was seen last, or now. */
uint64_t status_age(const struct status *p);

#endif
