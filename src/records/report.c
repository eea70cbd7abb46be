// SPDX-License-Identifier: MIT
/* Reports what happens with imports; see report.h. */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <sys/mman.h>

#include "kernel/sandbox.h"
#include "publish/names.h"
#include "publish/probes.h"
#include "publish/publish.h"
#include "publish/stats.h"
#include "settings/log.h"
#include "settings/settings.h"
#include "snapshot.h"
#include "state/mapping.h"
#include "report.h"
#include "who.h"

/* Does nobody want more than the counters? */
static bool nobody(unsigned short probe)
{
	return !settings.dir && !settings.log && !probe;
}

/* A negative errno as the status file has it: positive. */
static int16_t positive(int err)
{
	return err < 0 ? -err : 0;
}

struct label report_label(int fd, uint32_t handle, const struct buffer *b)
{
	struct names n = who_is(fd, b);
	struct label l;

	snprintf(l.text, sizeof(l.text), "%s handle %u <- %s, %llu bytes", name_text(n.importer),
		 handle, name_text(n.exporter), b ? (unsigned long long)buffer_size(b) : 0);
	return l;
}

static struct status_event event_of(enum status_event_kind kind, const struct names *n,
				    uint32_t handle, const struct buffer *b)
{
	return (struct status_event){
		.kind = kind, .importer = n->importer, .exporter = n->exporter, .handle = handle,
		.ino = buffer_id(b).ino, .len = buffer_size(b),
	};
}

/* Adds the event to its pair in the status file. */
static void pair(const struct status_event *e, enum status_call call)
{
	const struct status_pair key = {
		.importer = e->importer, .exporter = e->exporter, .call = call,
		.outcome = e->outcome, .native = e->native, .reason = e->reason,
	};

	if (!published())
		return;
	buffers_lock();
	publish_pair(&key, e->len);
	buffers_unlock();
}

void report_import(int fd, uint32_t handle, const struct buffer *b, enum how how)
{
	static const char *const texts[] = { "import", "import learned", "import changed" };
	struct status_event e;
	struct names n;

	stat_inc(how == HOW_SEEN ? STAT_IMPORT : how == HOW_LEARNED ? STAT_LEARNED : STAT_STALE);
	if (nobody(PROBE_WANTED(import)))
		return;
	n = who_is(fd, b);
	e = event_of(how == HOW_SEEN ? EVENT_IMPORT : EVENT_LEARN, &n, handle, b);
	if (!who_foreign(fd, b))
		stat_inc(STAT_IMPORT_UNKNOWN);
	snapshot_open();
	e.entry = who_slot(fd, handle, b);
	publish_event(e);
	pair(&e, how == HOW_SEEN ? CALL_IMPORT : CALL_LEARN);
	PROBE(5, import, name_text(n.importer), name_text(n.exporter), handle, e.ino, e.len);
	log_line("%s: %s", texts[how], report_label(fd, handle, b).text);
}

void report_own(void)
{
	stat_inc(STAT_IMPORT_OWN);
	if (settings.dir)
		snapshot_open();
}

void report_not_imported(int fd, const char *exporter, uint64_t size, int err)
{
	struct status_event e = { .outcome = OUTCOME_REFUSED, .native = positive(err),
				  .len = size };
	struct names n = who_is(fd, NULL);

	snapshot_open();
	buffers_lock();
	e.exporter = name_number(exporter);
	buffers_unlock();
	e.importer = n.importer;
	pair(&e, CALL_IMPORT);
	log_line("import refused: %s <- %s, %llu bytes: %s", name_text(n.importer), exporter,
		 (unsigned long long)size, log_errno(err));
}

void report_refused(int fd, uint32_t handle, const struct buffer *b, enum status_call call, int err,
		    enum status_outcome outcome, int reason)
{
	struct status_event e;
	struct names n;

	stat_inc(STAT_REFUSED);
	if (outcome == OUTCOME_OFFSET)
		stat_inc(STAT_OFFSET);
	else if (reason)
		stat_inc(STAT_FALLBACK);
	if (nobody(PROBE_WANTED(fallback)))
		return;
	n = who_is(fd, b);
	e = event_of(EVENT_MAP_IOCTL, &n, handle, b);
	snapshot_open();
	e.outcome = outcome;
	e.native = positive(err);
	e.reason = positive(reason);
	publish_event(e);
	pair(&e, call);
	if (reason)
		PROBE(5, fallback, name_text(n.importer), name_text(n.exporter), handle, e.ino,
		      e.reason);
	if (outcome == OUTCOME_OFFSET)
		return;
	if (!reason)
		log_line("map refused: %s: %s%s", report_label(fd, handle, b).text, log_errno(err),
			 mode_now() == MODE_OBSERVE ? "; redirect would map the dma-buf" : "");
	else
		log_line("fallback: %s: the dma-buf cannot be mapped: %s",
			 report_label(fd, handle, b).text, log_errno(err));
}

void report_address(int fd, uint32_t handle, const struct buffer *b, int err, uint64_t start,
		    uint64_t len, const void *p)
{
	struct status_event e;
	struct names n;

	stat_inc(STAT_REFUSED);
	stat_inc(STAT_REDIRECTED);
	if (nobody(PROBE_WANTED(map)))
		return;
	n = who_is(fd, b);
	e = event_of(EVENT_MAP, &n, handle, b);
	snapshot_open();
	e.outcome = OUTCOME_DMABUF;
	e.native = positive(err);
	e.addr = (uintptr_t)p;
	e.len = len;
	e.prot = PROT_READ | PROT_WRITE;
	publish_event(e);
	pair(&e, CALL_MAP_ADDRESS);
	PROBE(6, map, name_text(n.importer), name_text(n.exporter), e.ino, p, len, OUTCOME_DMABUF);
	log_line("map: %s: %llu bytes at %llu, rw: dma-buf", report_label(fd, handle, b).text,
		 (unsigned long long)len, (unsigned long long)start);
}

static const enum counter counted[] = {
	[OUTCOME_NATIVE] = STAT_NATIVE,
	[OUTCOME_DMABUF] = STAT_REDIRECTED,
	[OUTCOME_DENIED] = STAT_DENIED,
};

static void log_map(const struct map_report *m)
{
	const struct view *v = m->v;
	struct label l = report_label(v->fd, v->handle, v->buffer);
	unsigned long long delta = v->delta;

	if (m->outcome == OUTCOME_DENIED)
		log_line("denied: %s: %zu bytes at %llu", l.text, m->c->len, delta);
	else if (m->left)
		log_line("map: %s: %zu bytes at %llu: native: %s%s", l.text, m->c->len, delta,
			 m->native ? log_errno(-m->native) : "ok",
			 mode_now() != MODE_OBSERVE ? ", left alone" :
			 m->would ? m->would : "");
	else if (m->outcome != OUTCOME_REFUSED)
		log_line("map: %s: %zu bytes at %llu, %s%s: %s", l.text, m->c->len, delta,
			 m->c->prot & PROT_READ ? "r" : "-", m->c->prot & PROT_WRITE ? "w" : "-",
			 m->outcome == OUTCOME_NATIVE ? "native" : "dma-buf");
}

void report_map(const struct map_report *m)
{
	struct status_event e;
	struct names n;

	if (m->outcome != OUTCOME_REFUSED)
		stat_inc(counted[m->outcome]);
	if (nobody(PROBE_WANTED(map)))
		return;
	n = who_is(m->v->fd, m->v->buffer);
	e = event_of(EVENT_MAP, &n, m->v->handle, m->v->buffer);
	snapshot_open();
	e.outcome = m->outcome;
	e.native = m->native;
	e.reason = positive(m->reason);
	e.addr = (uintptr_t)m->p;
	e.len = m->c->len;
	e.prot = m->c->prot;
	publish_event(e);
	pair(&e, CALL_MMAP);
	PROBE(6, map, name_text(n.importer), name_text(n.exporter), e.ino, m->p, m->c->len,
	      m->outcome);
	if (settings.log)
		log_map(m);
}

void report_direct(struct direct_report *d)
{
	struct status_event e = {
		.kind = EVENT_MAP, .native = positive(d->err), .ino = buffer_id(d->b).ino,
		.outcome = d->err ? OUTCOME_REFUSED : OUTCOME_DMABUF, .addr = (uintptr_t)d->p,
		.len = d->c->len, .prot = d->c->prot,
	};

	d->note = NOTE_DIRECT;
	stat_inc(d->err ? STAT_DIRECT_REFUSED : STAT_DIRECT);
	if (nobody(PROBE_WANTED(map)))
		return;
	buffers_lock();
	e.importer = name_number(STATUS_ITSELF);
	e.exporter = d->b->exporter;
	buffers_unlock();
	d->note |= e.importer;
	snapshot_open();
	publish_event(e);
	pair(&e, CALL_DIRECT);
	PROBE(6, map, name_text(e.importer), name_text(e.exporter), e.ino, d->p, e.len, e.outcome);
	log_line("map: a dma-buf of %s by its own descriptor: %zu bytes, %s%s: %s",
		 name_text(e.exporter), d->c->len, d->c->prot & PROT_READ ? "r" : "-",
		 d->c->prot & PROT_WRITE ? "w" : "-", d->err ? log_errno(d->err) : "ok");
}

void report_fallback(const struct view *v, const struct mmap_call *c, int reason)
{
	struct status_event e = { .kind = EVENT_FALLBACK, .reason = positive(reason),
				  .handle = v->handle, .len = c->len };
	struct names n;

	stat_inc(STAT_FALLBACK);
	if (nobody(PROBE_WANTED(fallback)))
		return;
	snapshot_open();
	n = who_is(v->fd, v->buffer);
	e.importer = n.importer;
	e.exporter = n.exporter;
	if (v->buffer)
		e.ino = buffer_id(v->buffer).ino;
	publish_event(e);
	PROBE(5, fallback, name_text(n.importer), name_text(n.exporter), v->handle, e.ino,
	      e.reason);
	log_line("fallback: %s: %zu bytes at %llu: %s",
		 report_label(v->fd, v->handle, v->buffer).text, c->len,
		 (unsigned long long)v->delta, log_errno(reason));
}

void report_sandbox(void)
{
	const char *may = atomic_load(&sandbox_unsure) ? " may come" : "";
	char text[128];

	if (!sandbox_may(MAY_RECORD))
		log_line("a seccomp filter: imports are left as they are from here on");
	else if (*sandbox_lacks(text, sizeof(text)))
		log_line("a seccomp filter%s: without %s from here on", may, text);
}

static void tell_bracket(const struct buffer *b, enum status_event_kind kind,
			 unsigned int direction, uint64_t ns)
{
	if (!published())
		return;
	publish_event((struct status_event){ .kind = kind, .prot = direction, .took = ns,
					     .ino = buffer_id(b).ino, .len = buffer_size(b) });
	buffers_lock();
	publish_brackets(b->slot, kind == EVENT_BEGIN, kind == EVENT_END, kind == EVENT_OWED,
			 kind == EVENT_BEGIN ? ns : 0);
	buffers_unlock();
}

void report_begin(const struct buffer *b, unsigned int direction, uint64_t ns)
{
	stat_inc(STAT_BEGIN);
	stat_add(STAT_BLOCKED, ns);
	tell_bracket(b, EVENT_BEGIN, direction, ns);
	PROBE(3, begin, buffer_id(b).ino, direction, ns);
}

void report_end(const struct buffer *b, unsigned int direction, uint64_t ns)
{
	stat_inc(STAT_END);
	tell_bracket(b, EVENT_END, direction, ns);
	PROBE(2, end, buffer_id(b).ino, direction);
}

void report_owed(const struct buffer *b, unsigned int direction)
{
	stat_inc(STAT_OWED);
	tell_bracket(b, EVENT_OWED, direction, 0);
}
