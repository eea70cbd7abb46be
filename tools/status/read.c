// SPDX-License-Identifier: MIT
/*
 * Reads one status file; see status.h. The reader uses pread(), never a mapping: if somebody cuts
 * the file short meanwhile, the reader reports an error, and gets no SIGBUS.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/text.h"
#include "status.h"

/* No table has more entries, and no entry more bytes. Larger numbers are damage. */
#define MOST		(1U << 20)
#define LONGEST		4096U

struct source {
	int fd;
	const char *path;
	char *why;
	size_t len;
};

static int fail(const struct source *s, const char *what)
{
	snprintf(s->why, s->len, "%s: %s", s->path, what);
	return -1;
}

/* Reads [at, at + len), or as much of it as there is. Returns how many bytes, or -1. */
static ssize_t get(const struct source *s, void *to, size_t len, uint64_t at)
{
	size_t n = 0;

	while (n < len) {
		ssize_t got = pread(s->fd, (char *)to + n, len - n, at + n);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return fail(s, strerror(errno));
		if (!got)
			break;
		n += got;
	}
	return n;
}

/*
 * Reads the first @n entries of a table, @size bytes of each. A newer shim may write longer entries
 * under the same version; the reader ignores what they have more.
 */
static int get_table(const struct source *s, const struct status_section *t, uint32_t size,
		     uint32_t n, void *out)
{
	void **table = out;
	char *raw;
	ssize_t got;

	*table = calloc(n ? n : 1, size);
	raw = calloc(n ? n : 1, t->stride);
	if (!*table || !raw) {
		free(raw);
		return fail(s, "out of memory");
	}
	got = get(s, raw, (size_t)n * t->stride, t->offset);
	if (got >= 0 && (size_t)got < (size_t)n * t->stride)
		got = fail(s, "cut short: it ends in a table");
	for (uint32_t i = 0; got >= 0 && i < n; i++)
		memcpy((char *)*table + (size_t)i * size, raw + (size_t)i * t->stride, size);
	free(raw);
	return got < 0 ? -1 : 0;
}

static int check_section(const struct source *s, const struct status_file *h,
			 const struct status_section *t, uint32_t size)
{
	if (t->stride < size || t->stride > LONGEST || !t->n || t->n > MOST ||
	    t->offset < sizeof(*h) || t->offset > h->size ||
	    (uint64_t)t->stride * t->n > h->size - t->offset)
		return fail(s, "damaged: a table lies outside of the file");
	return 0;
}

static int check_head(const struct source *s, struct status_file *h, uint64_t size)
{
	if (memcmp(h->magic, STATUS_MAGIC, sizeof(h->magic)))
		return fail(s, "no status file of primeshim");
	if (h->order != STATUS_ORDER)
		return fail(s, "written on a machine of another byte order: read it there");
	if (h->version != STATUS_VERSION) {
		snprintf(s->why, s->len,
			 "%s: a status file of version %u, and this primeshim reads %u: use the "
			 "primeshim that came with the shim",
			 s->path, h->version, STATUS_VERSION);
		return -1;
	}
	if (h->size < sizeof(*h) || h->size > size) {
		snprintf(s->why, s->len, "%s: cut short: %llu of %u bytes", s->path,
			 (unsigned long long)size, h->size);
		return -1;
	}
	if (check_section(s, h, &h->names, sizeof(status_name)) ||
	    check_section(s, h, &h->pairs, sizeof(struct status_pair)) ||
	    check_section(s, h, &h->buffers, sizeof(struct status_buffer)) ||
	    check_section(s, h, &h->imports, sizeof(struct status_import)) ||
	    check_section(s, h, &h->mappings, sizeof(struct status_mapping)) ||
	    check_section(s, h, &h->events, sizeof(struct status_event)))
		return -1;
	h->program[sizeof(h->program) - 1] = '\0';
	text_tame(h->program, false);
	h->command[sizeof(h->command) - 1] = '\0';
	h->shim[sizeof(h->shim) - 1] = '\0';
	/* An unknown policy has no name. */
	if (STATUS_MODE(h->policy) >= MODE_COUNT || STATUS_SYNC(h->policy) >= SYNC_COUNT)
		h->policy = h->start_policy;
	if (STATUS_MODE(h->start_policy) >= MODE_COUNT ||
	    STATUS_SYNC(h->start_policy) >= SYNC_COUNT)
		return fail(s, "damaged: there is no such mode");
	return 0;
}

static uint32_t used(const struct status_section *t)
{
	return t->used < t->n ? t->used : t->n;
}

static int get_names(const struct source *s, struct status *p)
{
	p->head.names.used = used(&p->head.names);
	if (get_table(s, &p->head.names, sizeof(status_name), p->head.names.used, &p->names))
		return -1;
	for (uint32_t i = 0; i < p->head.names.used; i++) {
		p->names[i][STATUS_NAME_LEN - 1] = '\0';
		text_tame(p->names[i], false);
	}
	return 0;
}

static int get_pairs(const struct source *s, struct status *p)
{
	uint32_t n = 0;

	if (get_table(s, &p->head.pairs, sizeof(struct status_pair), used(&p->head.pairs),
		      &p->pairs))
		return -1;
	for (uint32_t i = 0; i < used(&p->head.pairs); i++)
		if (p->pairs[i].call < CALL_COUNT && p->pairs[i].outcome < OUTCOME_COUNT)
			p->pairs[n++] = p->pairs[i];
	p->head.pairs.used = n;
	return 0;
}

/*
 * Reads a table twice, and keeps the live entries whose seq was the same even number both times:
 * these are whole. Moves them to the front; @place[entry + 1] is an entry's new index + 1.
 */
static int get_live(const struct source *s, const struct status_section *t, uint32_t size,
		    void *out, unsigned int *n, unsigned int *place)
{
	char **table = out, *again = NULL;
	uint32_t room = used(t);
	int ret;

	ret = get_table(s, t, size, room, table);
	if (!ret)
		ret = get_table(s, t, size, room, &again);
	for (uint32_t i = 0; !ret && i < room; i++) {
		const char *e = *table + (size_t)i * size;
		shared_u32 seq, now;

		memcpy(&seq, e, sizeof(seq));
		memcpy(&now, again + (size_t)i * size, sizeof(now));
		/* Entries of all tables have @live behind @seq. */
		if (seq != now || seq & 1 || e[sizeof(seq)] != 1)
			continue;
		if (place)
			place[i + 1] = *n + 1;
		memmove(*table + (size_t)(*n)++ * size, e, size);
	}
	free(again);
	return ret;
}

static int get_tables(const struct source *s, struct status *p)
{
	const struct status_file *h = &p->head;

	p->buffer_of = calloc(h->buffers.n + 1, sizeof(*p->buffer_of));
	if (!p->buffer_of)
		return fail(s, "out of memory");
	if (get_live(s, &h->buffers, sizeof(*p->buffers), &p->buffers, &p->nbuffers,
		     p->buffer_of) ||
	    get_live(s, &h->imports, sizeof(*p->imports), &p->imports, &p->nimports, NULL) ||
	    get_live(s, &h->mappings, sizeof(*p->mappings), &p->mappings, &p->nmappings, NULL))
		return -1;
	return 0;
}

/* Reads how many events there have been by now. */
static int count_events(const struct source *s, uint32_t *n)
{
	struct status_file now;
	ssize_t got = get(s, &now, sizeof(now), 0);

	if (got < (ssize_t)sizeof(now))
		return got < 0 ? -1 : fail(s, "cut short: it ends in its head");
	*n = now.events.used;
	return 0;
}

/*
 * Reads the events that the ring still has, in order. Leaves out events that the process overwrote
 * meanwhile, which may be torn, and events that it had not finished.
 */
static int get_events(const struct source *s, struct status *p)
{
	const struct status_section *t = &p->head.events;
	uint32_t before, after, first;
	struct status_event *ring;

	if (count_events(s, &before) ||
	    get_table(s, t, sizeof(*ring), t->n, &ring))
		return -1;
	p->events = calloc(t->n, sizeof(*p->events));
	if (!p->events || count_events(s, &after)) {
		free(ring);
		return p->events ? -1 : fail(s, "out of memory");
	}
	first = after > t->n ? after - t->n : 0;
	for (uint32_t i = first; i < before && i - first < t->n; i++) {
		const struct status_event *e = &ring[i % t->n];

		if (e->seq == i + 1 && e->kind > EVENT_NONE && e->kind < EVENT_COUNT &&
		    e->outcome < OUTCOME_COUNT)
			p->events[p->nevents++] = *e;
	}
	p->lost = first;
	free(ring);
	return 0;
}

int status_read(const char *path, struct status *p, char *why, size_t len)
{
	struct source s = { open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK), path, why,
			    len };
	struct stat st = { 0 };
	ssize_t got;
	int ret = -1;

	*p = (struct status){ .life = LIFE_RUNNING };
	if (s.fd < 0)
		return fail(&s, strerror(errno));
	if (fstat(s.fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		fail(&s, "not a file");
	} else {
		got = get(&s, &p->head, sizeof(p->head), 0);
		if (got >= 0 && got < (ssize_t)sizeof(p->head))
			fail(&s, got < 8 || memcmp(p->head.magic, STATUS_MAGIC, 8) ?
			     "no status file of primeshim" : "cut short: it ends in its head");
		else if (got >= 0)
			ret = check_head(&s, &p->head, st.st_size) || get_names(&s, p) ||
			      get_pairs(&s, p) || get_tables(&s, p) || get_events(&s, p);
	}
	close(s.fd);
	p->path = ret ? NULL : strdup(path);
	if (!ret && p->path)
		return 0;
	status_free(p);
	return -1;
}

void status_free(struct status *p)
{
	free(p->path);
	free(p->names);
	free(p->pairs);
	free(p->buffers);
	free(p->imports);
	free(p->mappings);
	free(p->buffer_of);
	free(p->events);
	*p = (struct status){ .path = NULL };
}

const char *device_name(const struct status *p, unsigned int name)
{
	return name < p->head.names.used && p->names[name][0] ? p->names[name] : "?";
}

const struct status_buffer *status_buffer_of(const struct status *p, unsigned int buffer)
{
	if (buffer > p->head.buffers.n || !p->buffer_of[buffer])
		return NULL;
	return &p->buffers[p->buffer_of[buffer] - 1];
}

const char *status_command(const struct status *p, char *text, size_t len)
{
	const char *c = p->head.command;
	size_t n = 0;

	if (!len)
		return "";
	/* A NUL ends each argument. Two in a row are the end, or an empty argument. */
	for (size_t i = 0; i < sizeof(p->head.command) - 1 && n + 1 < len && (c[i] || c[i + 1]);
	     i++)
		text[n++] = c[i] ? c[i] : ' ';
	text[n] = '\0';
	text_tame(text, false);
	if (!n)
		snprintf(text, len, "%s", p->head.program);
	return text;
}
