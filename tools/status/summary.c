// SPDX-License-Identifier: MIT
/* Adds up the counters of status files; see summary.h. */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
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
	}
}

static void add_pair(struct summary *s, const struct status_pair *q)
{
	switch (q->call) {
	case CALL_LEARN:
		s->learned += q->count;
		/* fallthrough */
	case CALL_IMPORT:
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

static struct summary summary_total(const struct status *files, size_t n)
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

const char *reason_text(int reason)
{
	switch (reason) {
	case EACCES:
	case EPERM:
		return "the dma-buf was exported without write permission (DRM_RDWR): run the "
		       "exporting program under the shim as well, or patch it";
	case ENXIO:
	case EFAULT:
		return "the dma-buf itself cannot be mapped or read by the CPU: its exporter has "
		       "to";
	case EINVAL:
		return "MAP_PRIVATE, a range that the dma-buf does not have, or an exporter that "
		       "refuses: only those can change that";
	case ENOMEM:
		return "out of memory or of mappings, or a library loaded before the shim defines "
		       "mmap: see primeshim doctor";
	case ENODEV:
	case EOPNOTSUPP:
		return "the exporter has no mmap, or the driver does not re-export";
	case EMFILE:
	case ENFILE:
		return "out of file descriptors: raise ulimit -n";
	case EEXIST:
		return "MAP_FIXED amid a buffer, without room before it";
	default:
		return "see primeshim watch, or --log, for which";
	}
}

/* The verdict in modes that leave all to the driver. */
static struct verdict natively(const struct summary *t, const struct status *files, size_t n,
			       int status)
{
	if (status == 128 + SIGBUS && t->native)
		return (struct verdict){ "SIGBUS with an import mapped natively",
					 "try --mode redirect" };
	if (t->refused || t->failed)
		return (struct verdict){ "it maps imports and is refused", "try --mode redirect" };
	if (status > 128 && !t->native)
		return (struct verdict){
			"a signal ends it, and it maps no import: the cause is another", ""
		};
	if (!t->native)
		return (struct verdict){
			"it imports, and maps no import: nothing for primeshim to do", ""
		};
	if (counter_total(files, n, STAT_OWN))
		return (struct verdict){ "it maps imports, which works, and syncs them itself",
					 "deny would break it" };
	return (struct verdict){
		"it maps imports, which works, and syncs none: wrong where caches are "
		"not coherent",
		"compare with primeshim ab; deny would break it"
	};
}

/* Did the shim leave all mappings to the driver? */
static bool all_native(const struct status *files, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		enum mode m = STATUS_MODE(files[i].head.policy);

		if (m != MODE_OBSERVE && m != MODE_OFF)
			return false;
	}
	return true;
}

const char *deny_text(const struct status *files, size_t n, int status, bool *breaks)
{
	struct summary t = summary_total(files, n);

	*breaks = t.native;
	if (t.imports && (t.dmabuf || !all_native(files, n)))
		return NULL;
	if (!t.native)
		return "would change nothing";
	return status == 128 + SIGBUS ? "would refuse the mmap, instead of the SIGBUS" :
					"would refuse what works natively";
}

struct verdict verdict_of(const struct status *files, size_t n, int status)
{
	struct summary t = summary_total(files, n);
	bool native = all_native(files, n), deny = false;

	for (size_t i = 0; i < n; i++)
		deny = deny || STATUS_MODE(files[i].head.policy) == MODE_DENY;
	if (!t.imports && !t.dmabuf && !t.native)
		return (struct verdict){ "it imports no dma-buf: nothing for primeshim to do", "" };
	if (t.denied || (deny && !t.dmabuf && !t.native))
		return (struct verdict){ t.denied ? "it maps imports, and deny has refused that" :
				 "deny has refused nothing", t.denied ?
				 "as would a kernel with \"Don't map imported GEMs\"" : "" };
	if (counter_total(files, n, STAT_TOUCHED))
		return (struct verdict){ "it touches buffers while it is the device's turn",
					 "the places are on stderr, and in primeshim trace" };
	if (native && !t.dmabuf)
		return natively(&t, files, n, status);
	if (t.fallbacks)
		return (struct verdict){ "some maps could not be made from the dma-buf",
					 reason_text(t.reason) };
	if (t.rescued || t.sigbus)
		return (struct verdict){
			"its driver refuses maps of imports, and the shim has made them",
			"keep --mode redirect or rescue"
		};
	if (t.dmabuf)
		return (struct verdict){
			"the shim maps the dma-bufs and syncs them; the driver was not "
			"asked",
			"primeshim ab says whether it works natively"
		};
	if (t.native)
		return (struct verdict){
			"the driver's own mappings of its imports work, and the shim syncs "
			"them",
			"primeshim ab says whether that makes a difference"
		};
	return (struct verdict){ "it imports, and maps no import: nothing for primeshim to do",
				 "" };
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
