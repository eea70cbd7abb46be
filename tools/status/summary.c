// SPDX-License-Identifier: MIT
/* Adds up the counters of status files; see summary.h. */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "lib/memory.h"
#include "summary.h"

static struct summary *summary_of(const struct status *p, const struct status_pair *q,
				  struct summary *all, unsigned int *n)
{
	const char *importer = device_name(p, q->importer), *exporter = device_name(p, q->exporter);
	unsigned int i = 0;

	while (i < *n && (strcmp(all[i].importer, importer) || strcmp(all[i].exporter, exporter)))
		i++;
	if (i == *n)
		all[(*n)++] = (struct summary){ .importer = importer, .exporter = exporter };
	return &all[i];
}

static void add_map_ioctl(struct summary *s, const struct status_pair *q)
{
	s->refused += q->count;
	if (q->outcome == OUTCOME_OFFSET || q->outcome == OUTCOME_DMABUF)
		s->rescued += q->count;
	if (q->call == CALL_MAP_ADDRESS && q->outcome == OUTCOME_DMABUF)
		s->dmabuf += q->count;
}

static void add_mmap(struct summary *s, const struct status_pair *q)
{
	if (q->native == NATIVE_SIGBUS)
		s->sigbus += q->count;
	switch (q->outcome) {
	case OUTCOME_NATIVE:
		s->native += q->count;
		break;
	case OUTCOME_DMABUF:
		s->dmabuf += q->count;
		break;
	case OUTCOME_DENIED:
		s->denied += q->count;
		break;
	default:
		s->failed += q->count;
		if (!s->mmap_error)
			s->mmap_error = q->native;
	}
}

static void add_pair(struct summary *s, const struct status_pair *q)
{
	switch (q->call) {
	case CALL_LEARN:
		s->learned += q->count;
		/* fallthrough */
	case CALL_IMPORT:
		if (q->outcome == OUTCOME_REFUSED) {
			s->no_import += q->count;
			if (!s->import_error)
				s->import_error = q->native;
			return;
		}
		s->imports += q->count;
		s->bytes += q->bytes;
		return;
	case CALL_MMAP:
		add_mmap(s, q);
		break;
	case CALL_DIRECT:	/* direct.h */
		return;
	default:
		add_map_ioctl(s, q);
	}
	if (q->native > 0 && !s->error)
		s->error = q->native;
	if (q->reason > 0) {
		s->fallbacks += q->count;
		if (!s->reason)
			s->reason = q->reason;
	}
}

struct summary *summarize(const struct status *p, unsigned int *n)
{
	struct summary *all = memory_new(p->head.pairs.used, sizeof(*all));

	*n = 0;
	for (uint32_t i = 0; i < p->head.pairs.used; i++)
		if (p->pairs[i].call != CALL_DIRECT)
			add_pair(summary_of(p, &p->pairs[i], all, n), &p->pairs[i]);
	return all;
}

struct summary summary_total(const struct status *files, size_t n)
{
	struct summary total = { .importer = NULL };

	for (size_t i = 0; i < n; i++)
		for (uint32_t j = 0; j < files[i].head.pairs.used; j++)
			add_pair(&total, &files[i].pairs[j]);
	return total;
}

uint64_t counter_total(const struct status *files, size_t n, enum counter c)
{
	uint64_t total = 0;

	for (size_t i = 0; i < n; i++)
		total += files[i].head.counters[c];
	return total;
}

const char *count_text(char *text, size_t len, uint64_t n, const char *what)
{
	snprintf(text, len, "%" PRIu64 " %s%s", n, what, n == 1 ? "" : "s");
	return text;
}

const char *bytes_text(char *text, size_t len, uint64_t bytes)
{
	static const char *const units[] = { "bytes", "KiB", "MiB", "GiB", "TiB" };
	double v = bytes;
	unsigned int u = 0;

	for (; v >= 1024 && u < 4; u++)
		v /= 1024;
	snprintf(text, len, v == (uint64_t)v ? "%.0f %s" : "%.1f %s", v, units[u]);
	return text;
}

const char *time_text(char *text, size_t len, uint64_t ns)
{
	if (ns < 1000 * 1000)
		snprintf(text, len, "%.0f us", ns / 1e3);
	else if (ns < UINT64_C(1000000000))
		snprintf(text, len, "%.1f ms", ns / 1e6);
	else
		snprintf(text, len, "%.1f s", ns / 1e9);
	return text;
}

uint64_t status_age(const struct status *p)
{
	uint64_t end = p->head.made;
	struct timespec now;

	if (p->nevents && p->events[p->nevents - 1].at > end)
		end = p->events[p->nevents - 1].at;
	if (p->life == LIFE_EXITED && p->head.ended > p->head.made)
		end = p->head.ended;
	clock_gettime(CLOCK_MONOTONIC, &now);
	if (p->life == LIFE_RUNNING)
		end = now.tv_sec * UINT64_C(1000000000) + now.tv_nsec;
	return end > p->head.made ? end - p->head.made : 0;
}
