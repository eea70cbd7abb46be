// SPDX-License-Identifier: MIT
/* primeshim report: what happened, as a person would want it told. */
#include "config.h"

#include <err.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "commands.h"
#include "report.h"
#include "summary.h"

static const char usage[] =
	"Usage: primeshim report [--json | --csv] [--status N] [DIR | PID | FILE]\n"
	"Tells what programs under the shim did with dma-bufs: who imported from whom, which maps were\n"
	"refused and rescued, the time spent in syncs, imports left open, and a verdict.\n"
	"\n"
	"  DIR         the folder that was PRIMESHIM_DIR for them (default: PRIMESHIM_DIR, or primeshim/\n"
	"              in XDG_RUNTIME_DIR)\n"
	"  PID         a running process; FILE: one page\n"
	"  --json      all of it, for machines\n"
	"  --csv       a line for each process, importer, exporter, call and what came of it\n"
	"  --status N  the exit status of the command that these processes were (128 and more: a signal),\n"
	"              which the verdict then heeds\n"
	"  --help      prints this\n"
	"\n"
	"Exit status: 0, or 2 for bad use, or where there is nothing to read.\n";

static void print_pair(const struct summary *s)
{
	char text[64], size[32];

	printf("  %s <- %s: %s of %s", s->importer, s->exporter,
	       count_text(text, sizeof(text), s->imports, "import"),
	       bytes_text(size, sizeof(size), s->bytes));
	if (s->learned)
		printf(" (%" PRIu64 " made unseen)", s->learned);
	putchar('\n');
	if (s->refused)
		printf("    map ioctl: %" PRIu64 " refused by the driver (%s), %" PRIu64 " rescued\n",
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

static void print_sync(const struct shared_page *h)
{
	char text[32], most[32];

	if (h->counters[STAT_BEGIN] || h->counters[STAT_OWED])
		printf("  brackets: %" PRIu64 " begun, %" PRIu64 " ended, %" PRIu64 " left owed; START took "
		       "%s in all, %s at most\n", h->counters[STAT_BEGIN], h->counters[STAT_END],
		       h->counters[STAT_OWED],
		       time_text(text, sizeof(text), h->counters[STAT_BLOCKED]),
		       time_text(most, sizeof(most), h->blocked_most));
	if (h->counters[STAT_TOUCHED])
		printf("  touched %" PRIu64 " times while it was not the CPU's turn\n",
		       h->counters[STAT_TOUCHED]);
	printf("  the program: told its driver %s that the CPU begins, synced %s itself\n",
	       count_text(text, sizeof(text), h->counters[STAT_TOLD], "time"),
	       count_text(most, sizeof(most), h->counters[STAT_OWN], "time"));
}

static void print_rest(const struct page *p)
{
	const struct shared_page *h = &p->head;
	uint64_t all = h->counters[STAT_IMPORT] + h->counters[STAT_LEARNED];

	if (h->counters[STAT_EXPORT])
		printf("  exports made writable: %" PRIu64 "\n", h->counters[STAT_EXPORT]);
	if (h->counters[STAT_IMPORT_OWN])
		printf("  imports of the device's own buffers, left to the driver: %" PRIu64 "\n",
		       h->counters[STAT_IMPORT_OWN]);
	if (h->counters[STAT_IMPORT_UNKNOWN])
		printf("  imports that may be the device's own: %" PRIu64 "\n",
		       h->counters[STAT_IMPORT_UNKNOWN]);
	if (h->counters[STAT_STALE])
		printf("  handles that held another buffer than was remembered: %" PRIu64 "\n",
		       h->counters[STAT_STALE]);
	printf("  open %s: %u of %" PRIu64 "%s, %u at a time at most%s\n",
	       p->life == LIFE_RUNNING ? "now" : "at the end", h->imports_live, all,
	       h->forked ? " and its parent's" : "", h->imports_most,
	       all >= 64 && h->imports_live >= all ? ": it closes none, a leak?" : "");
	if (h->no_room)
		printf("  did not fit into the page, and is in the totals only: %u entries\n", h->no_room);
}

static void print_page(const struct page *p)
{
	char text[256], age[32];
	unsigned int n;
	struct summary *all = summarize(p, &n);

	printf("%s[%u], %s after %s, mode %s, sync %s%s\n", p->head.program, p->head.pid,
	       life_name(p->life), time_text(age, sizeof(age), page_age(p)), mode_name(p->head.policy),
	       sync_name(p->head.policy), p->head.forked ? ", a fork()'s child" : "");
	printf("  %s\n", page_command(p, text, sizeof(text)));
	for (unsigned int i = 0; i < n; i++)
		print_pair(&all[i]);
	free(all);
	print_sync(&p->head);
	print_rest(p);
}

static void print_text(const struct page *pages, size_t n, int status)
{
	struct verdict v = verdict_of(pages, n, status);

	for (size_t i = 0; i < n; i++)
		print_page(&pages[i]);
	if (!n)
		puts("no process has imported a dma-buf");
	if (status >= 0)
		printf("status: %d\n", status);
	printf("verdict: %s%s%s\n", v.text, *v.advice ? "; " : "", v.advice);
}

/* A field as RFC 4180 has it. */
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

static void print_csv(const struct page *pages, size_t n)
{
	puts("pid,program,life,mode,sync,importer,exporter,call,native,outcome,reason,count,bytes");
	for (size_t i = 0; i < n; i++) {
		const struct page *p = &pages[i];

		for (uint32_t j = 0; j < p->head.pairs.used; j++) {
			const struct shared_pair *q = &p->pairs[j];

			printf("%u,", p->head.pid);
			print_field(p->head.program);
			printf(",%s,%s,%s,", life_name(p->life), mode_name(p->head.policy),
			       sync_name(p->head.policy));
			print_field(page_name(p, q->importer));
			putchar(',');
			print_field(page_name(p, q->exporter));
			printf(",%s,%s,%s,%s,%" PRIu64 ",%" PRIu64 "\n", call_name(q->call),
			       native_name(q->native), outcome_name(q->outcome),
			       q->reason ? native_name(q->reason) : "", q->count, q->bytes);
		}
	}
}

int cmd_report(int argc, char **argv)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' }, { "csv", no_argument, NULL, 'c' },
		{ "status", required_argument, NULL, 's' }, { "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 }
	};
	struct page *pages;
	int status = -1, format = 't', o;
	size_t n;
	char *end;

	while ((o = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (o) {
		case 'j':
		case 'c':
			if (format != 't' && format != o)
				return bad_use(argv[0], "--json and --csv exclude each other");
			format = o;
			break;
		case 's':
			status = strtol(optarg, &end, 10);
			if (*end || end == optarg || status < 0 || status > 255)
				return bad_use(argv[0], "--status takes a number from 0 to 255");
			break;
		case 'h':
			fputs(usage, stdout);
			return 0;
		default:
			return bad_option(argv);
		}
	}
	if (argc - optind > 1)
		return bad_use(argv[0], "one folder or process at a time");
	pages = pages_load(argv[optind], &n);
	if (format == 'j')
		report_json(pages, n, status);
	else if (format == 'c')
		print_csv(pages, n);
	else
		print_text(pages, n, status);
	pages_free(pages, n);
	return finish_output();
}
