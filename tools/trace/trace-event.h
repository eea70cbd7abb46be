/* SPDX-License-Identifier: MIT */
/* Writes the Trace Event Format, event by event; for trace-*.c. */
#ifndef PRIMESHIM_TOOLS_TRACE_EVENT_H
#define PRIMESHIM_TOOLS_TRACE_EVENT_H

#include <json.h>
#include <stdio.h>

#include "timeline.h"

struct writer {
	FILE *f;
	struct timeline t;
	bool more;		/* an event has been written */
	uint64_t pid;		/* the process in the trace */
	uint64_t ids;		/* how many asynchronous tracks there are */
	struct thread *threads;	/* for trace-json.c alone */
	size_t nthreads;
};

/* Writes the event @o, and frees it. */
void put(struct writer *w, struct json_object *o);

/* A new event; timed(): with the time @at, in nanoseconds. @cat may be NULL. */
struct json_object *event(const struct writer *w, const char *ph, const char *cat,
			  const char *name, uint32_t tid);
struct json_object *timed(const struct writer *w, const char *ph, const char *cat,
			  const char *name, uint32_t tid, uint64_t at);

struct json_object *micros(uint64_t ns);

void add_hex(struct json_object *o, const char *key, uint64_t n);

/* Writes the counters: how many imports, mappings and brackets there are, and bytes mapped. */
void trace_counters(struct writer *w);

#endif
