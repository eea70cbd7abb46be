// SPDX-License-Identifier: MIT
/* The counters of a trace, from the beginnings and ends of its spans; see trace-event.h. */
#include "config.h"

#include <stdlib.h>

#include "lib/memory.h"
#include "trace-event.h"

/* The counters: how many imports, mappings and brackets there are, and bytes mapped. */
enum { COUNT_IMPORTS, COUNT_MAPPINGS, COUNT_BRACKETS, COUNT_BYTES, COUNTS };

static const struct {
	const char *name, *series;
} counters[COUNTS] = {
	{ "imports", "live" }, { "mappings", "live" }, { "brackets", "open" }, { "bytes", "mapped" }
};

struct step {
	uint64_t at;
	unsigned int counter;
	int64_t by;
	size_t order;
};

static int by_time(const void *a, const void *b)
{
	const struct step *p = a, *q = b;

	if (p->at != q->at)
		return p->at < q->at ? -1 : 1;
	return p->order < q->order ? -1 : p->order > q->order;
}

static void put_count(struct writer *w, unsigned int counter, uint64_t at, int64_t n)
{
	struct json_object *o =
		timed(w, "C", NULL, counters[counter].name, w->t.status->head.pid, at);
	struct json_object *args = json_object_new_object();

	json_object_object_add(args, counters[counter].series, json_object_new_int64(n));
	json_object_object_add(o, "args", args);
	put(w, o);
}

static size_t add_steps(struct step *steps, size_t n, const struct span *s, unsigned int counter,
			int64_t by)
{
	steps[n] = (struct step){ s->from, counter, by, n };
	/* An open span stays counted to the end. */
	if (s->open)
		return n + 1;
	steps[n + 1] = (struct step){ s->to, counter, -by, n + 1 };
	return n + 2;
}

void trace_counters(struct writer *w)
{
	const struct timeline *t = &w->t;
	struct step *steps = memory_new(t->nspans, 4 * sizeof(*steps));
	int64_t now[COUNTS] = { 0 }, told[COUNTS] = { 0 };
	size_t n = 0;

	for (size_t i = 0; i < t->nspans; i++) {
		const struct span *s = &t->spans[i];

		/* SPAN_IMPORT is COUNT_IMPORTS, and so on. */
		n = add_steps(steps, n, s, s->kind, 1);
		if (s->kind == SPAN_MAPPING)
			n = add_steps(steps, n, s, COUNT_BYTES, s->bytes & INT64_MAX >> 22);
	}
	qsort(steps, n, sizeof(*steps), by_time);
	for (unsigned int c = 0; c < COUNTS; c++)
		put_count(w, c, t->from, 0);
	for (size_t i = 0; i < n; i++) {
		now[steps[i].counter] += steps[i].by;
		/* Only after the last step of one moment. */
		if (i + 1 < n && steps[i + 1].at == steps[i].at)
			continue;
		for (unsigned int c = 0; c < COUNTS; c++) {
			if (now[c] != told[c])
				put_count(w, c, steps[i].at, now[c]);
			told[c] = now[c];
		}
	}
	free(steps);
}
