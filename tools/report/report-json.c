// SPDX-License-Identifier: MIT
/* primeshim report --json: all that the status files have, as one object. */
#include "config.h"

#include <stdio.h>
#include <sys/mman.h>

#include <linux/dma-buf.h>

#include <json.h>

#include "lib/json-text.h"
#include "status/summary.h"
#include "report.h"

static const char *const counters[STAT_COUNT] = {
	[STAT_IMPORT] = "imports",
	[STAT_LEARNED] = "imports_learned",
	[STAT_STALE] = "handles_stale",
	[STAT_REFUSED] = "map_ioctls_refused",
	[STAT_OFFSET] = "map_ioctls_rescued",
	[STAT_REDIRECTED] = "mmaps_dmabuf",
	[STAT_NATIVE] = "mmaps_native",
	[STAT_FALLBACK] = "fallbacks",
	[STAT_DENIED] = "mmaps_denied",
	[STAT_EXPORT] = "exports_made_writable",
	[STAT_BEGIN] = "begins",
	[STAT_END] = "ends",
	[STAT_OWED] = "begins_owed",
	[STAT_BLOCKED] = "start_ns",
	[STAT_TOLD] = "told_to_driver",
	[STAT_OWN] = "own_syncs",
	[STAT_TOUCHED] = "touches",
	[STAT_IMPORT_OWN] = "imports_own",
	[STAT_IMPORT_UNKNOWN] = "imports_unknown",
	[STAT_LOST] = "ends_lost",
	[STAT_NO_DESCRIPTOR] = "maps_without_descriptor",
	[STAT_LATE] = "maps_before_fence",
	[STAT_DIRECT] = "direct_mmaps",
	[STAT_DIRECT_BUFFERS] = "direct_dmabufs",
	[STAT_DIRECT_SYNCED] = "direct_dmabufs_synced",
	[STAT_DIRECT_SYNC] = "direct_own_syncs",
	[STAT_DIRECT_REFUSED] = "direct_mmaps_refused",
	[STAT_KEPT] = "unmaps_kept",
	[STAT_WARM] = "maps_warm",
	[STAT_LEFT] = "kept_unmapped",
};

static const char *turn_text(const struct status_buffer *b)
{
	static const char *const texts[TURN_COUNT] = {
		[TURN_NONE] = "none", [TURN_CPU] = "rw", [TURN_CPU_LATER] = "owed",
		[TURN_DEVICE_READS] = "device reads", [TURN_DEVICE] = "device",
	};
	unsigned int turn = STATUS_TURN(b->turn);

	if (turn == TURN_CPU && STATUS_BRACKET(b->turn) == DMA_BUF_SYNC_READ)
		return "read";
	return turn < TURN_COUNT ? texts[turn] : NULL;
}

static struct json_object *pairs_of(const struct status *p)
{
	struct json_object *list = json_object_new_array();

	for (uint32_t i = 0; i < p->head.pairs.used; i++) {
		const struct status_pair *q = &p->pairs[i];
		struct json_object *e = json_object_new_object();

		json_text(e, "importer", device_name(p, q->importer));
		json_text(e, "exporter", device_name(p, q->exporter));
		json_text(e, "call", call_name(q->call));
		json_text(e, "native", native_name(q->native));
		json_text(e, "outcome", outcome_name(q->outcome));
		json_text(e, "reason", q->reason ? native_name(q->reason) : NULL);
		json_number(e, "count", q->count);
		json_number(e, "bytes", q->bytes);
		json_object_array_add(list, e);
	}
	return list;
}

static void add_buffer(struct json_object *e, const struct status *p, const struct status_buffer *b)
{
	json_text(e, "exporter", b ? device_name(p, b->exporter) : NULL);
	json_number(e, "inode", b ? b->ino : 0);
	json_number(e, "bytes", b ? b->size : 0);
	json_text(e, "bracket", b ? turn_text(b) : NULL);
}

static struct json_object *imports_of(const struct status *p)
{
	struct json_object *list = json_object_new_array();

	for (unsigned int i = 0; i < p->nimports; i++) {
		const struct status_import *imp = &p->imports[i];
		struct json_object *e = json_object_new_object();

		json_text(e, "importer", device_name(p, imp->importer));
		json_number(e, "handle", imp->handle);
		add_buffer(e, p, status_buffer_of(p, imp->buffer));
		json_number(e, "since_ns", imp->since);
		json_object_array_add(list, e);
	}
	return list;
}

static void add_mappings(struct json_object *list, const struct status *p, bool pid)
{
	for (unsigned int i = 0; i < p->nmappings; i++) {
		const struct status_mapping *m = &p->mappings[i];
		struct json_object *e = json_object_new_object();

		if (pid)
			json_number(e, "pid", p->head.pid);
		json_number(e, "start", m->start);
		json_number(e, "end", m->end);
		json_flag(e, "writable", m->prot & PROT_WRITE);
		json_flag(e, "native", m->by == MAPPED_NATIVE);
		json_flag(e, "direct", m->by == MAPPED_DIRECT);
		json_text(e, "importer", device_name(p, m->importer));
		add_buffer(e, p, status_buffer_of(p, m->buffer));
		json_number(e, "since_ns", m->since);
		json_object_array_add(list, e);
	}
}

void maps_json(const struct status *files, size_t n)
{
	struct json_object *list = json_object_new_array();

	for (size_t i = 0; i < n; i++)
		add_mappings(list, &files[i], true);
	json_print(list);
}

static struct json_object *counters_of(const struct status *files, size_t n)
{
	struct json_object *o = json_object_new_object();

	for (int i = 0; i < STAT_COUNT; i++)
		json_number(o, counters[i], counter_total(files, n, i));
	return o;
}

static struct json_object *process_of(const struct status *p)
{
	struct json_object *o = json_object_new_object(), *maps = json_object_new_array();
	char text[256];

	json_text(o, "program", p->head.program);
	json_number(o, "pid", p->head.pid);
	json_number(o, "ppid", p->head.ppid);
	json_text(o, "command", status_command(p, text, sizeof(text)));
	json_text(o, "life", life_name(p->life));
	json_text(o, "mode", mode_name(p->head.policy));
	json_text(o, "sync", sync_name(p->head.policy));
	json_text(o, "start_mode", mode_name(p->head.start_policy));
	json_text(o, "start_sync", sync_name(p->head.start_policy));
	json_flag(o, "forked", p->head.forked);
	json_text(o, "shim", p->head.shim);
	json_number(o, "bits", p->head.bits);
	json_number(o, "made_unix_ns", p->head.made_real);
	json_number(o, "age_ns", status_age(p));
	json_number(o, "imports_live", p->head.imports_live);
	json_number(o, "imports_most", p->head.imports_most);
	json_number(o, "kept_bytes", (uint64_t)p->head.kept << 10);
	json_number(o, "start_most_ns", p->head.blocked_most);
	json_number(o, "events", p->nevents);
	json_number(o, "events_lost", p->lost);
	json_number(o, "no_room", p->head.no_room);
	json_object_object_add(o, "counters", counters_of(p, 1));
	json_object_object_add(o, "pairs", pairs_of(p));
	json_object_object_add(o, "imports", imports_of(p));
	add_mappings(maps, p, false);
	json_object_object_add(o, "mappings", maps);
	return o;
}

static struct json_object *seen_of(const struct seen *s)
{
	struct json_object *list = json_object_new_array();

	for (size_t i = 0; i < s->n; i++) {
		struct json_object *e = json_object_new_object();

		json_text(e, "program", s->processes[i].program);
		json_number(e, "pid", s->processes[i].pid);
		json_text(e, "why", why_name(s->processes[i].why));
		json_flag(e, "drm", s->processes[i].drm);
		json_object_array_add(list, e);
	}
	return list;
}

void report_json(const struct evidence *e)
{
	struct json_object *o = json_object_new_object(), *list = json_object_new_array();
	struct verdict v = verdict_of(e);
	bool breaks;

	json_text(o, "answer", answer_text(v.row->answer));
	json_text(o, "situation", v.row->name);
	json_text(o, "verdict", v.text);
	json_text(o, "advice", *v.advice ? v.advice : NULL);
	if (*e->command)
		json_words(o, "command", e->command);
	if (e->status >= 0)
		json_number(o, "status", e->status);
	for (size_t i = 0; i < e->n; i++)
		json_object_array_add(list, process_of(&e->files[i]));
	json_object_object_add(o, "processes", list);
	json_object_object_add(o, "seen", e->seen ? seen_of(e->seen) : NULL);
	json_object_object_add(o, "total", counters_of(e->files, e->n));
	if (deny_text(e, &breaks))
		json_flag(o, "deny_would_break", breaks);
	else
		json_text(o, "deny_would_break", NULL);
	v = direct_verdict(e);
	json_text(o, "direct", v.row ? v.text : NULL);
	json_text(o, "direct_advice", v.row && *v.row->advice ? v.row->advice : NULL);
	json_print(o);
}
