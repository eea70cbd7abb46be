// SPDX-License-Identifier: MIT
/* primeshim witness: which processes there are, and what was seen of them; see witness.h. */
#include "config.h"

#include <dirent.h>
#include <err.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "lib/cli.h"
#include "lib/commands.h"
#include "lib/json-text.h"
#include "lib/memory.h"
#include "lib/output.h"
#include "lib/proc.h"
#include "status/status.h"
#include "witness.h"

static const char usage[] =
	"Usage: primeshim witness [--once] [--dir DIR] [-o FILE] PID\n"
	"Looks by /proc at the processes below PID until SIGTERM or Ctrl-C, or until PID has\n"
	"ended. Then it prints, as JSON, of which of them the shim may have missed the calls, and\n"
	"why: static, setuid, of another architecture, started without LD_PRELOAD, libc loaded\n"
	"twice, system calls without libc. run-with-shim --report does so, and primeshim report\n"
	"--seen reads it.\n"
	"\n"
	"  --once               looks once, at PID, too\n"
	"  --dir DIR            the directory of the status files\n"
	"  -o, --output FILE    writes to FILE\n"
	"  --help               prints this\n"
	"\n"
	"Exit status: 0; 1 if it has seen no process; 2 for bad use, or if PID is no process.\n";

/* All that was watched so far, also what has ended. */
static struct watched *all;
static size_t nall;

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * UINT64_C(1000000000) + t.tv_nsec;
}

/* All processes there are; the caller frees them. */
static struct proc_stat *read_all(size_t *n)
{
	DIR *d = opendir("/proc");
	struct proc_stat *list = NULL;
	struct dirent *e;

	*n = 0;
	while (d && (e = readdir(d))) {
		pid_t pid = pid_of(e->d_name);

		if (!pid)
			continue;
		list = memory_more(list, *n + 1, sizeof(*list));
		*n += proc_stat(pid, &list[*n]);
	}
	if (d)
		closedir(d);
	return list;
}

static struct watched *watched_of(const struct proc_stat *p)
{
	for (size_t i = 0; i < nall; i++)
		if (all[i].p.pid == p->pid && all[i].p.start == p->start)
			return &all[i];
	return NULL;
}

static bool is_parent(const struct proc_stat *p, pid_t below)
{
	if (p->parent == below)
		return true;
	for (size_t i = 0; i < nall; i++)
		if (all[i].here && all[i].p.pid == p->parent)
			return true;
	return false;
}

/* Adds the processes below @below that are new, and the children of those that were watched. */
static void find_new(const struct proc_stat *list, size_t n, pid_t below, bool itself)
{
	bool more = true;

	while (more) {
		more = false;
		for (size_t i = 0; i < n; i++) {
			const struct proc_stat *p = &list[i];

			if (p->pid == getpid() || p->state == 'Z' || watched_of(p) ||
			    !(is_parent(p, below) || (itself && p->pid == below)))
				continue;
			all = memory_more(all, nall + 1, sizeof(*all));
			all[nall++] = (struct watched){ .p = *p, .here = true,
							.found = { .why = WHY_NONE } };
			more = true;
		}
	}
}

/* Returns false when @below is gone. */
static bool look_around(pid_t below, struct look *l, bool itself)
{
	size_t n;
	struct proc_stat *list = read_all(&n);
	bool there = false;

	l->now = now();
	for (size_t i = 0; i < nall; i++)
		all[i].here = false;
	for (size_t i = 0; i < n; i++) {
		struct watched *w = watched_of(&list[i]);

		if (w) {
			w->here = list[i].state != 'Z';
			w->p = list[i];
		}
		there = there || (list[i].pid == below && list[i].state != 'Z');
	}
	find_new(list, n, below, itself);
	for (size_t i = 0; i < nall; i++)
		if (all[i].here)
			look_at(&all[i], l);
	free(list);
	return there;
}

/* Looks often at first, since programs may be short, and then seldom. */
static void look_until_end(pid_t below, struct look *l)
{
	uint64_t wait_ns = 5 * MS, least;
	struct sigaction act;
	struct timespec t;
	sigset_t end;

	sigemptyset(&end);
	sigaddset(&end, SIGTERM);
	/* A shell's job in the background ignores Ctrl-C, which is the command's. */
	if (!sigaction(SIGINT, NULL, &act) && act.sa_handler != SIG_IGN)
		sigaddset(&end, SIGINT);
	sigprocmask(SIG_BLOCK, &end, NULL);
	while (look_around(below, l, false)) {
		/* Looking takes a tenth of the time at most. */
		least = 10 * (now() - l->now);
		if (wait_ns < least)
			wait_ns = least;
		t = (struct timespec){ wait_ns / (1000 * MS), wait_ns % (1000 * MS) };
		if (sigtimedwait(&end, NULL, &t) > 0)
			return;
		wait_ns = wait_ns < 400 * MS ? wait_ns + wait_ns / 4 : 500 * MS;
	}
}

/* Adds to *@n the processes of which there is something to say. */
static struct json_object *found(size_t *n)
{
	struct json_object *o = json_object_new_object(), *list = json_object_new_array();
	size_t entered = 0;

	for (size_t i = 0; i < nall; i++) {
		const struct seen_process *p = &all[i].found;
		struct json_object *e;

		entered += p->why == WHY_NONE && all[i].entered;
		if (p->why == WHY_NONE)
			continue;
		e = json_object_new_object();
		json_number(e, "pid", p->pid);
		json_text(e, "program", p->program);
		json_text(e, "why", why_name(p->why));
		json_text(e, "text", why_text(p->why));
		json_flag(e, "drm", p->drm);
		json_object_array_add(list, e);
	}
	*n = entered + json_object_array_length(list);
	json_number(o, "entered", entered);
	json_object_object_add(o, "processes", list);
	return o;
}

int cmd_witness(int argc, char **argv)
{
	const char *dir = NULL, *name = "-";
	bool once = false;
	const struct cli_option options[] = { { "once", .flag = &once }, { "dir", .value = &dir },
					      { "output", 'o', .value = &name }, { 0 } };
	int ret = cli_options(argc, argv, usage, options, false);
	struct look l = { .owner = -1 };
	struct proc_stat p;
	struct json_object *result;
	struct output o;
	struct stat st;
	pid_t below;
	size_t n;

	if (ret >= 0)
		return ret;
	below = argc - optind == 1 ? pid_of(argv[optind]) : 0;
	if (!below)
		return bad_use(argv[0], "give the number of one process");
	if (!proc_stat(below, &p))
		errx(2, "there is no process %d", (int)below);
	if (dir && !stat(dir, &st))
		l.owner = st.st_uid;
	if (!once)
		l.launcher = program_of(&p);
	output_open(&o, name);
	if (once)
		look_around(below, &l, true);
	else
		look_until_end(below, &l);
	result = found(&n);
	fprintf(o.file, "%s\n", json_object_to_json_string_ext(result, JSON_C_TO_STRING_PRETTY));
	json_object_put(result);
	output_done(&o);
	free(all);
	return !n;
}
