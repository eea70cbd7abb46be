// SPDX-License-Identifier: MIT
/*
 * primeshim ab: runs a command two ways in turn, and prints what is different. This file has the
 * command line and the order of the runs.
 */
#include "config.h"

#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <ftw.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ab.h"
#include "lib/cli.h"
#include "lib/commands.h"
#include "lib/memory.h"

#define MOST_RUNS	10000
#define RUNS		"5"

static const char usage[] =
	"Usage: primeshim ab [OPTION]... [--] COMMAND [ARG]...\n"
	"Runs COMMAND two ways in turn, and prints side by side how it ended, wall and CPU time,\n"
	"memory, what was imported, refused and rescued, and whether both ways wrote the same.\n"
	"\n"
	"  -n, --runs N     runs each way (default: " RUNS ", at most 10000)\n"
	"      --a MODE     way A (default: observe, which is like no shim, but counts)\n"
	"      --b MODE     way B (default: redirect)\n"
	"                   MODE is none (without the shim), off, observe, redirect, rescue\n"
	"                   or deny, or one of these with a sync policy: redirect/map\n"
	"      --warmup     runs COMMAND once each way before; these runs do not count\n"
	"      --output F   compares this file, which COMMAND writes, like stdout; may be given\n"
	"                   several times. A file F of yours is renamed until the end\n"
	"      --stdin F    COMMAND's stdin (default: /dev/null)\n"
	"      --timeout S  ends a run after S seconds\n"
	"      --keep DIR   keeps the outputs of all runs in DIR, which must be new or empty\n"
	"      --json       prints JSON; --markdown prints a table in Markdown\n"
	"  -q, --quiet      shows no progress\n"
	"      --help       prints this\n"
	"\n"
	"The order is A B B A A B B A: a machine that gets slower meanwhile, since its\n"
	"processor gets hot, slows both ways alike. Numbers are medians, with the median\n"
	"absolute deviation behind +-. B/A is the median of the ratios of each run of B to each\n"
	"run of A (Hodges-Lehmann), with the interval that a Mann-Whitney test at 5 % allows: it\n"
	"contains the true ratio in 95 % of all cases or more, whatever the distribution is.\n"
	"Below 4 runs each way there is no interval. Memory is that of the largest process of\n"
	"COMMAND. Maps of dma-buf are those that the shim made. ab ends all processes that\n"
	"COMMAND leaves running after each run.\n"
	"\n"
	"Exit status: 0 if the runs were made, however they ended; 2 for bad use, or if COMMAND\n"
	"cannot be started; 128 + N if signal N stopped ab, after the result so far.\n";

struct wish {
	const char *runs, *a, *b, *timeout;
	bool warmup, json, markdown;
};

static bool add_output(void *with, const char *path)
{
	struct ab *ab = with;

	for (size_t i = 1; path && i < ab->noutputs; i++)
		if (!strcmp(ab->outputs[i].path, path)) {
			warnx("ab: --output %s is given twice: give it once", path);
			return false;
		}
	ab->outputs = memory_more(ab->outputs, ab->noutputs + 1, sizeof(*ab->outputs));
	ab->outputs[ab->noutputs++] = (struct ab_output){ .path = path };
	return true;
}

static bool check_wish(struct ab *ab, const struct wish *w)
{
	char *end;
	long n;

	errno = 0;
	n = strtol(w->runs, &end, 10);
	if (errno || !*w->runs || *end || n < 1 || n > MOST_RUNS) {
		warnx("ab: -n cannot be '%s': give a number from 1 to %d", w->runs, MOST_RUNS);
		return false;
	}
	ab->n = n;
	if (w->timeout) {
		ab->timeout = strtod(w->timeout, &end);
		if (!*w->timeout || *end || !isfinite(ab->timeout) || ab->timeout <= 0) {
			warnx("ab: --timeout cannot be '%s': give seconds, more than 0",
			      w->timeout);
			return false;
		}
	}
	if (!way_parse(&ab->ways[SIDE_A], "--a", w->a) ||
	    !way_parse(&ab->ways[SIDE_B], "--b", w->b))
		return false;
	if (w->json && w->markdown) {
		bad_use("ab", "--json and --markdown exclude each other: give one of them");
		return false;
	}
	if (!ab->command[0]) {
		bad_use("ab", "no command given");
		return false;
	}
	if (access(ab->input, R_OK) < 0) {
		warn("ab: --stdin %s", ab->input);
		return false;
	}
	return true;
}

/* Makes the directory of the outputs that are kept. An empty one will do: nothing in it is lost. */
static bool prepare_keep(const char *dir)
{
	struct dirent **all;
	int n;

	if (!mkdir(dir, 0777))
		return true;
	n = errno == EEXIST ? scandir(dir, &all, NULL, NULL) : -1;
	if (n < 0) {
		warn("ab: --keep %s", dir);
		return false;
	}
	for (int i = 0; i < n; i++)
		free(all[i]);
	free(all);
	if (n > 2)
		warnx("ab: --keep %s is not empty: give a new directory", dir);
	return n <= 2;
}

static bool prepare_directory(struct ab *ab)
{
	const char *in = getenv("TMPDIR");
	char *real = realpath(in && *in ? in : "/tmp", NULL);

	/* PRIMESHIM_DIR has to be a path from the root. */
	if (!real || asprintf(&ab->tmp, "%s/primeshim-ab.XXXXXX", real) < 0 || !mkdtemp(ab->tmp)) {
		warn("ab: cannot make a directory in %s: set TMPDIR to one that can be written to",
		     in && *in ? in : "/tmp");
		free(real);
		free(ab->tmp);
		ab->tmp = NULL;
		return false;
	}
	free(real);
	/* A tmpfs always keeps room for status files; /tmp may be on another file system. */
	ab->status_dir = in && *in ? NULL : strdup("/dev/shm/primeshim-ab.XXXXXX");
	if (!ab->status_dir || !mkdtemp(ab->status_dir)) {
		free(ab->status_dir);
		ab->status_dir = ab->tmp;
	}
	return true;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	return remove(path) < 0 && errno != ENOENT ? -1 : 0;
}

static void remove_directory(const char *dir)
{
	if (nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS) < 0 && errno != ENOENT)
		warn("ab: %s cannot be removed", dir);
}

/* Shows the progress: one line that is rewritten, or a line a run if stderr is no terminal. */
static void progress(const struct ab *ab, enum side side, unsigned int i, const struct run *run)
{
	bool terminal = isatty(STDERR_FILENO);
	char how[32];

	if (ab->quiet || (!run && !terminal))
		return;
	fprintf(stderr, "%s", terminal ? "\r\033[K" : "");
	if (!run) {
		fprintf(stderr, "%u/%u %c", i + 1, 2 * ab->n, "AB"[side]);
	} else if (!terminal) {
		end_name(run->end, how, sizeof(how));
		fprintf(stderr, "primeshim: ab: run %u of %u: %c (%s): %s, %.3f s\n", i + 1,
			2 * ab->n, "AB"[side], ab->ways[side].word, how,
			run->numbers[NUMBER_WALL]);
	}
	fflush(stderr);
}

static void complain(struct ab *ab, enum side side, const char *file, const struct run *run)
{
	if (ab->complained[side] || (run->end.kind == END_EXIT && !run->end.n))
		return;
	ab->complained[side] = ab->done[side];
	ab->complaint[side] = last_line(file);
}

/*
 * Makes a run of @side: 0; 1 for a signal; -1 after a line on stderr. @warmup: it does not count.
 */
static int run_side(struct ab *ab, enum side side, bool warmup)
{
	char out[PATH_MAX], errors[PATH_MAX], dir[PATH_MAX + 16];
	unsigned int n = ab->done[side];
	bool shim = ab->ways[side].shim;
	struct run run;
	int ret;

	snprintf(out, sizeof(out), "%s/stdout", ab->tmp);
	snprintf(errors, sizeof(errors), "%s/stderr", ab->tmp);
	if (ab->keep && !warmup)
		snprintf(errors, sizeof(errors), "%s/%c%u.stderr", ab->keep, "ab"[side], n + 1);
	snprintf(dir, sizeof(dir), "PRIMESHIM_DIR=%s/status", ab->status_dir);
	if (mkdir(strchr(dir, '/'), 0700) < 0) {
		warn("ab: %s", strchr(dir, '/'));
		return -1;
	}
	ret = run_once(ab, side, out, errors, shim ? dir : NULL, &run);
	if (!ret && !warmup)
		count_run(&ab->ways[side], strchr(dir, '/'), &run);
	remove_directory(strchr(dir, '/'));
	if (ret < 0)
		return ret;
	if (outputs_take(ab, side, n, out, warmup || ret) < 0)
		return -1;
	if (ret || warmup)
		return ret;
	ab->runs[side][ab->done[side]++] = run;
	complain(ab, side, errors, &run);
	return 0;
}

/* Makes all runs: 0; 1 for a signal; -1 after a line on stderr. */
static int run_all(struct ab *ab, bool warmup)
{
	int ret = 0;

	for (int s = 0; warmup && !ret && s < NSIDES; s++)
		ret = running_stopped() ? 1 : run_side(ab, s, true);
	for (unsigned int i = 0; !ret && i < 2 * ab->n; i++) {
		/* A B B A */
		enum side side = (i + 1) / 2 % 2 ? SIDE_B : SIDE_A;

		progress(ab, side, i, NULL);
		ret = running_stopped() ? 1 : run_side(ab, side, false);
		if (!ret)
			progress(ab, side, i, &ab->runs[side][ab->done[side] - 1]);
	}
	if (isatty(STDERR_FILENO) && !ab->quiet)
		fputs("\r\033[K", stderr);
	ab->stopped = running_stopped();
	return ret;
}

static unsigned int columns(void)
{
	const char *text = getenv("COLUMNS");
	struct winsize size;

	if (!isatty(STDOUT_FILENO))
		return 0;
	if (!ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) && size.ws_col)
		return size.ws_col;
	return text && atoi(text) > 0 ? atoi(text) : 80;
}

static int print_all(const struct ab *ab, const struct wish *w)
{
	if (w->json)
		print_json(ab);
	else
		print_table(ab, w->markdown ? 0 : columns(), w->markdown);
	return finish_output();
}

int cmd_ab(int argc, char **argv)
{
	struct wish w = { .runs = RUNS, .a = "observe", .b = "redirect" };
	struct ab ab = { .input = "/dev/null" };
	const struct cli_option options[] = {
		{ "runs", 'n', .value = &w.runs },
		{ "a", .value = &w.a },
		{ "b", .value = &w.b },
		{ "warmup", .flag = &w.warmup },
		{ "output", .each = add_output, .with = &ab },
		{ "stdin", .value = &ab.input },
		{ "timeout", .value = &w.timeout },
		{ "keep", .value = &ab.keep },
		{ "json", .flag = &w.json },
		{ "markdown", .flag = &w.markdown },
		{ "quiet", 'q', .flag = &ab.quiet },
		{ 0 },
	};
	int ret;

	add_output(&ab, NULL);
	ret = cli_options(argc, argv, usage, options, true);
	if (ret >= 0)
		return ret;
	ab.command = argv + optind;
	if (!check_wish(&ab, &w) || ways_prepare(&ab) < 0 || (ab.keep && !prepare_keep(ab.keep)) ||
	    !prepare_directory(&ab))
		return 2;
	for (int s = 0; s < NSIDES; s++)
		ab.runs[s] = memory_new(ab.n, sizeof(**ab.runs));
	running_prepare();
	if (!outputs_prepare(&ab))
		ret = run_all(&ab, w.warmup);
	outputs_restore(&ab);
	remove_directory(ab.tmp);
	if (ab.status_dir != ab.tmp)
		remove_directory(ab.status_dir);
	/* A part of a result is printed as well. Without a run the error on stderr is enough. */
	if ((ret >= 0 || ab.done[SIDE_A]) && print_all(&ab, &w))
		return 2;
	return ret < 0 ? 2 : ab.stopped ? 128 + ab.stopped : 0;
}
