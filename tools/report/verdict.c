// SPDX-License-Identifier: MIT
/* Finds the row of the table that the evidence comes to; see verdict.h. */
#include "config.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/text.h"
#include "status/direct.h"
#include "status/directory.h"
#include "verdict-rows.h"

/* What the rows are chosen by. */
struct facts {
	const struct evidence *e;
	struct summary all;
	bool native;		/* the mode leaves all mappings to the driver */
	bool deny;
	bool syncs;		/* the shim brackets mappings, unless it lacked descriptors */
	bool open_native, open_dmabuf, open_direct;	/* mappings at the end */
	const char *crash;	/* the signal that a fault of the program's raises, or NULL */
};

const char *signal_text(int status)
{
	static char text[32];
	const char *name = status > 128 ? sigabbrev_np(status - 128) : NULL;

	if (!name)
		return NULL;
	snprintf(text, sizeof(text), "SIG%s", name);
	return text;
}

static const char *crash_of(int status)
{
	switch (status - 128) {
	case SIGILL:
	case SIGTRAP:
	case SIGABRT:
	case SIGBUS:
	case SIGFPE:
	case SIGSEGV:
	case SIGSYS:
		return signal_text(status);
	default:
		return NULL;
	}
}

static struct facts facts_of(const struct evidence *e)
{
	struct facts f = { .e = e, .all = summary_total(e->files, e->n), .native = true,
			   .crash = crash_of(e->status) };

	for (size_t i = 0; i < e->n; i++) {
		const struct status *p = &e->files[i];
		enum mode m = STATUS_MODE(p->head.policy);

		f.native = f.native && (m == MODE_OBSERVE || m == MODE_OFF);
		f.deny = f.deny || m == MODE_DENY;
		f.syncs = f.syncs || STATUS_SYNC(p->head.policy) != SYNC_OFF;
		for (unsigned int k = 0; p->life != LIFE_EXITED && k < p->nmappings; k++) {
			f.open_native = f.open_native || p->mappings[k].by == MAPPED_NATIVE;
			f.open_dmabuf = f.open_dmabuf || p->mappings[k].by == MAPPED_DMABUF;
			f.open_direct = f.open_direct || p->mappings[k].by == MAPPED_DIRECT;
		}
	}
	return f;
}

static enum row reason_row(int reason)
{
	switch (reason) {
	case EACCES:
	case EPERM:
		return ROW_FALLBACK_ACCES;
	case ENXIO:
	case EFAULT:
		return ROW_FALLBACK_FAULT;
	case EINVAL:
		return ROW_FALLBACK_INVAL;
	case ENOMEM:
		return ROW_FALLBACK_NOMEM;
	case ENODEV:
	case EOPNOTSUPP:
	case KERNEL_ENOTSUPP:
		return ROW_FALLBACK_NODEV;
	case EMFILE:
	case ENFILE:
		return ROW_FALLBACK_MFILE;
	case EEXIST:
		return ROW_FALLBACK_EXIST;
	default:
		return ROW_FALLBACK_OTHER;
	}
}

const char *reason_text(int reason)
{
	return verdict_rows[reason_row(reason)].advice;
}

static enum row import_row(int err)
{
	switch (err) {
	case ENODEV:
	case ENXIO:
	case EXDEV:
		return ROW_IMPORT_NODEV;
	case EACCES:
	case EPERM:
		return ROW_IMPORT_ACCES;
	case ENOSYS:
	case EOPNOTSUPP:
	case KERNEL_ENOTSUPP:
	case ENOTTY:
		return ROW_IMPORT_NOSYS;
	case EINVAL:
		return ROW_IMPORT_INVAL;
	case ENOMEM:
	case ENOSPC:
	case EMFILE:
	case ENFILE:
		return ROW_IMPORT_NOMEM;
	default:
		return ROW_IMPORT_OTHER;
	}
}

static enum row seen_row(enum why why)
{
	static const enum row rows[WHY_COUNT] = {
		[WHY_STATIC] = ROW_STATIC, [WHY_ABI] = ROW_ABI, [WHY_ABSENT] = ROW_ABSENT,
		[WHY_PRIVILEGED] = ROW_PRIVILEGED, [WHY_CLEARED] = ROW_CLEARED,
		[WHY_USER] = ROW_USER, [WHY_COPIES] = ROW_COPIES, [WHY_DEEPBIND] = ROW_DEEPBIND,
		[WHY_SANDBOX] = ROW_SANDBOX, [WHY_RAW] = ROW_RAW,
		[WHY_PAST] = ROW_PAST, [WHY_CLOSED] = ROW_CLOSED,
	};

	return rows[why];
}

static const char *left_out(void)
{
	static const char *const names[] = { "PRIMESHIM_ONLY", "PRIMESHIM_EXCEPT",
					     "PRIMESHIM_DRIVERS" };

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		const char *value = getenv(names[i]);

		if (value && *value)
			return names[i];
	}
	return NULL;
}

static struct verdict because(enum row row, const char *detail)
{
	struct verdict v = { .row = &verdict_rows[row] };
	const char *gap = strstr(v.row->text, "%s");

	if (gap)
		snprintf(v.text, sizeof(v.text), "%.*s%s%s", (int)(gap - v.row->text),
			 v.row->text, detail ? detail : "?", gap + 2);
	else
		snprintf(v.text, sizeof(v.text), "%s", v.row->text);
	return v;
}

/* What a witness saw of a process. */
static struct verdict seen_verdict(const struct seen_process *p)
{
	char name[96];

	snprintf(name, sizeof(name), "%s[%d]", p->program, p->pid);
	return because(seen_row(p->why), name);
}

/* The exporter of the first dma-buf that a program could not map for writing. */
static const char *refused_exporter(const struct evidence *e)
{
	for (size_t i = 0; i < e->n; i++) {
		const struct status_pair *q = e->files[i].pairs;

		for (uint32_t j = 0; j < e->files[i].head.pairs.used; j++, q++)
			if (q->call == CALL_DIRECT && q->outcome == OUTCOME_REFUSED)
				return device_name(&e->files[i], q->exporter);
	}
	return "?";
}

struct verdict direct_verdict(const struct evidence *e)
{
	uint64_t all = counter_total(e->files, e->n, STAT_DIRECT_BUFFERS);
	uint64_t synced = counter_total(e->files, e->n, STAT_DIRECT_SYNCED);
	/* Most are mapped once, and stay mapped. */
	bool lasting = counter_total(e->files, e->n, STAT_DIRECT) < 2 * all, by_shim = false;
	char maps[64];

	if (!direct_any(e->files, e->n))
		return (struct verdict){ .row = NULL };
	for (size_t i = 0; i < e->n; i++)
		by_shim = by_shim || (e->files[i].head.direct == DIRECT_SYNC &&
				      STATUS_SYNC(e->files[i].head.policy) != SYNC_OFF);
	if (counter_total(e->files, e->n, STAT_DIRECT_REFUSED))
		return because(ROW_DIRECT_REFUSED, refused_exporter(e));
	count_text(maps, sizeof(maps), all, "dma-buf");
	if (synced >= all)
		return because(ROW_DIRECT_SYNCS, maps);
	if (by_shim)
		return because(ROW_DIRECT_HEALED, maps);
	return because(synced ? ROW_DIRECT_SOME : lasting ? ROW_DIRECT_LASTING :
		       ROW_DIRECT_UNSYNCED, maps);
}

/*
 * @row, by which there is nothing to do: unless the shim may have missed something, or the program
 * failed too soon.
 */
static struct verdict nothing(const struct facts *f, enum row row)
{
	const struct seen_process *worst = seen_worst(f->e->seen);
	const char *why = f->e->n ? NULL : directory_refused(f->e->dir);
	int status = f->e->status;
	char text[64];

	if (f->crash && f->open_direct)
		return because(ROW_DIRECT_DIED, f->crash);
	if (!f->all.imports && !f->all.no_import && direct_any(f->e->files, f->e->n))
		return direct_verdict(f->e);
	if (f->all.no_import)
		return because(import_row(f->all.import_error), native_name(f->all.import_error));
	if (worst)
		return seen_verdict(worst);
	if (why)
		return because(ROW_DIRECTORY, why);
	if (!f->e->n && directory_limited())
		return because(ROW_LIMIT, NULL);
	if (status_left_out()) {
		count_text(text, sizeof(text), status_left_out(), "status file");
		return because(ROW_UNREADABLE, text);
	}
	if (left_out())
		return because(ROW_LEFT_OUT, left_out());
	if (status > 0 && !signal_text(status)) {
		snprintf(text, sizeof(text), "%d", status);
		return because(ROW_FAILED, text);
	}
	if (row == ROW_NOTHING && !f->e->seen)
		return because(ROW_UNSEEN, NULL);
	if (f->crash)
		return because(f->all.imports ? ROW_UNMAPPED_DIED : ROW_NOTHING_DIED, f->crash);
	return because(row, NULL);
}

/* The verdict of a crash: by who made the maps that were open, the driver or the shim. */
static struct verdict crashed(const struct facts *f)
{
	bool bus = f->e->status == 128 + SIGBUS, shims = f->all.rescued || f->all.sigbus;

	if (bus && f->open_native)
		return because(ROW_SIGBUS, NULL);
	if (bus && f->open_dmabuf)
		return because(ROW_SIGBUS_DMABUF, NULL);
	if (f->open_native)
		return because(ROW_NATIVE_DIED, f->crash);
	if (shims || f->all.dmabuf)
		return because(ROW_HEALED_DIED, f->crash);
	if (f->all.native)
		return because(ROW_CLOSED_DIED, f->crash);
	return nothing(f, ROW_UNMAPPED);
}

/* The driver's maps work, and the shim does not bracket them. */
static struct verdict unsynced(const struct facts *f)
{
	return because(counter_total(f->e->files, f->e->n, STAT_OWN) ? ROW_SYNCS : ROW_UNSYNCED,
		       NULL);
}

/* The verdict in modes that leave all to the driver. */
static struct verdict natively(const struct facts *f)
{
	const struct summary *t = &f->all;

	if (f->e->status == 128 + SIGBUS && f->open_native)
		return because(ROW_SIGBUS, NULL);
	/* The kernel's own check of the program's descriptor, which goes before any driver. */
	if (t->failed && !t->refused && t->mmap_error == EACCES)
		return because(ROW_OWN_REFUSAL, native_name(t->mmap_error));
	if (t->refused || t->failed)
		return f->crash ? because(ROW_REFUSED_DIED, f->crash) : because(ROW_REFUSED, NULL);
	if (f->crash)
		return crashed(f);
	if (!t->native)
		return nothing(f, ROW_UNMAPPED);
	return unsynced(f);
}

const char *deny_text(const struct evidence *e, bool *breaks)
{
	struct facts f = facts_of(e);

	*breaks = f.all.native;
	if (f.all.imports && (f.all.dmabuf || !f.native))
		return NULL;
	if (!f.all.native)
		return "would change nothing";
	return e->status == 128 + SIGBUS ? "would refuse the mmap, instead of the SIGBUS" :
					   "would refuse what works natively";
}

/* Fills in the advice: a command to copy, where it is known. */
static struct verdict advised(const struct evidence *e, struct verdict v)
{
	const char *gap = strstr(v.row->advice, "COMMAND");
	char words[256];

	if (gap && text_plain_words(e->command, words, sizeof(words)))
		snprintf(v.advice, sizeof(v.advice), "%.*s%s%s", (int)(gap - v.row->advice),
			 v.row->advice, words, gap + strlen("COMMAND"));
	else
		snprintf(v.advice, sizeof(v.advice), "%s", v.row->advice);
	return v;
}

static struct verdict choose(const struct evidence *e)
{
	struct facts f = facts_of(e);
	const struct summary *t = &f.all;

	if (!t->imports && !t->dmabuf && !t->native)
		return nothing(&f, counter_total(e->files, e->n, STAT_IMPORT_OWN) ? ROW_OWN :
			       ROW_NOTHING);
	if (t->denied)
		return because(ROW_DENIED, NULL);
	if (f.deny && !t->dmabuf && !t->native)
		return nothing(&f, ROW_DENIED_NOTHING);
	if (counter_total(e->files, e->n, STAT_TOUCHED))
		return because(ROW_TOUCHED, NULL);
	if (f.native && !t->dmabuf)
		return natively(&f);
	if (t->fallbacks)
		return because(reason_row(t->reason), native_name(t->reason));
	if (f.crash)
		return crashed(&f);
	if (t->rescued || t->sigbus)
		return because(counter_total(e->files, e->n, STAT_NO_DESCRIPTOR) ?
			       ROW_HEALED_UNSYNCED : ROW_HEALED, NULL);
	if (t->dmabuf)
		return because(ROW_REDIRECTED, NULL);
	if (t->failed)
		return because(ROW_OWN_REFUSAL, native_name(t->mmap_error));
	if (t->native && f.syncs)
		return because(ROW_SYNCED, NULL);
	if (t->native)
		return unsynced(&f);
	return nothing(&f, ROW_UNMAPPED);
}

struct verdict verdict_of(const struct evidence *e)
{
	return advised(e, choose(e));
}
