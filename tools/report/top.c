// SPDX-License-Identifier: MIT
/*
 * primeshim top: programs under the shim, live. In a terminal it draws a table again and again;
 * into a pipe it prints a line for each interval.
 */
#include "config.h"

#include <err.h>
#include <inttypes.h>
#include <ncurses.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lib/cli.h"
#include "lib/commands.h"
#include "lib/memory.h"
#include "status/summary.h"

static const char usage[] =
	"Usage: primeshim top [-d SECONDS] [-n TIMES] [DIR | PID]\n"
	"Shows the programs under the shim, and what they do with imports, again and again.\n"
	"\n"
	"  -d SECONDS  the interval: 0.1 to 3600 (default: 1)\n"
	"  -n TIMES    ends after so many times (default: never)\n"
	"  --help      prints this\n"
	"\n"
	"In a terminal: q quits; a shows programs that have ended, too; other letters sort by\n"
	"p PID, i imports, m maps a second, r refused maps, b begins a second, s time in START.\n"
	"Into a pipe or file it prints a line each time, for all programs together.\n"
	"\n"
	"Exit status: 0, or 2 for bad use or if there is nothing to read.\n";

/* What a process has done by now, and per second in the last interval. */
struct row {
	uint32_t pid;
	char program[32], mode[24];
	enum life life;
	uint64_t made;			/* another process may have had that number */
	uint64_t live, mapped, kept;	/* imports; bytes */
	uint64_t refused, rescued, fallbacks;
	uint64_t maps, begins, blocked;
	double maps_rate, begins_rate, blocked_rate;
};

static struct row *rows;
static size_t nrows;
static int sorting = 'm';
static bool ended;			/* processes that have ended are shown, too */

static struct row row_of(const struct status *p)
{
	const uint64_t *c = p->head.counters;
	struct row r = {
		.pid = p->head.pid, .life = p->life, .made = p->head.made,
		.live = p->head.imports_live, .refused = c[STAT_REFUSED], .rescued = c[STAT_OFFSET],
		.fallbacks = c[STAT_FALLBACK], .maps = c[STAT_REDIRECTED] + c[STAT_NATIVE] +
							   c[STAT_DIRECT],
		.begins = c[STAT_BEGIN], .blocked = c[STAT_BLOCKED],
	};

	snprintf(r.program, sizeof(r.program), "%.31s", p->head.program);
	snprintf(r.mode, sizeof(r.mode), "%s/%s", mode_name(p->head.policy),
		 sync_name(p->head.policy));
	r.kept = (uint64_t)p->head.kept << 10;
	for (unsigned int i = 0; i < p->nmappings; i++)
		r.mapped += p->mappings[i].end - p->mappings[i].start;
	return r;
}

static double rate(uint64_t now, uint64_t before, double seconds)
{
	return now > before && seconds > 0 ? (now - before) / seconds : 0;
}

/* Reads all status files again; the last time was @seconds ago. */
static void read_rows(const char *where, double seconds)
{
	size_t n;
	struct status *files = status_load(where, &n);
	struct row *now = memory_new(n, sizeof(*now));

	for (size_t i = 0; i < n; i++) {
		now[i] = row_of(&files[i]);
		for (size_t j = 0; j < nrows; j++) {
			const struct row *was = &rows[j];

			if (was->pid != now[i].pid || was->made != now[i].made)
				continue;
			now[i].maps_rate = rate(now[i].maps, was->maps, seconds);
			now[i].begins_rate = rate(now[i].begins, was->begins, seconds);
			now[i].blocked_rate = rate(now[i].blocked, was->blocked, seconds) / 1e6;
		}
	}
	status_free_all(files, n);
	free(rows);
	rows = now;
	nrows = n;
}

static double key_of(const struct row *r)
{
	switch (sorting) {
	case 'p':
		return -(double)r->pid;
	case 'i':
		return r->live;
	case 'r':
		return r->refused;
	case 'b':
		return r->begins_rate;
	case 's':
		return r->blocked_rate;
	default:
		return r->maps_rate;
	}
}

static int by_key(const void *a, const void *b)
{
	double x = key_of(a), y = key_of(b);

	return x > y ? -1 : x < y;
}

/* The total of all rows. Its @pid is how many programs run. */
static struct row sum(void)
{
	struct row t = { .pid = 0 };

	for (size_t i = 0; i < nrows; i++) {
		const struct row *r = &rows[i];

		t.refused += r->refused;
		t.rescued += r->rescued;
		t.fallbacks += r->fallbacks;
		t.maps_rate += r->maps_rate;
		t.begins_rate += r->begins_rate;
		t.blocked_rate += r->blocked_rate;
		if (r->life != LIFE_RUNNING)
			continue;
		t.pid++;
		t.live += r->live;
		t.mapped += r->mapped;
		t.kept += r->kept;
	}
	return t;
}

/* ", 16 KiB kept", or nothing. */
static const char *kept_part(const struct row *r)
{
	static char text[48];
	char size[32];

	text[0] = '\0';
	if (r->kept)
		snprintf(text, sizeof(text), ", %s kept", bytes_text(size, sizeof(size), r->kept));
	return text;
}

static void print_line(void)
{
	struct row t = sum();
	time_t now = time(NULL);
	char clock[32], size[32];
	struct tm tm;

	strftime(clock, sizeof(clock), "%H:%M:%S", localtime_r(&now, &tm));
	printf("%s %u running, %" PRIu64 " imports, %s mapped%s, %.1f maps/s, %" PRIu64
	       " refused, %" PRIu64 " rescued, %.1f begins/s, %.2f ms/s in START\n",
	       clock, t.pid, t.live, bytes_text(size, sizeof(size), t.mapped), kept_part(&t),
	       t.maps_rate, t.refused, t.rescued, t.begins_rate, t.blocked_rate);
}

static int in_a_pipe(const char *where, double interval, long times)
{
	const struct timespec t = { interval, (interval - (long)interval) * 1e9 };

	for (long i = 0; !times || i < times; i++) {
		if (i)
			nanosleep(&t, NULL);
		read_rows(where, i ? interval : 0);
		print_line();
		if (fflush(stdout))
			break;
	}
	return finish_output();
}

/* Writes a line of the screen, cut at its edge. */
static void put(int y, const char *text, bool bold)
{
	if (y >= LINES)
		return;
	attrset(bold ? A_BOLD : A_NORMAL);
	mvaddnstr(y, 0, text, COLS - 1);
	clrtoeol();
}

static void draw(double interval)
{
	struct row t = sum();
	char line[256], size[32];
	int y = 2;

	erase();
	snprintf(line, sizeof(line),
		 "primeshim top: %u running, %" PRIu64 " imports, %s mapped%s, %.1f maps/s, "
		 "%" PRIu64 " of %" PRIu64 " refused maps rescued",
		 t.pid, t.live, bytes_text(size, sizeof(size), t.mapped), kept_part(&t),
		 t.maps_rate, t.rescued, t.refused);
	put(0, line, false);
	put(1,
	    "    PID PROGRAM          MODE/SYNC       IMPORTS     MAPPED  MAPS/S REFUSED RESCUED "
	    "FALLBACK BEGIN/S START ms/s",
	    true);
	qsort(rows, nrows, sizeof(*rows), by_key);
	for (size_t i = 0; i < nrows; i++) {
		const struct row *r = &rows[i];

		if (r->life != LIFE_RUNNING && !ended)
			continue;
		snprintf(line, sizeof(line),
			 "%7u %-16.16s %-15.15s %7" PRIu64 " %10s %7.1f %7" PRIu64 " %7" PRIu64
			 " %8" PRIu64 " %7.1f %10.2f%s%s",
			 r->pid, r->program, r->mode, r->live,
			 bytes_text(size, sizeof(size), r->mapped), r->maps_rate, r->refused,
			 r->rescued, r->fallbacks, r->begins_rate, r->blocked_rate,
			 r->life == LIFE_RUNNING ? "" : " ",
			 r->life == LIFE_RUNNING ? "" : life_name(r->life));
		put(y++, line, false);
	}
	if (y == 2)
		put(y, "no program under the shim has imported a dma-buf (yet)", false);
	snprintf(line, sizeof(line), "every %g s; q quits, a: also ended, sort: p i m r b s",
		 interval);
	put(LINES - 1, line, false);
	refresh();
}

static double seconds_since(const struct timespec *then)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec - then->tv_sec + (now.tv_nsec - then->tv_nsec) / 1e9;
}

static int in_a_terminal(const char *where, double interval, long times)
{
	SCREEN *screen = newterm(NULL, stdout, stdin);
	struct timespec read;
	int key = 0;

	if (!screen)
		errx(2, "top: the terminal %s is not known: set TERM, or use a pipe",
		     getenv("TERM") ? getenv("TERM") : "(TERM is not set)");
	cbreak();
	noecho();
	curs_set(0);
	keypad(stdscr, TRUE);
	clock_gettime(CLOCK_MONOTONIC, &read);
	for (long i = 0; (!times || i < times) && key != 'q'; i++) {
		double since = seconds_since(&read);

		clock_gettime(CLOCK_MONOTONIC, &read);
		read_rows(where, i ? since : 0);
		draw(interval);
		/* Keys, until it is time to look again. */
		for (key = 0; key != 'q' && seconds_since(&read) < interval;) {
			timeout((interval - seconds_since(&read)) * 1000 + 1);
			key = getch();
			if (key == 'a')
				ended = !ended;
			else if (key != ERR && key < 128 && strchr("pimrbs", key))
				sorting = key;
			if (key != ERR)
				draw(interval);
		}
	}
	endwin();
	delscreen(screen);
	return 0;
}

/* Leaves the terminal as it was, whichever way the program ends. */
static void leave_screen(void)
{
	if (stdscr && !isendwin())
		endwin();
}

int cmd_top(int argc, char **argv)
{
	const char *seconds = "1", *count = NULL, *where;
	const struct cli_option options[] = { { NULL, 'd', .value = &seconds },
					      { NULL, 'n', .value = &count }, { 0 } };
	int ret = cli_options(argc, argv, usage, options, false);
	double interval;
	long times = 0;
	char *end;

	if (ret >= 0)
		return ret;
	interval = strtod(seconds, &end);
	if (*end || end == seconds || !(interval >= 0.1 && interval <= 3600))
		return bad_use(argv[0], "-d takes seconds, from 0.1 to 3600");
	if (count) {
		times = strtol(count, &end, 10);
		if (*end || end == count || times < 1)
			return bad_use(argv[0], "-n takes a number from 1 on");
	}
	if (argc - optind > 1)
		return bad_use(argv[0], "give one directory or process at a time");
	where = argv[optind];
	/* Errors come before the screen is cleared. */
	read_rows(where, 0);
	if (!isatty(STDOUT_FILENO) || !isatty(STDIN_FILENO))
		return in_a_pipe(where, interval, times);
	atexit(leave_screen);
	return in_a_terminal(where, interval, times);
}
