// SPDX-License-Identifier: MIT
/*
 * What a process does, as lines in ftrace's trace_marker. The kernel stamps a line with the time it
 * was written, which is later than what it tells of. So each has its own time (at=,
 * CLOCK_MONOTONIC) for people, and for gpuvis, which moves it there, what that reads out of such
 * lines: tid= for the thread, offset= in nanoseconds from when it was written, and duration= in
 * milliseconds. A span is told twice, when it begins and when it has ended.
 */
#include "config.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "timeline.h"
#include "trace.h"

#define POLL_NS		1000000L
#define ALIVE_POLLS 100 /* every so many polls it is asked whether the process is still there */

struct followed {
	struct page *page;
	struct timeline t;
	int fd;			/* of the page's file, or -1: it has ended */
	uint32_t seen;		/* events so far */
};

static const char *marker_path;
static int marker = -1;
static volatile sig_atomic_t interrupted;

static void on_signal(int sig)
{
	(void)sig;
	interrupted = 1;
}

static void open_marker(const char *path)
{
	static const char *const paths[] = { "/sys/kernel/tracing/trace_marker",
					     "/sys/kernel/debug/tracing/trace_marker" };

	for (size_t i = 0; !path && i < 2; i++)
		if (!access(paths[i], F_OK) || errno != ENOENT)
			path = paths[i];
	if (!path)
		errx(2,
		     "there is no %s: mount it, as root: mount -t tracefs nodev /sys/kernel/tracing",
		     paths[0]);
	marker_path = path;
	marker = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
	if (marker < 0 && (errno == EACCES || errno == EPERM))
		err(2, "%s (root may write it)", path);
	if (marker < 0)
		err(2, "%s", path);
}

static uint64_t monotonic(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * UINT64_C(1000000000) + t.tv_nsec;
}

/* One line, in one write, as the kernel makes an entry of each. @took: -1, or how long it was. */
static void put(uint32_t tid, uint64_t at, int64_t took, const char *what, const char *text)
{
	char clean[256], line[512];
	int n;

	clean_text(text, clean, sizeof(clean));
	/* Only the words below may look like what gpuvis reads. */
	for (char *c = clean; (c = strchr(c, '='));)
		*c = '?';
	n = snprintf(line, sizeof(line), "primeshim %s: %s at=%llu.%09llu tid=%u offset=%lld", what,
		     clean, (unsigned long long)at / 1000000000,
		     (unsigned long long)at % 1000000000, tid, (long long)(at - monotonic()));
	if (took >= 0)
		n += snprintf(line + n, sizeof(line) - n, " duration=%.6f", took / 1e6);
	line[n++] = '\n';
	while (write(marker, line, n) < 0) {
		if (errno == EBADF)
			errx(2, "%s: tracing is off: write 1 to tracing_on beside it", marker_path);
		if (errno != EINTR)
			err(2, "%s", marker_path);
	}
}

static void put_span(uint32_t tid, uint64_t at, int64_t took, const char *what,
		     const struct timeline *t, const struct span *s)
{
	char label[128], text[192];

	span_label(t, s, label, sizeof(label));
	if (s->kind == SPAN_BRACKET)
		snprintf(text, sizeof(text), "%s of %s%s", direction_name(s->prot), label,
			 took >= 0 && s->open ? ", not ended" : "");
	else
		snprintf(text, sizeof(text), "%s, %llu bytes%s", label,
			 (unsigned long long)s->bytes, took >= 0 && s->open ? ", not ended" : "");
	put(tid, at, took, what, text);
}

static void on_ended(struct timeline *t, const struct span *s)
{
	static const char *const words[] = { "imported", "mapped", "bracket" };

	put_span(s->tid, s->from, s->to - s->from, words[s->kind], t, s);
}

static void on_marked(struct timeline *t, const struct mark *m)
{
	char what[192], label[128], text[336];

	mark_text(t, m, what, sizeof(what));
	if (m->import >= 0)
		snprintf(text, sizeof(text), "%s: %s",
			 span_label(t, &t->spans[m->import], label, sizeof(label)), what);
	put(m->event.tid, m->at, -1, mark_word(m->kind), m->import >= 0 ? text : what);
}

/* The beginning of what has an end. */
static void put_event(const struct timeline *t, const struct status_event *e)
{
	static const struct {
		const char *what;
		enum span_kind kind;
	} words[EVENT_COUNT] = {
		[EVENT_IMPORT] = { "import", SPAN_IMPORT },
		[EVENT_LEARN] = { "import", SPAN_IMPORT },
		[EVENT_MAP] = { "map", SPAN_MAPPING },
		[EVENT_BEGIN] = { "START", SPAN_BRACKET },
		[EVENT_END] = { "END", SPAN_BRACKET },
	};
	struct span s = { .kind = words[e->kind].kind, .prot = e->prot, .ino = e->ino,
			  .bytes = e->len, .importer = e->importer, .exporter = e->exporter,
			  .handle = e->handle,
			  .import = timeline_import(t, e->ino, e->importer, e->handle) };
	uint64_t took = e->took < t->to ? e->took : t->to;

	if (!words[e->kind].what ||
	    (e->kind == EVENT_MAP && e->outcome != OUTCOME_NATIVE && e->outcome != OUTCOME_DMABUF))
		return;
	put_span(e->tid, s.kind == SPAN_BRACKET ? t->to - took : t->to,
		 s.kind == SPAN_BRACKET ? (int64_t)took : -1, words[e->kind].what, t, &s);
}

static void tell_lost(const struct followed *f, uint32_t n)
{
	char text[64];

	if (!n)
		return;
	snprintf(text, sizeof(text), "%u events before this", n);
	put(f->page->head.pid, f->t.to, -1, "lost", text);
}

static void one_event(struct followed *f, const struct status_event *e)
{
	timeline_event(&f->t, e);
	put_event(&f->t, e);
}

/* Names that were not there when the page was read. */
static void more_names(struct followed *f, const struct status_event *e)
{
	struct page again;
	char why[256];
	status_name *names = f->page->names;

	if (e->importer < f->page->head.names.used && e->exporter < f->page->head.names.used)
		return;
	if (page_read(f->page->path, &again, why, sizeof(why)) < 0)
		return;
	f->page->names = again.names;
	f->page->head.names.used = again.head.names.used;
	again.names = names;
	page_free(&again);
}

/* Event @number of the ring: 1, 0 it is not there yet, or -1 it is lost. */
static int read_event(const struct followed *f, uint32_t number, struct status_event *e)
{
	const struct status_section *ring = &f->page->head.events;
	off_t at = ring->offset + (off_t)((number - 1) % ring->n) * ring->stride;
	struct status_event again;

	if (pread(f->fd, e, sizeof(*e), at) != sizeof(*e) ||
	    pread(f->fd, &again, sizeof(again), at) != sizeof(again))
		return -1;
	/* The same twice was not being written. */
	if (memcmp(e, &again, sizeof(again)))
		return 0;
	if (e->seq == number)
		return e->kind > EVENT_NONE && e->kind < EVENT_COUNT && e->outcome < OUTCOME_COUNT ?
		       1 : -1;
	return e->seq > number ? -1 : 0;
}

static void follow(struct followed *f)
{
	uint32_t used = f->seen, lost = 0;
	struct status_event e;
	int got = 1;

	if (pread(f->fd, &used, sizeof(used), offsetof(struct status_file, events.used)) !=
	    sizeof(used))
		return;
	if (used > f->seen && used - f->seen > f->page->head.events.n) {
		lost = used - f->page->head.events.n - f->seen;
		f->seen += lost;
	}
	while (f->seen < used && got) {
		got = read_event(f, f->seen + 1, &e);
		f->seen += !!got;
		lost += got < 0;
		if (got <= 0)
			continue;
		tell_lost(f, lost);
		lost = 0;
		more_names(f, &e);
		one_event(f, &e);
	}
	tell_lost(f, lost);
}

/* Is the program that made the page still there? */
static bool alive(const struct followed *f)
{
	char why[256], *path = page_of_pid(f->page->head.pid, why, sizeof(why));
	bool same = path && !strcmp(path, f->page->path);

	free(path);
	return same;
}

static void finish(struct followed *f)
{
	struct page again;
	char why[256];

	/* As it has become by now: how the process ended, and what is left in its tables. */
	if (f->fd >= 0 && !page_read(f->page->path, &again, why, sizeof(why))) {
		again.life = alive(f) ? LIFE_RUNNING :
			     again.head.state == STATUS_EXITED ? LIFE_EXITED : LIFE_KILLED;
		page_free(f->page);
		*f->page = again;
	}
	timeline_finish(&f->t);
	if (f->fd >= 0)
		close(f->fd);
	f->fd = -1;
}

static void start(struct followed *f, struct page *p)
{
	*f = (struct followed){ .page = p, .fd = -1, .seen = p->lost };
	timeline_begin(&f->t, p);
	f->t.ended = on_ended;
	f->t.marked = on_marked;
	tell_lost(f, p->lost);
	for (unsigned int i = 0; i < p->nevents; i++) {
		one_event(f, &p->events[i]);
		f->seen = p->events[i].seq;
	}
	if (p->life == LIFE_RUNNING)
		f->fd = open(p->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (f->fd < 0)
		finish(f);
}

void trace_ftrace(const char *path, struct page *pages, size_t n)
{
	const struct timespec interval = { .tv_nsec = POLL_NS };
	struct sigaction act = { .sa_handler = on_signal };
	struct followed *all = calloc(n, sizeof(*all));
	bool more = true;

	if (!all)
		err(2, "a trace");
	open_marker(path);
	sigaction(SIGINT, &act, NULL);
	sigaction(SIGTERM, &act, NULL);
	for (size_t i = 0; i < n; i++)
		start(&all[i], &pages[i]);
	for (unsigned int polls = 1; more; polls++) {
		bool ask = interrupted || polls % ALIVE_POLLS == 0;

		more = false;
		for (size_t i = 0; i < n; i++) {
			bool gone = all[i].fd >= 0 && ask && (interrupted || !alive(&all[i]));

			if (all[i].fd < 0)
				continue;
			/* What it has written by the time it was found to be gone is all. */
			follow(&all[i]);
			if (gone)
				finish(&all[i]);
			else
				more = true;
		}
		if (more)
			nanosleep(&interval, NULL);
	}
	for (size_t i = 0; i < n; i++)
		timeline_free(&all[i].t);
	free(all);
	close(marker);
}
