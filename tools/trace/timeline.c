// SPDX-License-Identifier: MIT
/* Joins events to spans; see timeline.h. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "lib/memory.h"
#include "timeline.h"

/* Makes room for another element of an array. */
static void *grow(void *array, size_t n, size_t *room, size_t size)
{
	if (n < *room)
		return array;
	*room = *room ? *room * 2 : 256;
	return memory_more(array, *room, size);
}

struct span *timeline_add(struct timeline *t, struct span s)
{
	t->spans = grow(t->spans, t->nspans, &t->spans_room, sizeof(*t->spans));
	t->opened = grow(t->opened, t->nopened, &t->opened_room, sizeof(*t->opened));
	t->opened[t->nopened++] = t->nspans;
	s.open = true;
	t->spans[t->nspans] = s;
	return &t->spans[t->nspans++];
}

/* Ends the @i-th open span. */
static void end(struct timeline *t, size_t i, uint64_t at, uint32_t tid)
{
	struct span *s = &t->spans[t->opened[i]];

	s->to = at > s->from ? at : s->from;
	s->tid_end = tid;
	s->open = false;
	memmove(&t->opened[i], &t->opened[i + 1], (--t->nopened - i) * sizeof(*t->opened));
}

/* Adds a span whose beginning is not known, and which ends now. It began at @from or later. */
static void end_unseen(struct timeline *t, struct span s, uint64_t from, uint32_t tid)
{
	s.from = s.granted = from;
	s.unseen = true;
	timeline_add(t, s);
	end(t, t->nopened - 1, t->to, tid);
}

int timeline_import(const struct timeline *t, uint64_t ino, unsigned int importer,
		    uint32_t handle)
{
	int open = -1, last = -1;

	if (!ino && !handle)
		return -1;
	for (size_t i = t->nspans; i-- > 0;) {
		const struct span *s = &t->spans[i];

		if (s->kind != SPAN_IMPORT || (ino && s->ino != ino))
			continue;
		if (handle && s->handle == handle && s->importer == importer)
			return i;
		if (ino && last < 0)
			last = i;
		if (ino && open < 0 && s->open)
			open = i;
	}
	return open >= 0 ? open : last;
}

static void mark(struct timeline *t, enum mark_kind kind, const struct status_event *e)
{
	t->marks = grow(t->marks, t->nmarks, &t->marks_room, sizeof(*t->marks));
	t->marks[t->nmarks++] = (struct mark){
		.kind = kind, .at = t->to, .event = *e,
		.import = timeline_import(t, e->ino, e->importer, e->handle),
	};
}

/* A span from an event of an import, a mapping or a bracket. */
static struct span span_of(enum span_kind kind, const struct timeline *t,
			   const struct status_event *e)
{
	return (struct span){
		.kind = kind, .from = t->to, .to = t->to, .granted = t->to, .ending = t->to,
		.importer = e->importer, .exporter = e->exporter, .outcome = e->outcome,
		.prot = e->prot, .told = e->native, .entry = e->entry, .handle = e->handle,
		.tid = e->tid, .ino = e->ino, .addr = e->addr, .bytes = e->len, .import = -1,
	};
}

/* The number of that import among the open spans, or -1. */
static ssize_t find_import(const struct timeline *t, const struct status_event *e)
{
	for (size_t i = t->nopened; i-- > 0;) {
		const struct span *s = &t->spans[t->opened[i]];

		if (s->kind == SPAN_IMPORT && s->handle == e->handle &&
		    s->importer == e->importer &&
		    (s->entry && e->entry ? s->entry == e->entry : s->ino == e->ino))
			return i;
	}
	return -1;
}

static void on_import(struct timeline *t, const struct status_event *e)
{
	ssize_t i = find_import(t, e);
	struct span s = span_of(SPAN_IMPORT, t, e);

	if (i >= 0 && t->spans[t->opened[i]].ino == e->ino) {
		mark(t, MARK_AGAIN, e);
		return;
	}
	/* The handle holds another buffer now: the shim did not see it closed. */
	if (i >= 0)
		end(t, i, t->to, e->tid);
	s.learned = e->kind == EVENT_LEARN;
	timeline_add(t, s);
}

static void on_close(struct timeline *t, const struct status_event *e)
{
	ssize_t i = find_import(t, e);

	if (i < 0) {
		end_unseen(t, span_of(SPAN_IMPORT, t, e), t->from, e->tid);
		return;
	}
	/* An import that is known from its maps alone had no size so far. */
	t->spans[t->opened[i]].bytes = e->len;
	end(t, i, t->to, e->tid);
}

/* Adds the import of a mapping if no event has it: it was before a fork(), or before the ring. */
static void need_import(struct timeline *t, const struct status_event *e)
{
	struct span s = span_of(SPAN_IMPORT, t, e);

	for (size_t i = t->nspans; i-- > 0;)
		if (t->spans[i].kind == SPAN_IMPORT && t->spans[i].ino == e->ino &&
		    t->spans[i].handle == e->handle && t->spans[i].importer == e->importer)
			return;
	if (!e->ino || !e->handle)
		return;
	s.from = t->from;
	s.unseen = true;
	timeline_add(t, s);
}

/*
 * Takes [from, to) away from the @i-th open span, which ends so; what is left of it becomes new
 * spans.
 */
static void cut(struct timeline *t, size_t i, uint64_t from, uint64_t to, uint32_t tid)
{
	const struct span old = t->spans[t->opened[i]];
	uint64_t last = address_end(old.addr, old.bytes);
	struct span rest = old;

	end(t, i, t->to, tid);
	rest.split = true;
	rest.unseen = false;
	rest.from = rest.to = t->to;
	if (old.addr < from) {
		rest.bytes = from - old.addr;
		timeline_add(t, rest);
	}
	if (last > to) {
		rest.addr = to;
		rest.bytes = last - to;
		timeline_add(t, rest);
	}
}

/* Returns whether anything was mapped there. */
static bool unmap(struct timeline *t, uint64_t from, uint64_t to, uint32_t tid)
{
	bool found = false;

	for (size_t i = t->nopened; i-- > 0;) {
		const struct span *s = &t->spans[t->opened[i]];

		if (s->kind != SPAN_MAPPING || s->addr >= to ||
		    address_end(s->addr, s->bytes) <= from)
			continue;
		cut(t, i, from, to, tid);
		found = true;
	}
	return found;
}

static void on_map(struct timeline *t, const struct status_event *e)
{
	struct span s = span_of(SPAN_MAPPING, t, e);

	need_import(t, e);
	if (e->native == NATIVE_SIGBUS)
		mark(t, MARK_FAULT, e);
	else if (e->outcome == OUTCOME_REFUSED || e->native > 0)
		mark(t, MARK_REFUSAL, e);
	if (e->outcome == OUTCOME_DENIED)
		mark(t, MARK_DENIAL, e);
	if (e->outcome != OUTCOME_NATIVE && e->outcome != OUTCOME_DMABUF)
		return;
	/* This mapping has replaced what was there. */
	unmap(t, e->addr, address_end(e->addr, e->len), e->tid);
	s.import = timeline_import(t, e->ino, e->importer, e->handle);
	timeline_add(t, s);
}

static void on_unmap(struct timeline *t, const struct status_event *e)
{
	struct span s = span_of(SPAN_MAPPING, t, e);

	if (unmap(t, e->addr, address_end(e->addr, e->len), e->tid))
		return;
	s.import = timeline_import(t, e->ino, 0, 0);
	end_unseen(t, s, t->from, e->tid);
}

static void on_refusal(struct timeline *t, const struct status_event *e)
{
	need_import(t, e);
	mark(t, MARK_REFUSAL, e);
	if (e->outcome == OUTCOME_DENIED)
		mark(t, MARK_DENIAL, e);
	if (e->reason)
		mark(t, MARK_FALLBACK, e);
}

static ssize_t find_bracket(const struct timeline *t, uint64_t ino)
{
	for (size_t i = t->nopened; i-- > 0;)
		if (t->spans[t->opened[i]].kind == SPAN_BRACKET &&
		    t->spans[t->opened[i]].ino == ino)
			return i;
	return -1;
}

/* When a call that has returned began, but not before @earliest. */
static uint64_t called(const struct timeline *t, const struct status_event *e, uint64_t earliest)
{
	uint64_t at = e->took < t->to ? t->to - e->took : 0;

	return at > earliest ? at : earliest;
}

/* When the last bracket of the buffer @ino ended, or at least began. */
static uint64_t after_last(const struct timeline *t, uint64_t ino)
{
	for (size_t i = t->nspans; i-- > 0;) {
		const struct span *s = &t->spans[i];

		if (s->kind == SPAN_BRACKET && s->ino == ino)
			return s->open ? s->granted : s->to;
	}
	return t->from;
}

static void on_begin(struct timeline *t, const struct status_event *e)
{
	ssize_t i = find_bracket(t, e->ino);
	struct span s = span_of(SPAN_BRACKET, t, e);

	s.from = called(t, e, after_last(t, e->ino));
	s.import = timeline_import(t, e->ino, 0, 0);
	/* The events do not have the END of that bracket. */
	if (i >= 0) {
		t->spans[t->opened[i]].ending = s.from;
		end(t, i, s.from, e->tid);
	}
	timeline_add(t, s);
}

static void on_end(struct timeline *t, const struct status_event *e)
{
	ssize_t i = find_bracket(t, e->ino);
	struct span s = span_of(SPAN_BRACKET, t, e);

	if (i < 0) {
		uint64_t from = after_last(t, e->ino);

		s.ending = called(t, e, from);
		s.import = timeline_import(t, e->ino, 0, 0);
		end_unseen(t, s, from, e->tid);
		return;
	}
	t->spans[t->opened[i]].ending = called(t, e, t->spans[t->opened[i]].granted);
	end(t, i, t->to, e->tid);
}

static void on_policy(struct timeline *t, const struct status_event *e)
{
	mark(t, MARK_POLICY, e);
	/* This event's @handle is no handle. */
	t->marks[t->nmarks - 1].import = -1;
}

/*
 * A mapping ends with the program's unmap (EVENT_UNMAP), whether the shim then keeps its pages or
 * not.
 */
static void on_kept(struct timeline *t, const struct status_event *e)
{
	(void)t;
	(void)e;
}

/* What each event does; without a function it is a mark. */
static const struct {
	void (*act)(struct timeline *t, const struct status_event *e);
	enum mark_kind mark;
} kinds[EVENT_COUNT] = {
	[EVENT_IMPORT] = { .act = on_import },
	[EVENT_LEARN] = { .act = on_import },
	[EVENT_CLOSE] = { .act = on_close },
	[EVENT_MAP_IOCTL] = { .act = on_refusal },
	[EVENT_MAP] = { .act = on_map },
	[EVENT_UNMAP] = { .act = on_unmap },
	[EVENT_FALLBACK] = { .mark = MARK_FALLBACK },
	[EVENT_BEGIN] = { .act = on_begin },
	[EVENT_END] = { .act = on_end },
	[EVENT_OWED] = { .mark = MARK_OWED },
	[EVENT_TOUCH] = { .mark = MARK_TOUCH },
	[EVENT_POLICY] = { .act = on_policy },
	[EVENT_EXIT] = { .mark = MARK_EXIT },
	[EVENT_KEEP] = { .act = on_kept },
	[EVENT_LEAVE] = { .act = on_kept },
};

void timeline_events(struct timeline *t, const struct status *p)
{
	*t = (struct timeline){ .status = p, .from = p->head.made };
	/* Nothing is known from before the first event that is left. */
	if (p->nevents && (p->lost || p->events[0].at < t->from))
		t->from = p->events[0].at;
	if (t->from > INT64_MAX)
		t->from = INT64_MAX;
	t->to = t->from;
	for (const struct status_event *e = p->events; e < p->events + p->nevents; e++) {
		if (e->at > t->to)
			t->to = e->at < INT64_MAX ? e->at : INT64_MAX;
		if (kinds[e->kind].act)
			kinds[e->kind].act(t, e);
		else
			mark(t, kinds[e->kind].mark, e);
	}
}

void timeline_free(struct timeline *t)
{
	free(t->spans);
	free(t->marks);
	free(t->opened);
	*t = (struct timeline){ .status = NULL };
}
