// SPDX-License-Identifier: MIT
/*
 * Writes timelines in the Trace Event Format, which ui.perfetto.dev, chrome://tracing and
 * speedscope read. Its times are microseconds, here with three digits behind the point.
 *
 * Imports, mappings and brackets are nestable asynchronous events (b, e), since they overlap and
 * may end in another thread than the one that began them. Each import and mapping has a track, and
 * all brackets of a dma-buf share one. START and END, which block, are also complete events (X) of
 * their threads.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "lib/json-text.h"
#include "lib/memory.h"
#include "timeline.h"
#include "trace-event.h"
#include "trace.h"

/* Linux has no larger process numbers. */
#define PIDS	(UINT64_C(1) << 22)

/* Writes the beginning or the end of an asynchronous event; @args may be NULL. */
static void put_half(struct writer *w, const char *ph, const char *cat, const char *name,
		     uint32_t tid, uint64_t at, uint64_t id, struct json_object *args)
{
	struct json_object *o = timed(w, ph, cat, name, tid, at);

	add_hex(o, "id", id);
	if (args)
		json_object_object_add(o, "args", args);
	put(w, o);
}

static struct json_object *args_of(const struct writer *w, const struct span *s)
{
	struct json_object *o = json_object_new_object();

	if (s->kind != SPAN_BRACKET) {
		json_text(o, "importer", device_name(w->t.status, s->importer));
		json_text(o, "exporter", device_name(w->t.status, s->exporter));
	}
	if (s->kind == SPAN_IMPORT) {
		json_number(o, "handle", s->handle);
		json_flag(o, "learned", s->learned);
	}
	json_number(o, "dma-buf", s->ino);
	json_number(o, "bytes", s->bytes);
	if (s->kind == SPAN_MAPPING) {
		add_hex(o, "address", s->addr);
		json_text(o, "direction", direction_name(s->prot));
		json_text(o, "by", s->outcome == OUTCOME_NATIVE ? "driver" : "dma-buf");
		json_text(o, "driver said", native_name(s->told));
		if (s->split)
			json_text(o, "note", "what an munmap in the middle has left");
	}
	if (s->unseen)
		json_text(o, "begin", "before the first event that is left");
	if (s->open)
		json_text(o, "end", "had not ended");
	return o;
}

static void put_span(struct writer *w, const struct span *s)
{
	const char *cat = span_word(s->kind);
	char label[128], name[160];

	span_label(&w->t, s, label, sizeof(label));
	snprintf(name, sizeof(name), "%s%s", s->kind == SPAN_MAPPING ? "map of " : "", label);
	w->ids++;
	put_half(w, "b", cat, name, s->tid, s->from, w->ids, args_of(w, s));
	put_half(w, "e", cat, name, s->open ? s->tid : s->tid_end, s->to, w->ids, NULL);
}

/* No slice of a thread may begin before @until: they must not overlap. */
struct thread {
	uint32_t tid;
	uint64_t until;
};

static struct thread *thread_of(struct writer *w, uint32_t tid)
{
	for (size_t i = 0; i < w->nthreads; i++)
		if (w->threads[i].tid == tid)
			return &w->threads[i];
	w->threads = memory_more(w->threads, w->nthreads + 1, sizeof(*w->threads));
	w->threads[w->nthreads] = (struct thread){ .tid = tid };
	return &w->threads[w->nthreads++];
}

/* Writes START or END as a slice of its thread, behind the slice before. */
static void put_call(struct writer *w, const char *name, uint32_t tid, uint64_t from, uint64_t to)
{
	struct thread *thread = thread_of(w, tid);
	struct json_object *o;

	if (from < thread->until)
		from = thread->until;
	if (to < from)
		to = from;
	thread->until = to;
	o = timed(w, "X", "sync", name, tid, from);
	json_object_object_add(o, "dur", micros(to - from));
	put(w, o);
}

static void put_bracket(struct writer *w, const struct span *s, uint64_t id)
{
	char label[128], name[160];

	span_label(&w->t, s, label, sizeof(label));
	snprintf(name, sizeof(name), "%s of %s", direction_name(s->prot), label);
	put_half(w, "b", "bracket", name, s->tid, s->from, id, args_of(w, s));
	if (!s->unseen) {
		put_half(w, "b", "bracket", "START", s->tid, s->from, id, NULL);
		put_half(w, "e", "bracket", "START", s->tid, s->granted, id, NULL);
	}
	if (!s->open) {
		put_half(w, "b", "bracket", "END", s->tid_end, s->ending, id, NULL);
		put_half(w, "e", "bracket", "END", s->tid_end, s->to, id, NULL);
	}
	put_half(w, "e", "bracket", name, s->open ? s->tid : s->tid_end, s->to, id, NULL);
}

/* Writes all brackets of a dma-buf on one track. @done: the bracket has been written. */
static void put_brackets(struct writer *w)
{
	const struct timeline *t = &w->t;
	bool *done = memory_new(t->nspans, sizeof(*done));

	for (size_t i = 0; i < t->nspans; i++) {
		if (t->spans[i].kind != SPAN_BRACKET || done[i])
			continue;
		w->ids++;
		for (size_t j = i; j < t->nspans; j++) {
			const struct span *s = &t->spans[j];

			if (s->kind != SPAN_BRACKET || s->ino != t->spans[i].ino)
				continue;
			put_bracket(w, s, w->ids);
			done[j] = true;
		}
	}
	free(done);
}

/* Goes by the events, which have the order of each thread. */
static void put_calls(struct writer *w)
{
	const struct status *p = w->t.status;
	uint64_t at = 0;

	for (unsigned int i = 0; i < p->nevents; i++) {
		const struct status_event *e = &p->events[i];
		char name[32];

		if (e->at > at)
			at = e->at < INT64_MAX ? e->at : INT64_MAX;
		if (e->kind != EVENT_BEGIN && e->kind != EVENT_END)
			continue;
		snprintf(name, sizeof(name), "%s %s", e->kind == EVENT_BEGIN ? "START" : "END",
			 direction_name(e->prot));
		put_call(w, name, e->tid, e->took < at ? at - e->took : 0, at);
	}
}

static void put_mark(struct writer *w, const struct mark *m)
{
	const struct timeline *t = &w->t;
	const struct status_event *e = &m->event;
	struct json_object *o, *args = json_object_new_object();
	char text[192], label[128];

	o = timed(w, "i", mark_word(m->kind), mark_text(t, m, text, sizeof(text)), e->tid, m->at);
	json_text(o, "s", m->kind == MARK_POLICY || m->kind == MARK_EXIT ? "p" : "t");
	if (m->import >= 0)
		json_text(args, "import",
			  span_label(t, &t->spans[m->import], label, sizeof(label)));
	if (e->ino)
		json_number(args, "dma-buf", e->ino);
	if (e->len)
		json_number(args, "bytes", e->len);
	json_object_object_add(o, "args", args);
	put(w, o);
}

static void put_meta(struct writer *w, const char *what, const char *key, const char *text)
{
	struct json_object *o = event(w, "M", NULL, what, w->t.status->head.pid);
	struct json_object *args = json_object_new_object();

	json_text(args, key, text);
	json_object_object_add(o, "args", args);
	put(w, o);
}

static void put_process(struct writer *w)
{
	const struct status *p = w->t.status;
	char text[512], command[sizeof(p->head.command)];

	snprintf(text, sizeof(text), "%s", p->head.program);
	put_meta(w, "process_name", "name", text);
	snprintf(text, sizeof(text), "mode %s, sync %s, %s, process %u: %s",
		 mode_name(p->head.start_policy), sync_name(p->head.start_policy),
		 life_name(p->life), p->head.pid, status_command(p, command, sizeof(command)));
	put_meta(w, "process_labels", "labels", text);
	if (p->lost) {
		struct json_object *o = timed(w, "i", "lost", "events before this are lost",
					      p->head.pid, w->t.from);
		struct json_object *args = json_object_new_object();

		json_text(o, "s", "p");
		json_number(args, "events lost", p->lost);
		json_object_object_add(o, "args", args);
		put(w, o);
	}
}

static void put_status(struct writer *w, const struct status *p)
{
	timeline_of(&w->t, p);
	put_process(w);
	for (size_t i = 0; i < w->t.nspans; i++)
		if (w->t.spans[i].kind != SPAN_BRACKET)
			put_span(w, &w->t.spans[i]);
	put_brackets(w);
	put_calls(w);
	for (size_t i = 0; i < w->t.nmarks; i++)
		put_mark(w, &w->t.marks[i]);
	trace_counters(w);
	timeline_free(&w->t);
	free(w->threads);
	w->threads = NULL;
	w->nthreads = 0;
}

static void put_tail(struct writer *w, const struct status *files, size_t n)
{
	struct json_object *o = json_object_new_object();
	uint64_t lost = 0, no_room = 0;

	for (size_t i = 0; i < n; i++) {
		lost += files[i].lost;
		no_room += files[i].head.no_room;
	}
	json_text(o, "writer", "primeshim " PACKAGE_VERSION);
	json_text(o, "clock", "CLOCK_MONOTONIC");
	json_number(o, "processes", n);
	json_number(o, "events lost", lost);
	json_number(o, "entries without room", no_room);
	fprintf(w->f, "\n],\n\"displayTimeUnit\":\"ns\",\n\"otherData\":%s}\n",
		json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN));
	json_object_put(o);
}

void trace_json(FILE *f, const struct status *files, size_t n)
{
	struct writer w = { .f = f };

	fputs("{\"traceEvents\":[\n", f);
	for (size_t i = 0; i < n; i++) {
		w.pid = files[i].head.pid;
		/*
		 * After exec(), or if the kernel reused the number, the trace shows another
		 * process.
		 */
		for (size_t j = 0; j < i; j++)
			if (files[j].head.pid == files[i].head.pid)
				w.pid += PIDS;
		put_status(&w, &files[i]);
	}
	put_tail(&w, files, n);
}
