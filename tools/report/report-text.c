// SPDX-License-Identifier: MIT
/* primeshim report, as text and as CSV; see report.h. */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/text.h"
#include "status/direct.h"
#include "report.h"

static void print_pair(const struct summary *s)
{
	char text[64], size[32];

	printf("  %s <- %s: %s of %s", s->importer, s->exporter,
	       count_text(text, sizeof(text), s->imports, "import"),
	       bytes_text(size, sizeof(size), s->bytes));
	if (s->learned)
		printf(" (%" PRIu64 " made unseen)", s->learned);
	putchar('\n');
	if (s->no_import)
		printf("    import: %" PRIu64 " refused by the driver (%s)\n", s->no_import,
		       native_name(s->import_error));
	if (!s->imports && s->no_import)
		return;
	if (s->refused)
		printf("    map ioctl: %" PRIu64 " refused by the driver (%s), %" PRIu64
		       " rescued\n",
		       s->refused, native_name(s->error), s->rescued);
	if (!s->dmabuf && !s->native && !s->failed && !s->denied) {
		puts("    not mapped");
		return;
	}
	printf("    mmap:");
	if (s->dmabuf)
		printf(" %" PRIu64 " of the dma-buf%s", s->dmabuf,
		       s->native + s->failed + s->denied ? "," : "");
	if (s->native)
		printf(" %" PRIu64 " by the driver%s", s->native, s->failed + s->denied ? "," : "");
	if (s->failed)
		printf(" %" PRIu64 " refused (%s)%s", s->failed, native_name(s->error),
		       s->denied ? "," : "");
	if (s->denied)
		printf(" %" PRIu64 " denied", s->denied);
	if (s->sigbus)
		printf("; %" PRIu64 " would have been SIGBUS", s->sigbus);
	putchar('\n');
	if (s->fallbacks)
		printf("    fallback: %" PRIu64 " (%s): %s\n", s->fallbacks, native_name(s->reason),
		       reason_text(s->reason));
}

static void print_sync(const struct status *p)
{
	const struct status_file *h = &p->head;
	char text[32], most[32];

	if (h->counters[STAT_BEGIN] || h->counters[STAT_OWED])
		printf("  brackets: %" PRIu64 " begun, %" PRIu64 " ended, %" PRIu64
		       " left owed; START took "
		       "%s in all, %s at most\n",
		       h->counters[STAT_BEGIN], h->counters[STAT_END], h->counters[STAT_OWED],
		       time_text(text, sizeof(text), h->counters[STAT_BLOCKED]),
		       time_text(most, sizeof(most), h->blocked_most));
	if (h->counters[STAT_LOST])
		printf("  not ended: %s, whose descriptor a system call of the program's own had "
		       "closed\n",
		       count_text(text, sizeof(text), h->counters[STAT_LOST], "bracket"));
	if (p->life != LIFE_RUNNING && h->counters[STAT_BEGIN] >
	    h->counters[STAT_END] + h->counters[STAT_LOST])
		printf("  not ended: %s that %s\n",
		       count_text(text, sizeof(text), h->counters[STAT_BEGIN] -
				  h->counters[STAT_END] - h->counters[STAT_LOST], "bracket"),
		       p->life == LIFE_EXITED ?
		       "the shim could not end: a system call of the program's own may have "
		       "closed its descriptor" :
		       "were open when the process ended without an exit");
	if (h->counters[STAT_NO_DESCRIPTOR])
		printf("  not bracketed: %s, for which no descriptor was to be had; raise "
		       "ulimit -n\n",
		       count_text(text, sizeof(text), h->counters[STAT_NO_DESCRIPTOR], "mapping"));
	if (h->counters[STAT_KEPT])
		printf("  kept warm: %s, of which %" PRIu64 " got the next map, and %" PRIu64
		       " were unmapped after all\n",
		       count_text(text, sizeof(text), h->counters[STAT_KEPT], "mapping"),
		       h->counters[STAT_WARM], h->counters[STAT_LEFT]);
	if (h->counters[STAT_TOUCHED])
		printf("  touched %" PRIu64 " times while it was not the CPU's turn\n",
		       h->counters[STAT_TOUCHED]);
	printf("  the program: told its driver %s that the CPU begins, synced %s itself\n",
	       count_text(text, sizeof(text), h->counters[STAT_TOLD], "time"),
	       count_text(most, sizeof(most), h->counters[STAT_OWN], "time"));
}

static void print_rest(const struct status *p)
{
	const struct status_file *h = &p->head;
	uint64_t all = h->counters[STAT_IMPORT] + h->counters[STAT_LEARNED];

	if (h->counters[STAT_EXPORT])
		printf("  exports made writable: %" PRIu64 "\n", h->counters[STAT_EXPORT]);
	if (h->counters[STAT_IMPORT_OWN])
		printf("  not among these imports: buffers that the process had exported from the "
		       "same device, left to the driver: %" PRIu64 "\n",
		       h->counters[STAT_IMPORT_OWN]);
	if (h->counters[STAT_IMPORT_UNKNOWN])
		printf("  among these imports: buffers that may be the device's own: %" PRIu64
		       "\n", h->counters[STAT_IMPORT_UNKNOWN]);
	if (h->counters[STAT_STALE])
		printf("  handles that held another buffer than was remembered: %" PRIu64 "\n",
		       h->counters[STAT_STALE]);
	printf("  open %s: %u of %" PRIu64 "%s, %u at a time at most%s\n",
	       p->life == LIFE_RUNNING ? "now" : "at the end", h->imports_live, all,
	       h->forked ? " and its parent's" : "", h->imports_most,
	       all >= 64 && h->imports_live >= all ? ": it closes none, a leak?" : "");
	if (h->no_room)
		printf("  did not fit into the status file, and is in the totals only: "
		       "%u entries\n",
		       h->no_room);
}

static void print_process(const struct status *p)
{
	char text[256], age[32];
	unsigned int n;
	struct summary *all = summarize(p, &n);

	printf("%s[%u], %s%s after %s, mode %s, sync %s%s\n", p->head.program, p->head.pid,
	       life_name(p->life), p->life == LIFE_KILLED ? " (or left by _exit)" : "",
	       time_text(age, sizeof(age), status_age(p)), mode_name(p->head.policy),
	       sync_name(p->head.policy), p->head.forked ? ", a fork()'s child" : "");
	printf("  %s\n", status_command(p, text, sizeof(text)));
	for (unsigned int i = 0; i < n; i++)
		print_pair(&all[i]);
	free(all);
	direct_print(p);
	print_sync(p);
	print_rest(p);
}

static void print_words(char *const *words)
{
	fputs("command:", stdout);
	for (; *words; words++) {
		char *word = text_tamed(*words);

		printf(" %s", word);
		free(word);
	}
	putchar('\n');
}

/* The answer, why, and what to do: all that most readers want to know. */
static void print_answer(const struct evidence *e)
{
	struct verdict v = verdict_of(e), direct;
	const char *by = signal_text(e->status);

	printf("answer: %s\nverdict: %s\n", answer_text(v.row->answer), v.text);
	if (*v.advice)
		printf("advice: %s\n", v.advice);
	if (*e->command)
		print_words(e->command);
	if (by)
		printf("status: %d (%s)\n", e->status, by);
	else if (e->status >= 0)
		printf("status: %d\n", e->status);
	direct = direct_verdict(e);
	if (direct.row && direct.row != v.row)
		printf("direct: %s%s%s\n", direct.text, *direct.row->advice ? "; " : "",
		       direct.row->advice);
}

static void print_seen(const struct seen *s)
{
	for (size_t i = 0; i < s->n; i++)
		printf("seen: %s[%d]: %s\n", s->processes[i].program, s->processes[i].pid,
		       why_text(s->processes[i].why));
	if (s->entered)
		printf("seen: the shim in %zu %sprocess%s\n", s->entered, s->n ? "other " : "",
		       s->entered == 1 ? "" : "es");
}

void report_text(const struct evidence *e)
{
	bool breaks;
	const char *deny = deny_text(e, &breaks);

	print_answer(e);
	if (e->seen)
		print_seen(e->seen);
	if (deny && e->n)
		printf("deny: %s\n", deny);
	if (!e->n)
		puts("no process has imported a dma-buf");
	for (size_t i = 0; i < e->n; i++)
		print_process(&e->files[i]);
}

/* Prints a field of CSV, by RFC 4180. */
static void print_field(const char *s)
{
	putchar('"');
	for (; *s; s++) {
		if (*s == '"')
			putchar('"');
		putchar(*s);
	}
	putchar('"');
}

void report_csv(const struct status *files, size_t n)
{
	puts("pid,program,life,mode,sync,importer,exporter,call,native,outcome,reason,count,bytes");
	for (size_t i = 0; i < n; i++) {
		const struct status *p = &files[i];

		for (uint32_t j = 0; j < p->head.pairs.used; j++) {
			const struct status_pair *q = &p->pairs[j];

			printf("%u,", p->head.pid);
			print_field(p->head.program);
			printf(",%s,%s,%s,", life_name(p->life), mode_name(p->head.policy),
			       sync_name(p->head.policy));
			print_field(device_name(p, q->importer));
			putchar(',');
			print_field(device_name(p, q->exporter));
			printf(",%s,%s,%s,%s,%" PRIu64 ",%" PRIu64 "\n", call_name(q->call),
			       native_name(q->native), outcome_name(q->outcome),
			       q->reason ? native_name(q->reason) : "", q->count, q->bytes);
		}
	}
}
