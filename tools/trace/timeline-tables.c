// SPDX-License-Identifier: MIT
/*
 * The end of a timeline: what the tables of a status file have and no event reports, and when
 * everything ends that is still open; see timeline.h.
 */
#include "config.h"

#include <time.h>

#include "timeline.h"

/*
 * The tables have imports, mappings and brackets without an event: those from before the ring's
 * first event, those of the parent before fork(), and those of mremap().
 */
static void add_imports(struct timeline *t)
{
	const struct status *p = t->status;

	for (unsigned int i = 0; i < p->nimports; i++) {
		const struct status_import *imp = &p->imports[i];
		const struct status_buffer *b = status_buffer_of(p, imp->buffer);
		struct span s = { .kind = SPAN_IMPORT, .from = t->from, .unseen = true,
				  .importer = imp->importer, .handle = imp->handle, .tid = imp->tid,
				  .exporter = b ? b->exporter : 1, .ino = b ? b->ino : 0,
				  .bytes = b ? b->size : 0, .import = -1 };
		size_t j = 0;

		while (j < t->nspans && !(t->spans[j].kind == SPAN_IMPORT &&
					  t->spans[j].handle == s.handle &&
					  t->spans[j].importer == s.importer &&
					  (!s.ino || t->spans[j].ino == s.ino) &&
					  (t->spans[j].open || t->spans[j].to >= imp->since)))
			j++;
		if (j == t->nspans)
			timeline_add(t, s);
	}
}

static void add_mappings(struct timeline *t)
{
	const struct status *p = t->status;

	for (unsigned int i = 0; i < p->nmappings; i++) {
		const struct status_mapping *m = &p->mappings[i];
		const struct status_buffer *b = status_buffer_of(p, m->buffer);
		struct span s = { .kind = SPAN_MAPPING, .from = t->from, .unseen = true,
				  .importer = m->importer, .exporter = b ? b->exporter : 1,
				  .outcome = m->by == MAPPED_NATIVE ? OUTCOME_NATIVE :
					     OUTCOME_DMABUF,
				  .told = NATIVE_UNASKED, .prot = m->prot, .tid = m->tid,
				  .ino = b ? b->ino : 0, .addr = m->start,
				  .bytes = m->end > m->start ? m->end - m->start : 0 };
		size_t j = 0;

		/* mremap() may have made it after the first event. */
		if (m->since > s.from)
			s.from = m->since < t->to ? m->since : t->to;
		while (j < t->nspans &&
		       !(t->spans[j].kind == SPAN_MAPPING && t->spans[j].addr < m->end &&
			 address_end(t->spans[j].addr, t->spans[j].bytes) > m->start &&
			 (t->spans[j].open || t->spans[j].to >= m->since)))
			j++;
		s.import = timeline_import(t, s.ino, 0, 0);
		if (j == t->nspans)
			timeline_add(t, s);
	}
}

static void add_brackets(struct timeline *t)
{
	const struct status *p = t->status;

	for (unsigned int i = 0; i < p->nbuffers; i++) {
		const struct status_buffer *b = &p->buffers[i];
		size_t j = 0;

		if (STATUS_TURN(b->turn) != TURN_CPU)
			continue;
		while (j < t->nspans && !(t->spans[j].kind == SPAN_BRACKET &&
					  t->spans[j].ino == b->ino))
			j++;
		if (j == t->nspans)
			timeline_add(t, (struct span){ .kind = SPAN_BRACKET, .from = t->from,
						.granted = t->from, .unseen = true,
						.exporter = b->exporter,
						.prot = STATUS_BRACKET(b->turn) == 1 ? 1 : 3,
						.ino = b->ino, .bytes = b->size,
						.import = timeline_import(t, b->ino, 0, 0) });
	}
}

/* When the process ended, or now. */
static uint64_t last_moment(const struct timeline *t)
{
	struct timespec now;
	uint64_t at = t->status->life == LIFE_EXITED ? t->status->head.ended : 0;

	if (t->status->life == LIFE_RUNNING && !clock_gettime(CLOCK_MONOTONIC, &now))
		at = now.tv_sec * UINT64_C(1000000000) + now.tv_nsec;
	return at > t->to && at <= INT64_MAX ? at : t->to;
}

/* Finds the imports of spans that began before their import was known. */
static void find_imports(struct timeline *t)
{
	for (size_t i = 0; i < t->nspans; i++)
		if (t->spans[i].kind != SPAN_IMPORT && t->spans[i].import < 0 && t->spans[i].ino)
			t->spans[i].import = timeline_import(t, t->spans[i].ino, 0, 0);
	for (size_t i = 0; i < t->nmarks; i++)
		if (t->marks[i].import < 0 && t->marks[i].event.ino)
			t->marks[i].import = timeline_import(t, t->marks[i].event.ino, 0, 0);
}

void timeline_of(struct timeline *t, const struct status *p)
{
	timeline_events(t, p);
	t->to = last_moment(t);
	add_imports(t);
	add_mappings(t);
	add_brackets(t);
	find_imports(t);
	while (t->nopened) {
		struct span *s = &t->spans[t->opened[--t->nopened]];

		s->to = t->to > s->from ? t->to : s->from;
		s->ending = s->to;
	}
}
