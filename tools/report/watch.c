// SPDX-License-Identifier: MIT
/* primeshim watch: prints the events of a process as they happen. */
#include "config.h"

#include <err.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <linux/dma-buf.h>

#include "lib/cli.h"
#include "lib/commands.h"
#include "status/summary.h"
#include "report.h"

#define INTERVAL_MS	50

static const char usage[] =
	"Usage: primeshim watch [--all] PID | FILE\n"
	"Prints what a process does with imports as it happens, a line an event: seconds since\n"
	"the first import, the thread, and the event. Ends with the process, or by Ctrl-C.\n"
	"\n"
	"  --all   begins with the earlier events that the status file still has\n"
	"  --help  prints this\n"
	"\n"
	"Exit status: 0, or 2 for bad use or if there is nothing to watch.\n";

static volatile sig_atomic_t stop;

static void interrupted(int sig)
{
	(void)sig;
	stop = 1;
}

static void print_import(const struct status *p, const struct status_event *e)
{
	printf(" %s handle %u <- %s", device_name(p, e->importer), e->handle,
	       device_name(p, e->exporter));
}

static const char *native_part(const struct status_event *e)
{
	static char text[64];

	text[0] = '\0';
	if (e->native != NATIVE_UNASKED)
		snprintf(text, sizeof(text), ", the driver said %s", native_name(e->native));
	return text;
}

static void print_event(const struct status *p, const struct status_event *e)
{
	static const char *const kinds[EVENT_COUNT] = {
		[EVENT_IMPORT] = "import", [EVENT_LEARN] = "learned", [EVENT_CLOSE] = "close",
		[EVENT_MAP_IOCTL] = "map ioctl", [EVENT_MAP] = "map", [EVENT_UNMAP] = "unmap",
		[EVENT_FALLBACK] = "fallback", [EVENT_BEGIN] = "begin", [EVENT_END] = "end",
		[EVENT_OWED] = "owed", [EVENT_TOUCH] = "touch", [EVENT_POLICY] = "policy",
		[EVENT_EXIT] = "exit", [EVENT_KEEP] = "keep", [EVENT_LEAVE] = "leave",
	};
	const char *direction = e->prot & DMA_BUF_SYNC_WRITE ? "rw" : "read";
	uint64_t at = e->at > p->head.made ? e->at - p->head.made : 0;
	char text[32];

	printf("%11.6f %7u %-9s", at / 1e9, e->tid, kinds[e->kind]);
	switch (e->kind) {
	case EVENT_IMPORT:
	case EVENT_LEARN:
	case EVENT_CLOSE:
		print_import(p, e);
		printf(", inode %" PRIu64 ", %s", e->ino, bytes_text(text, sizeof(text), e->len));
		break;
	case EVENT_MAP_IOCTL:
		print_import(p, e);
		printf("%s: %s", native_part(e), outcome_name(e->outcome));
		break;
	case EVENT_MAP:
		print_import(p, e);
		printf(", %s at %#" PRIx64 " %c%c%s: %s", bytes_text(text, sizeof(text), e->len),
		       e->addr, e->prot & PROT_READ ? 'r' : '-', e->prot & PROT_WRITE ? 'w' : '-',
		       native_part(e), outcome_name(e->outcome));
		break;
	case EVENT_UNMAP:
	case EVENT_KEEP:
	case EVENT_LEAVE:
		printf(" inode %" PRIu64 ", %s at %#" PRIx64, e->ino,
		       bytes_text(text, sizeof(text), e->len), e->addr);
		break;
	case EVENT_FALLBACK:
		print_import(p, e);
		printf(": %s", native_name(e->reason));
		break;
	case EVENT_BEGIN:
		printf(" inode %" PRIu64 ", %s, waited %s", e->ino, direction,
		       time_text(text, sizeof(text), e->took));
		break;
	case EVENT_END:
	case EVENT_OWED:
		printf(" inode %" PRIu64 ", %s", e->ino, direction);
		break;
	case EVENT_TOUCH:
		printf(" inode %" PRIu64 " at %#" PRIx64 ", which is not the CPU's", e->ino,
		       e->addr);
		break;
	case EVENT_POLICY:
		printf(" mode %s, sync %s", mode_name(e->handle), sync_name(e->handle));
		break;
	}
	putchar('\n');
}

bool watch_print(const struct status *p, uint32_t *seen)
{
	if (p->lost > *seen) {
		printf("%11s %7s %u events came too fast, and are lost\n", "", "", p->lost - *seen);
		*seen = p->lost;
	}
	for (unsigned int i = 0; i < p->nevents; i++) {
		if (p->events[i].seq <= *seen)
			continue;
		print_event(p, &p->events[i]);
		*seen = p->events[i].seq;
	}
	return !fflush(stdout);
}

static int watch(const char *where, bool all)
{
	const struct timespec interval = { .tv_nsec = INTERVAL_MS * 1000000L };
	struct sigaction act = { .sa_handler = interrupted };
	size_t n;
	struct status *first = status_load(where, &n), p;
	pid_t pid = pid_of(where);
	uint32_t seen = 0;
	bool more;

	if (n != 1)
		errx(2, "watch: one process at a time: give its number, or a file of %s", where);
	/* A process in a container has two numbers. The file has the inner one. */
	if (!pid)
		pid = first->head.pid;
	sigaction(SIGINT, &act, NULL);
	sigaction(SIGTERM, &act, NULL);
	if (!all && first->life == LIFE_RUNNING)
		seen = first->lost + first->nevents;
	more = watch_print(first, &seen) && first->life == LIFE_RUNNING;
	while (more && !stop) {
		nanosleep(&interval, NULL);
		if (!status_again(first->path, pid, &p))
			break;
		more = watch_print(&p, &seen) && p.life == LIFE_RUNNING;
		status_free(&p);
	}
	status_free_all(first, n);
	return finish_output();
}

int cmd_watch(int argc, char **argv)
{
	bool all = false;
	const struct cli_option options[] = { { "all", .flag = &all }, { 0 } };
	int ret = cli_options(argc, argv, usage, options, false);

	if (ret >= 0)
		return ret;
	if (argc - optind != 1)
		return bad_use(argv[0], "give the number of one process");
	return watch(argv[optind], all);
}
